"""Chats (S3.1-S3.3): a new token each time, checked, never kept; who asked, for whom and when is."""

from __future__ import annotations

import hashlib
import json
import pwd
from os import getuid
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from syncd.deadline import Deadline
from syncd.errors import BadInput, SyncdError
from syncd.pitchyou.chat import checked_name
from syncd.recruiting.chat import find_applicant, open_chat
from syncd.sandbox import Fault, SandboxConfig, Tenant
from syncd.store import chat_requests
from tests.integration.test_commands_terminal import HOSTILE, STEERING
from tests.scene import Scene, scene
from tests.system.processes import MANY, Site, site

REQUESTS = "SELECT profile_id, recruiter_name, requested_by, token_sha256 FROM ats.chat_request ORDER BY id"


def first_id(here: Site, client: str = "acme") -> Any:
    return next(here.sandbox.expected(client))["profileId"]


def opened(here: Site, *arguments: str) -> str:
    result = here.run("chat", *arguments, CHAT_URL=f"{here.sandbox.url}/chat")
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout.strip()


def chat_with(s: Scene, recruiter: str | None = None, seconds: float = 30.0) -> str:
    profile = str(next(s.sandbox.expected())["profileId"])
    applicant = find_applicant(s.outsides.database, ["acme"], profile, Deadline(30), client_id=None)
    return open_chat(
        s.client.api,
        s.outsides.database,
        applicant,
        recruiter_name=recruiter,
        requested_by="tester",
        chat_base=f"{s.sandbox.url}/chat",
        deadline=Deadline(seconds),
    )


@pytest.mark.parametrize(
    ("chat_format", "chat_answer", "id_type"),
    [
        ("json", "json", "string"),
        ("form", "text", "integer"),
        ("json", "text", "reserved"),
        ("form", "json", "guid"),
    ],
)
def test_a_chat_opens_under_every_reading(
    chat_format: Any, chat_answer: Any, id_type: Any, database_url: str, tmp_path: Path
) -> None:
    config = SandboxConfig(profiles=1, chat_format=chat_format, chat_answer=chat_answer, id_type=id_type)
    with scene(database_url, tmp_path, config=config, api={"chat_format": chat_format}) as s:
        s.cycle()
        with urlopen(chat_with(s, "Frau Jäger")) as page:
            assert "Frau Jäger" in page.read().decode()


@pytest.mark.parametrize(
    "kind", ["html", "garbage", "object", "empty", "endless", "redirect", "hang", "drop_after"]
)
def test_an_answer_that_is_no_token_opens_nothing(kind: str, database_url: str, tmp_path: Path) -> None:
    with scene(database_url, tmp_path, config=SandboxConfig(profiles=1)) as s:
        s.cycle()
        s.sandbox.inject(Fault("chat", kind, times=MANY))
        with pytest.raises(SyncdError):
            chat_with(s, seconds=0.5)
        assert s.rows("SELECT * FROM ats.chat_request") == []
        assert s.sandbox.findings == []


def test_an_application_that_was_erased_meanwhile_opens_no_chat(database_url: str, tmp_path: Path) -> None:
    with scene(database_url, tmp_path, config=SandboxConfig(profiles=1)) as s:
        s.cycle()
        profile = str(next(s.sandbox.expected())["profileId"])
        applicant = find_applicant(s.outsides.database, ["acme"], profile, Deadline(30), client_id=None)
        s.execute("UPDATE ats.application SET erased_at = now()")
        with pytest.raises(BadInput, match="was erased"):
            open_chat(
                s.client.api, s.outsides.database, applicant,
                recruiter_name=None, requested_by="tester", chat_base=s.sandbox.url, deadline=Deadline(30),
            )  # fmt: skip
        with pytest.raises(BadInput, match="no application"):
            chat_with(s)


def test_a_note_that_is_made_again_after_a_lost_answer_stands_there_once(
    database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path, config=SandboxConfig(profiles=1)) as s:
        s.cycle()
        profile = str(next(s.sandbox.expected())["profileId"])
        applicant = find_applicant(s.outsides.database, ["acme"], profile, Deadline(30), client_id=None)
        for _ in range(2):
            noted = s.outsides.database.transact(
                lambda c: chat_requests.add(
                    c, applicant, recruiter_name=None, requested_by="tester", token="token"
                ),
                Deadline(30),
            )
            assert noted
        assert s.value("SELECT count(*) FROM ats.chat_request") == 1


def test_a_hostile_but_printable_name_reaches_the_chat_as_text(database_url: str, tmp_path: Path) -> None:
    with scene(database_url, tmp_path, config=SandboxConfig(profiles=1)) as s:
        s.cycle()
        with urlopen(chat_with(s, "<script>alert(1)</script>")) as page:
            assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.read().decode()


@pytest.mark.parametrize("name", ["a\nb", "a\u202eb", "x" * 101, "\x1b[2J"])
def test_a_recruiters_name_that_cannot_be_shown_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="recruiter's name"):
        checked_name(name)


