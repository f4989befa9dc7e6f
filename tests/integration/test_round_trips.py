"""What one application costs at Postgres until it is confirmed: docs/performance.md says it, and this counts it."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Engine, event

from tests.integration.listener import reply
from tests.integration.scripted import CONFIRMED, listing, scripted
from tests.proof.wire import Proxy

PAGE = Path(__file__).resolve().parents[2] / "docs" / "performance.md"
CLAIM = re.compile(r"syncd runs (\d+) transactions with (\d+)\s+round\s+trips")
ONE = {
    "profileId": "P",
    "externalReferenceId": "J",
    "steps": [{"question": "?", "answer": "!"}],
    "cv": [{"mediaId": "a"}, {"mediaId": "b"}],
}


def test_transactions_and_round_trips_until_the_confirm_are_those_that_the_page_claims(
    database_url: str, tmp_path: Path
) -> None:
    """For one new application with two files, in a process that has done a cycle before."""
    port = urlsplit(database_url).port
    assert port
    commits: list[Any] = []
    counted: list[tuple[int, int]] = []

    def note(connection: Any) -> None:
        commits.append(connection)

    def confirm() -> bytes:
        # `Z` ends each query, and `G` asks for the rows of a COPY.
        trips = sum(message in ("<Z", "<G") for message in proxy.messages)
        counted.append((len(commits), trips))
        return CONFIRMED

    with Proxy(port) as proxy:
        url = database_url.replace(f":{port}/", f":{proxy.port}/") + "?sslmode=disable&gssencmode=disable"
        with scripted(
            url,
            tmp_path / "m",
            [listing(), listing(ONE), listing()],
            media=[reply(b"x")],
            confirms=[confirm],
        ) as script:
            script.scene.cycle()
            proxy.messages.clear()
            event.listen(Engine, "commit", note)
            try:
                assert script.scene.cycle().tally.confirmed == 1
            finally:
                event.remove(Engine, "commit", note)
    claimed = CLAIM.search(PAGE.read_text())
    assert claimed
    assert counted == [(int(claimed[1]), int(claimed[2]))]
