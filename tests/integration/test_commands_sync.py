"""`syncd sync` as its user sees it: exit codes, what it prints, and what each option leaves undone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from syncd.sandbox import Fault, SandboxConfig, Tenant
from tests.system.processes import Site, eventually, site

NOT_AN_APPLICATION = b'{"profileId": "broken", "steps": 7}'


def clients(here: Site, *options: str, code: int = 0) -> list[dict[str, Any]]:
    """The result of `sync --json`, which prints one JSON line and nothing else."""
    result = here.run("sync", "--json", *options)
    assert result.returncode == code, result
    (line,) = result.stdout.splitlines()
    found: list[dict[str, Any]] = json.loads(line)["clients"]
    return found


def test_sync_says_in_one_line_what_it_did_and_nothing_more_in_a_pipe(
    database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path) as here:
        result = here.run("sync")
        assert (result.returncode, result.stderr) == (0, "")
        files = here.value("SELECT count(*) FROM ats.media")
        size = here.value("SELECT sum(size_bytes) / 1e6 FROM ats.media")
        assert result.stdout == (
            f"acme: ok - 20 listed: 20 new, 0 changed, 0 unchanged; {files} files stored ({size:,.1f} MB); "
            "20 confirmed\n"
        )
        here.assert_complete()
        again = here.run("sync")
        assert again.stdout == (
            "acme: ok - 0 listed: 0 new, 0 changed, 0 unchanged; 0 files stored (0.0 MB); 0 confirmed\n"
        )


def test_json_gives_every_count_of_the_cycle(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path) as here:
        (entry,) = clients(here)
        assert entry.pop("open") == {"quarantined": 0, "pending": 0, "rejected": 0, "unconfirmed": 0}
        columns = ", ".join(set(entry) - {"client_id", "outcome", "error"})
        row = dict(zip(columns.split(", "), here.rows(f"SELECT {columns} FROM ops.cycle")[0], strict=True))
        assert entry == {"client_id": "acme", "outcome": "ok", "error": None, **row}
        assert (entry["new"], entry["confirmed"]) == (20, 20)


def test_sync_says_what_is_left_open_also_by_earlier_cycles(database_url: str, tmp_path: Path) -> None:
    config = SandboxConfig(profiles=6, media_per_profile=1.0, media_late=1.0, media_late_tries=50)
    with site(database_url, tmp_path, config) as here:
        for _ in range(2):
            result = here.run("sync")
            assert result.returncode == 3
            late, unconfirmed = here.rows(
                "SELECT (SELECT count(*) FROM ats.media WHERE state = 'pending'), count(*) FROM ats.application "
                "WHERE revision > confirmed_revision"
            )[0]
            assert late
            assert f"{late} files not fetched yet; {unconfirmed} not confirmed yet" in result.stdout
        (entry,) = clients(here, code=3)
        assert entry["open"]["pending"] == late


def test_dry_run_writes_nothing_at_all(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=20, after_confirm="stay")) as here:
        assert here.run("sync").returncode == 0
        here.sandbox.add_profiles(3)
        for profile in list(here.sandbox.expected())[:2]:
            here.sandbox.change_profile(profile["profileId"], add_media=1)
        here.sandbox.put_raw_profile(NOT_AN_APPLICATION)
        rows, files = here.rows_as_they_are(), here.files_as_they_are()
        confirms = len(here.sandbox.ledger.confirms)
        downloads = len(here.sandbox.ledger.media)
        (entry,) = clients(here, "--dry-run", code=3)
        assert (entry["outcome"], entry["seen"]) == ("dry-run", 24)
        assert [entry[key] for key in ("new", "changed", "unchanged", "quarantined")] == [3, 2, 18, 1]
        result = here.run("sync", "--dry-run")
        assert result.stdout == (
            "acme: dry-run - 24 listed: 3 new, 2 changed, 18 unchanged; "
            "1 in quarantine (see `syncd quarantine list`)\n"
        )
        assert (here.rows_as_they_are(), here.files_as_they_are()) == (rows, files)
        assert len(here.sandbox.ledger.confirms) == confirms
        assert len(here.sandbox.ledger.media) == downloads


def test_dry_run_makes_no_folder_on_a_new_machine(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path) as here:
        assert here.run("sync", "--dry-run").returncode == 0
        assert not here.media_root.exists()


def test_no_confirm_stores_everything_and_leaves_the_confirm_to_a_later_sync(
    database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path) as here:
        (entry,) = clients(here, "--no-confirm", code=3)
        assert (entry["new"], entry["confirmed"]) == (20, 0)
        assert here.sandbox.ledger.confirms == []
        assert here.value("SELECT count(*) FROM ats.media WHERE state <> 'stored'") == 0
        (entry,) = clients(here)
        assert (entry["new"], entry["unchanged"], entry["confirmed"]) == (0, 20, 20)
        here.assert_complete()


def test_client_chooses_one_and_an_unknown_one_is_named_with_those_there_are(
    database_url: str, tmp_path: Path
) -> None:
    tenants = (Tenant("beta", "beta-secret", 5),)
    with site(database_url, tmp_path, SandboxConfig(profiles=5, tenants=tenants)) as here:
        (entry,) = clients(here, "--client", "beta")
        assert entry["client_id"] == "beta"
        assert here.rows("SELECT DISTINCT client_id FROM ats.application") == [("beta",)]
        for command in (["sync"], ["status"], ["verify"], ["quarantine", "retry"]):
            result = here.run(*command, "--client", "gamma")
            assert (result.returncode, result.stdout) == (2, "")
            assert "no client 'gamma' in the configuration; configured clients: acme, beta" in result.stderr
        assert [entry["client_id"] for entry in clients(here)] == ["acme", "beta"]


def test_one_client_that_fails_does_not_keep_the_other_from_its_cycle(
    database_url: str, tmp_path: Path
) -> None:
    tenants = (Tenant("beta", "beta-secret", 5),)
    with site(database_url, tmp_path, SandboxConfig(profiles=5, tenants=tenants)) as here:
        result = here.run("sync", "--json", CLIENTS__0__CLIENT_SECRET="wrong-secret")
        assert result.returncode == 1
        acme, beta = json.loads(result.stdout)["clients"]
        assert (acme["outcome"], beta["outcome"]) == ("failed", "ok")
        assert "Check client_id, client_secret, token_auth and token_format" in acme["error"]
        assert "wrong-secret" not in result.stdout + result.stderr


def test_a_cycle_that_crashes_does_not_keep_the_next_client_from_its_cycle(
    database_url: str, tmp_path: Path
) -> None:
    """A row that syncd has just written is not there: nobody has foreseen that."""
    tenants = (Tenant("beta", "beta-secret", 5),)
    with site(database_url, tmp_path, SandboxConfig(profiles=5, tenants=tenants)) as here:
        here.execute(
            "CREATE FUNCTION public.vanish() RETURNS trigger LANGUAGE plpgsql AS "
            "$$BEGIN IF NEW.client_id = 'acme' THEN RETURN NULL; END IF; RETURN NEW; END$$"
        )
        here.execute(
            "CREATE TRIGGER vanish BEFORE INSERT ON ops.client_state FOR EACH ROW EXECUTE FUNCTION public.vanish()"
        )
        result = here.run("sync", "--json")
        acme, beta = json.loads(result.stdout)["clients"]
        assert result.returncode == 1
        assert (acme["outcome"], beta["outcome"], beta["confirmed"]) == ("failed", "ok", 5)
        assert "A bug in syncd" in acme["error"]
        assert "cycle_crashed" in result.stderr
        with here.start("run") as daemon:
            eventually(lambda: daemon.events("cycle_crashed"), "the crash of one client")
            eventually(lambda: daemon.events("cycle_finished"), "the cycle of the other")
            assert daemon.stop() == 0


def test_exit_code_3_when_something_could_not_be_done_and_says_what(
    database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path) as here:
        here.sandbox.put_raw_profile(NOT_AN_APPLICATION)
        result = here.run("sync")
        assert result.returncode == 3
        assert "1 in quarantine (see `syncd quarantine list`)" in result.stdout
        assert "20 confirmed" in result.stdout


def test_exit_code_1_when_pitchyou_refuses(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path) as here:
        here.sandbox.inject(Fault("profiles", "status", status=403, times=None))
        result = here.run("sync")
        assert (result.returncode, result.stdout) == (1, "")
        assert "PitchYou refused the list of profiles with HTTP 403" in result.stderr


def test_exit_code_2_and_all_mistakes_at_once_when_the_configuration_is_wrong(
    database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path) as here:
        for command in ("sync", "run", "check", "status", "verify"):
            result = here.run(command, SYNC__BATCH_SIZE="many", SCHEDULE="sometimes", SYNC__BACH_SIZE="1")
            assert (result.returncode, result.stdout) == (2, "")
            first, *problems = result.stderr.splitlines()
            assert first == "The configuration has mistakes:"
            assert len(problems) == 3
            assert any("did you mean SYNCD_SYNC__BATCH_SIZE?" in problem for problem in problems)


def test_exit_code_4_when_the_schema_is_not_there_yet(empty_database_url: str, tmp_path: Path) -> None:
    with site(empty_database_url, tmp_path) as here:
        for command in (
            ["sync"],
            ["sync", "--dry-run"],
            ["run"],
            ["status"],
            ["verify"],
            ["quarantine", "retry"],
        ):
            result = here.run(*command)
            assert (result.returncode, result.stdout) == (4, ""), command
            assert "run `syncd db upgrade`" in result.stderr
        assert here.sandbox.ledger.requests == []


def test_exit_code_1_when_postgres_does_not_answer_and_says_where_to_look(
    database_url: str, tmp_path: Path
) -> None:
    away = "postgresql://nobody:canary-password@127.0.0.1:1/nothing"
    commands = (
        ["sync"],
        ["sync", "--dry-run"],
        ["status"],
        ["verify"],
        ["db", "upgrade"],
        ["db", "current"],
        ["quarantine", "list"],
        ["quarantine", "show", "1"],
        ["quarantine", "retry"],
    )
    with site(database_url, tmp_path) as here:
        for command in commands:
            result = here.run(*command, DATABASE__URL=away)
            assert (result.returncode, result.stdout) == (1, ""), command
            assert "nothing listens at the address of database.url" in result.stderr, command
            assert "Traceback" not in result.stderr
            assert "canary-password" not in result.stderr


def test_a_wrong_database_password_is_said_without_being_shown(database_url: str, tmp_path: Path) -> None:
    user, _, rest = database_url.partition("://")[2].partition(":")
    wrong = f"postgresql://{user}:canary-password@{rest.partition('@')[2]}"
    with site(database_url, tmp_path) as here:
        for command in (["sync"], ["db", "upgrade"], ["status"]):
            result = here.run(*command, DATABASE__URL=wrong)
            assert result.returncode == 1
            assert "password authentication failed for user" in result.stderr, command
            assert "Check the user, the password and the database" in result.stderr
            assert "canary-password" not in result.stderr