def test_each_chat_has_a_token_of_its_own_and_none_is_kept(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=2)) as here:
        assert here.run("sync").returncode == 0
        profile = first_id(here)
        urls = [opened(here, profile, "--recruiter", " Jana "), opened(here, profile)]
        tokens = [url.rpartition("/")[2] for url in urls]
        assert len(set(tokens)) == 2
        account = pwd.getpwuid(getuid()).pw_name
        assert here.rows(REQUESTS) == [
            (profile, name, account, hashlib.sha256(token.encode()).digest())
            for name, token in zip(("Jana", None), tokens, strict=True)
        ]
        dump = str([here.rows(f"SELECT t::text FROM {table} t") for table in here.rows_as_they_are()])
        assert not [token for token in tokens if token in dump]


def test_the_token_is_not_logged_even_at_debug(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=1), LOG__LEVEL="debug") as here:
        here.run("sync")
        result = here.run("chat", first_id(here))
        token = result.stdout.strip().rpartition("/")[2]
        assert len(token) > 20
        assert token not in result.stderr


def test_an_unknown_profile_another_clients_and_one_of_several_are_told_apart(
    database_url: str, tmp_path: Path
) -> None:
    config = SandboxConfig(profiles=1, tenants=(Tenant("beta", "s", 2), Tenant("gamma", "s", 0)))
    with site(database_url, tmp_path, config) as here:
        assert here.run("sync").returncode == 0
        here.execute("INSERT INTO ats.client (client_id) VALUES ('delta')")
        here.execute(
            "INSERT INTO ats.application (client_id, profile_id, wire_id, payload_sha256) VALUES ('delta', 'left', '1', '')"
        )
        shared, own = [profile["profileId"] for profile in here.sandbox.expected("beta")]
        for arguments, message in (
            (
                ["nobody"],
                "syncd: no application 'nobody' in the database. Look up the id in ats.application.\n",
            ),
            (
                [own, "--client", "acme"],
                f"syncd: application '{own}' does not belong to client acme, but to: beta\n",
            ),
            (
                [shared],
                f"syncd: several clients have an application '{shared}'; choose one with --client: acme, beta\n",
            ),
            (
                ["left"],
                "syncd: application 'left' belongs to a client that is not configured: delta\n",
            ),
            ([HOSTILE], None),
            (["\udcff"], None),
        ):
            result = here.run("chat", *arguments)
            assert (result.returncode, result.stdout) == (2, "")
            assert result.stderr == message or message is None
            assert not STEERING.search(result.stderr)
        assert here.run("chat", own).returncode == 0
        assert here.run("chat", shared, "--client", "beta").returncode == 0
        assert [chat[0] for chat in here.sandbox.ledger.chats] == ["beta", "beta"]


@pytest.mark.parametrize("status", [401, 403, 404, 410, 422])
def test_a_refusal_of_one_applicant_names_the_applicant_and_not_the_client(
    status: int, database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=1)) as here:
        here.run("sync")
        here.sandbox.inject(Fault("chat", "status", status=status, times=MANY))
        result = here.run("chat", first_id(here))
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr.startswith(
            f"syncd: PitchYou refused to open a chat with profile '{first_id(here)}' of client 'acme'"
        )
        assert here.rows(REQUESTS) == []


def test_a_request_that_cannot_be_noted_gives_no_address(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=1)) as here:
        here.run("sync")
        here.execute(
            f"ALTER DATABASE {database_url.rpartition('/')[2]} SET default_transaction_read_only = on"
        )
        result = here.run("chat", first_id(here))
        assert (result.returncode, result.stdout) == (1, "")
        assert "cannot write" in result.stderr


def test_a_name_that_cannot_be_shown_is_refused_before_anything(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=0)) as here:
        result = here.run("chat", "1", "--recruiter", HOSTILE)
        assert (result.returncode, result.stdout) == (2, "")
        assert "recruiter's name" in result.stderr
        assert not STEERING.search(result.stderr)
        assert here.sandbox.ledger.requests == []


def test_iframe_and_widget_come_with_the_policy_they_need(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=1)) as here:
        here.run("sync")
        element, policy = opened(here, first_id(here), "--iframe").split("\n\n")
        assert element.startswith(f'<iframe src="{here.sandbox.url}/chat/')
        assert policy == f"Content-Security-Policy: frame-src {here.sandbox.url}"
        missing = here.run("chat", first_id(here), "--widget")
        assert (missing.returncode, missing.stdout) == (2, "")
        assert "chat_widget_css" in missing.stderr
        odd = here.run("chat", first_id(here), "--iframe", CHAT_URL="https://a..b")
        assert (odd.returncode, odd.stdout) == (2, "")
        assert len(here.sandbox.ledger.chats) == here.value("SELECT count(*) FROM ats.chat_request") == 1
        result = here.run(
            "chat",
            first_id(here),
            "--widget",
            "--json",
            CHAT_WIDGET_CSS=f"{here.sandbox.url}/widget/chat.css",
            CHAT_WIDGET_JS=f"{here.sandbox.url}/widget/chat.js",
        )
        facts = json.loads(result.stdout)
        assert facts["url"] in facts["html"]
        assert f"script-src {here.sandbox.url}" in facts["csp"]
