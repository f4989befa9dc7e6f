"""Only the newest poll says what may be confirmed: a list of an earlier poll of the same cycle proves nothing any more."""

from pathlib import Path

import pytest

from syncd.model import Outcome
from tests.integration.listener import reply
from tests.integration.scripted import Script, Scripted, listing, scripted
from tests.integration.settling import CONFIRM

NO_FILES = {"profileId": "without", "steps": []}
ONE_FILE = {"profileId": "with", "steps": [], "cv": {"mediaId": "m", "fileName": "a"}}
FAILED = {
    "403": reply(status="403 Forbidden"),
    "a web page": reply(b"<html>", Content_Type="text/html"),
    "cut off": reply(b'[{"profileId": "without", "ste', Content_Type="application/json"),
}


@pytest.mark.parametrize("how", FAILED)
def test_nothing_is_confirmed_by_the_list_of_an_earlier_poll_of_the_same_cycle(
    how: str, database_url: str, tmp_path: Path
) -> None:
    """PitchYou may hold a newer version of an application whose file comes only after the first poll."""
    here: list[Script] = []

    def second_list() -> bytes:
        here[0].scene.execute("UPDATE ats.media SET next_attempt_at = now()")
        return FAILED[how]

    lists: list[Scripted] = [listing(NO_FILES, ONE_FILE), second_list, listing(ONE_FILE)]
    media = [reply(status="404 Not Found"), reply(b"the file")]
    with scripted(database_url, tmp_path / "m", lists, media=media) as script:
        here.append(script)
        ended = script.scene.cycle()
        assert ended.outcome is Outcome.FAILED
        assert (ended.tally.media_stored, script.confirms) == (1, [["without"]])
        assert script.scene.cycle().outcome is Outcome.OK
        assert script.confirms[1:] == [["with"]]
        assert len(script.listener.requests(CONFIRM)) == 2
