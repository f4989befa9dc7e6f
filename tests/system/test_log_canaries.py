"""No text of an applicant, no token and no secret in any log, at any level, in any format, whatever goes wrong.

Canaries are planted in every field of the payload. Ids are no canaries: an operator needs them.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from syncd.embedded import EmbeddedPostgres
from syncd.sandbox import Fault, SandboxConfig
from tests.database import url_of
from tests.system.processes import Site, eventually, site
from tests.system.test_web import get

CANARY = "Kanarienvogel"
SECRET = f"{CANARY}-secret"
FORMATS = ("json", pytest.param("console", marks=pytest.mark.thorough))


def sung(place: str) -> str:
    return f"{CANARY} {place} ä\U0001f426"


def media(media_id: str) -> dict[str, Any]:
    return {
        "mediaId": media_id,
        "mimeType": sung("mimeType"),
        "fileName": f"../{sung('fileName')}.pdf",
        "downloadUri": f"https://{CANARY}.example/{CANARY}?sig={CANARY}",
        sung("key of a file"): sung("value of a file"),
    }


def application(profile_id: str) -> dict[str, Any]:
    """An application with a canary wherever one can sit."""
    names = ("externalReferenceId", "jobTemplateKey", "utmSource", "utmMedium", "utmCampaign", "utmContent")
    contact = ("firstName", "lastName", "email", "phone", "language", "createdAt")
    return {
        "profileId": profile_id,
        **{name: sung(name) for name in (*names, *contact)},
        sung("key"): sung("value"),
        "nested": {sung("inner key"): [sung("inner value"), {"deeper": sung("deeper")}]},
        "cv": media(f"{profile_id}-cv"),
        "profileImage": [media(f"{profile_id}-image")],
        "steps": [
            {"question": sung("question"), "answer": sung("answer"), sung("step key"): sung("step value")},
            {"question": sung("question"), "answer": {sung("answer key"): sung("answer value")}},
            {"answer": [sung("item")], "attachments": [media(f"{profile_id}-step")]},
        ],
    }


def unreadable() -> list[bytes]:
    """Applications that end in quarantine, each for another reason."""
    whole = json.dumps(application("bad"))
    steps = json.dumps({"steps": sung("steps")})
    return [
        whole.replace('"steps": [', '"steps": [NaN, ').encode(),
        whole.replace('"bad"', '"bad1", "profileId": "bad1"').encode(),
        whole.replace('"bad"', '"bad2"')
        .replace(CANARY, f"{CANARY}\udcff")
        .encode("utf-8", "surrogateescape"),
        whole.replace('"bad"', json.dumps({sung("id"): sung("id")})).encode(),
        whole.replace('"bad"', "null").encode(),
        whole.replace('"bad"', json.dumps("\0" + sung("id"))).encode(),
        whole.replace('"bad"', f'"bad3", "number": {"9" * 5000}').encode(),
        whole.replace('"bad"', f'"bad4", "nested2": {"[" * 120}"{CANARY}"{"]" * 120}').encode(),
        json.dumps({**application("bad5"), "cv": sung("cv")}).encode(),
        json.dumps({**application("bad6"), "utmSource": [sung("utmSource")]}).encode(),
        json.dumps({**application("bad7"), "externalReferenceId": sung("reference") * 100}).encode(),
        json.dumps({**application("bad8"), **json.loads(steps)}).encode(),
        json.dumps(sung("no object")).encode(),
    ]


def plant(here: Site, prefix: str, count: int = 3) -> None:
    for number in range(count):
        here.sandbox.put_raw_profile(json.dumps(application(f"{prefix}{number}")).encode())


def assert_silent(here: Site, log: Path, server: EmbeddedPostgres, *more: str) -> None:
    """Nothing that was planted, no token and no password is in anything that was written."""
    here_tokens = list(here.sandbox._world.tokens._tokens)  # there is no public way to ask for all of them
    assert here_tokens
    paths = [*here.folder.glob("*.out"), *here.folder.glob("*.log"), log]
    texts = {path.name: path.read_text(errors="replace") for path in paths}
    texts |= {f"output {number}": text for number, text in enumerate(more)}
    for name, text in texts.items():
        for secret in (CANARY.lower(), server.password.lower(), *(token.lower() for token in here_tokens)):
            at = text.lower().find(secret)
            assert at < 0, f"{name}: …{text[max(0, at - 300) : at + 100]}…"


CONFIG = SandboxConfig(
    profiles=5, client_secret=SECRET, bad_confirm_ids=frozenset({"refused0"}), after_confirm="stay"
)


@pytest.mark.parametrize("log_format", FORMATS)
def test_no_canary_in_the_daemons_log_nor_in_postgres_log_whatever_goes_wrong(
    own_postgres: EmbeddedPostgres, tmp_path: Path, log_format: str
) -> None:
    environ = {"LOG__FORMAT": log_format, "LOG__LEVEL": "debug", "SYNC__MEDIA_GONE_AFTER": "0s"}
    faults = [
        Fault("media", "status", status=404, times=2, match="gone"),
        Fault("media", "status", status=500, times=6, match="first"),
        Fault("media", "html", times=3, match="first"),
        Fault("profiles", "truncate"),
        Fault("profiles", "garbage"),
        Fault("profiles", "status", status=401, times=2),
        Fault("confirm", "drop_after"),
        Fault("confirm", "html"),
        Fault("token", "garbage"),
    ]
    with site(url_of(own_postgres), tmp_path, CONFIG, SYNC__MEDIA_RETRY="10ms", **environ) as here:
        for prefix in ("first", "gone", "refused"):
            plant(here, prefix)
        for element in unreadable():
            here.sandbox.put_raw_profile(element)
        for fault in faults:
            here.sandbox.inject(fault)
        with here.start("run", WEB__BIND="127.0.0.1:0") as daemon:

            def said(event: str) -> bool:
                return event in daemon.log_path.read_text()

            for event in ("profile_quarantined", "media_gone", "confirm_refused", "cycle_failed"):
                eventually(lambda: said(event), f"{event} is logged", 60)  # noqa: B023 - runs at once
            refuse_data(here)
            plant(here, "datum")
            eventually(
                lambda: here.value("SELECT count(*) FROM ops.quarantine WHERE stage = 'land'") == 3,
                "Postgres has refused rows",
            )
            own_postgres.kill()
            eventually(lambda: said("database_unavailable"), "it is away")
            own_postgres.start()
            eventually(lambda: said("database_available"), "it is back")
            changed = {**application("first1"), "utmSource": sung("changed source")}
            here.sandbox.put_raw_profile(json.dumps(changed).encode())
            eventually(
                lambda: here.value("SELECT max(confirmed_revision) FROM ats.application") == 2,
                "a change is confirmed",
            )
            found = re.search(r"\bport\W+(\d+)", daemon.log_path.read_text())
            assert found
            served = [get(int(found[1]), path)[2] for path in ("/metrics", "/healthz", "/readyz")]
            assert "syncd_quarantined_profiles" in served[0]
            assert daemon.stop() == 0
        assert here.value("SELECT count(*) FROM ops.quarantine") >= 12 + 3
        assert_silent(here, own_postgres.log_path, own_postgres, *served)


def refuse_data(here: Site) -> None:
    """Let the database refuse what it would refuse for its type: the message names no value."""
    here.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF NEW.profile_id LIKE 'datum%' THEN RAISE 'refused' USING ERRCODE = '22000'; END IF; RETURN NEW; END $$; "
        "CREATE TRIGGER refuse BEFORE INSERT ON ats.answer FOR EACH ROW EXECUTE FUNCTION refuse()"
    )


@pytest.mark.long
@pytest.mark.parametrize("log_format", FORMATS)
def test_no_canary_in_what_the_commands_print_at_level_debug(
    own_postgres: EmbeddedPostgres, tmp_path: Path, log_format: str
) -> None:
    environ = {"LOG__FORMAT": log_format, "LOG__LEVEL": "debug"}
    with site(url_of(own_postgres), tmp_path, CONFIG, **environ) as here:
        plant(here, "good")
        plant(here, "refused")
        for element in unreadable():
            here.sandbox.put_raw_profile(element)
        commands = (
            ["check"],
            ["sync", "--dry-run"],
            ["sync", "--no-confirm"],
            ["sync"],
            ["status"],
            ["verify"],
            ["quarantine", "list"],
            ["quarantine", "retry"],
        )
        written = []
        for command in commands:
            result = here.run(*command)
            assert result.returncode in (0, 3), (command, result)
            written += [result.stdout, result.stderr]
        here.sandbox.inject(Fault("token", "status", status=401, times=None))
        here.sandbox.revoke_tokens()
        for command in (["sync"], ["check"]):
            result = here.run(*command, CLIENT_SECRET=f"{SECRET}-wrong")
            assert result.returncode == 1
            written += [result.stdout, result.stderr]
        here.sandbox.clear_faults()
        here.run("check")  # so that there is a token to look for
        assert "profile_quarantined" in "".join(written)
        assert_silent(here, own_postgres.log_path, own_postgres, *written)


@pytest.mark.parametrize("log_format", FORMATS)
def test_what_postgres_tells_of_a_row_is_not_passed_on(
    own_postgres: EmbeddedPostgres, tmp_path: Path, log_format: str
) -> None:
    environ = {"LOG__FORMAT": log_format, "LOG__LEVEL": "debug"}
    with site(url_of(own_postgres), tmp_path, CONFIG, **environ) as here:
        # Somebody's own rules. The messages of both quote the row: one while landing, one while confirming.
        here.execute("ALTER TABLE ats.application ADD CHECK (utm_source IS NULL OR profile_id <> 'row0')")
        here.execute("ALTER TABLE ats.application ADD CHECK (profile_id <> 'row1' OR confirmed_revision = 0)")
        plant(here, "row")
        with here.start("run") as daemon:
            eventually(lambda: "cycle_failed" in daemon.log_path.read_text(), "a confirm cannot be recorded")
            assert daemon.stop() == 0
        result = here.run("sync")
        assert result.returncode == 1
        (here.folder / "sync.out").write_text(result.stdout + result.stderr)
        assert "SQLSTATE 23514" in result.stderr
        assert "crashed" not in result.stderr
        status = here.run("status", "--json")
        (here.folder / "status.out").write_text(status.stdout + status.stderr)
        assert CANARY in own_postgres.log_path.read_text()  # the bait was real
        assert_silent(here, here.folder / "sync.out", own_postgres)
