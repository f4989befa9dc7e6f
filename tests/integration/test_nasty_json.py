"""Nasty JSON in the list of profiles: it is read or it is kept, and costs nobody else anything (contract S2.1, faults.md)."""

import json
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

from syncd.errors import BadAnswer
from syncd.model import BadProfile
from syncd.pitchyou import PitchYou
from syncd.sandbox import SandboxConfig
from syncd.sandbox.audit.checks import clean
from syncd.sync.client_cycle import Client
from tests.integration.listener import Heard, Listener, reply
from tests.integration.nasty_json import ACCEPTED, BREAKING, REFUSED, UNDECIDED
from tests.integration.settling import LIST, landed, quarantined
from tests.scene import Scene, scene


def in_a_profile(name: str, text: bytes) -> bytes:
    return b'{"profileId":%b,"steps":[{"answer":%b}]}' % (json.dumps(name).encode(), text)


def as_double(number: str) -> Decimal:
    """The number as far as a double holds it, which is all that JSON promises."""
    return Decimal(repr(float(number)))


def payloads(s: Scene) -> dict[str, bytes]:
    rows = s.rows("SELECT profile_id, payload FROM ats.application_raw")
    return {row["profile_id"]: bytes(row["payload"]) for row in rows}


def test_an_answer_is_stored_as_it_came_or_its_profile_waits_in_quarantine(
    database_url: str, tmp_path: Path
) -> None:
    bodies = {name: in_a_profile(name, text) for name, text in {**ACCEPTED, **REFUSED, **UNDECIDED}.items()}
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=2), batch_size=50) as s:
        for body in bodies.values():
            s.sandbox.put_raw_profile(body)
        s.sandbox.add_profiles(2)
        assert s.cycle().error is None
        stored, kept = payloads(s), [bytes(entry["payload"]) for entry in quarantined(s)]
        for name, body in bodies.items():
            assert (body in kept) is not (stored.get(name) == body), name
        assert not [name for name in ACCEPTED if name not in stored]
        assert not [name for name in REFUSED if name in stored]
        answers = s.rows("SELECT profile_id, answer_json::text FROM ats.answer")
        found = {row["profile_id"]: row["answer_json"] for row in answers}
        for name, text in ACCEPTED.items():
            stored_value = json.loads(found[name] or "null", parse_int=Decimal, parse_float=Decimal)
            assert stored_value == clean(json.loads(text, parse_int=Decimal, parse_float=as_double)), name
        assert len(stored) == len(landed(s)) == 4 + len(bodies) - len(kept)
        s.assert_complete()


def test_an_element_that_is_no_profile_waits_in_quarantine(database_url: str, tmp_path: Path) -> None:
    corpus = {**ACCEPTED, **REFUSED, **UNDECIDED}
    texts = [b"[%b,%b]" % (json.dumps(name).encode(), text) for name, text in corpus.items()]
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=2), batch_size=50) as s:
        for text in texts:
            s.sandbox.put_raw_profile(text)
        s.sandbox.add_profiles(2)
        assert s.cycle().error is None
        kept = {bytes(entry["payload"]) for entry in quarantined(s)}
        assert not [text[:100] for text in texts if text not in kept]
        assert len(landed(s)) == 4
        s.assert_complete()


def waiting(s: Scene) -> int:
    return int(s.value("SELECT count(*) FROM ops.quarantine WHERE resolved_at IS NULL"))


class Answers:
    """Answers each list with `body`, and a confirm as if all were well."""

    body = b""

    def __call__(self, heard: Heard) -> Iterable[bytes]:
        answers = {"/token": b'{"access_token":"t","expires_in":3600}', LIST: self.body}
        return [reply(answers.get(heard.path, b"[]"), Content_Type="application/json")]


def test_a_whole_answer_of_it_is_a_list_or_refused_and_lands_nothing(
    database_url: str, tmp_path: Path
) -> None:
    corpus = {**ACCEPTED, **REFUSED, **UNDECIDED, **BREAKING}
    answers = Answers()
    with (
        scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=0)) as s,
        Listener(answers) as server,
        PitchYou("acme", "s", base_url=server.url) as api,
    ):
        s.client = Client(s.client.plan, api)
        lists = set()
        for name, text in corpus.items():
            answers.body = text
            try:
                with api.profiles() as found:
                    assert all(isinstance(each, BadProfile) for each in found), name
            except BadAnswer:
                continue
            lists.add(name)
            assert s.cycle().error is None, name
        sound = {name for name, text in ACCEPTED.items() if isinstance(json.loads(text), list)}
        assert (
            sound <= lists <= sound | {name for name in corpus if corpus[name].startswith(b"[")} - {*BREAKING}
        )
        assert {heard.path for heard in server.heard} == {"/token", LIST}
        assert landed(s) == set()
        assert waiting(s) > len(lists - sound)


def test_a_list_that_it_breaks_lands_nothing_and_the_next_one_all(database_url: str, tmp_path: Path) -> None:
    good = [in_a_profile(name, b'"!"') for name in ("first", "last")]
    answers = Answers()
    with (
        scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=0)) as s,
        Listener(answers) as server,
        PitchYou("acme", "s", base_url=server.url) as api,
    ):
        sandbox, s.client = s.client, Client(s.client.plan, api)
        for element in (b"", *BREAKING.values(), *(in_a_profile("b", text) for text in BREAKING.values())):
            answers.body = b"[" + b",".join([good[0], element, good[1]]) + b"]"
            assert isinstance(s.cycle().error, BadAnswer), element[:100]
        assert {heard.path for heard in server.heard} == {"/token", LIST}
        assert (landed(s), waiting(s)) == (set(), 0)
        s.client = sandbox
        for body in good:
            s.sandbox.put_raw_profile(body)
        assert s.cycle().error is None
        assert landed(s) == {"first", "last"}
        s.assert_complete()
