"""Roles, databases and variables change what values look like, and which function a name means. syncd does not care."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from syncd.deadline import Deadline
from syncd.sandbox import SandboxConfig
from syncd.store import leases
from syncd.store.database import Database
from tests.starter import CLEAN, run
from tests.system.processes import Site, site

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
JOBS = "reference,title\n4711,Nurse\n4712,Cook\n"
# Each is the name of a setting and a value that no default has.
ODD = {
    "datestyle": "German, DMY",
    "intervalstyle": "sql_standard",
    "timezone": "Asia/Kathmandu",
    "standard_conforming_strings": "off",
    "escape_string_warning": "off",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
    "transform_null_equals": "on",
    "array_nulls": "off",
    "client_encoding": "LATIN1",
    "row_security": "off",
    "default_transaction_isolation": "serializable",
    "default_transaction_deferrable": "on",
    "lc_time": "C",
    "search_path": "nowhere",
}
COMMANDS = (
    ["check"],
    ["jobs", "import", "jobs.csv"],
    ["jobs", "list", "--json"],
    ["sync"],
    ["templates", "--json"],
    ["apply-link", "--job", "4711", "--client", "acme"],
    ["quarantine", "list", "--json"],
    ["status", "--json"],
    ["verify"],
    ["db", "current", "--json"],
)
# A function or an operator of the same name and arguments as each of Postgres', in a schema that comes before them.
TWINS = """
    CREATE SCHEMA evil;
    SET check_function_bodies = off;
    DO $do$
    DECLARE twin text;
    BEGIN
      FOR twin IN
        SELECT format('CREATE FUNCTION evil.%I(%s) RETURNS %s%s LANGUAGE plpgsql AS '
                      '$$ BEGIN RAISE EXCEPTION ''the evil twin of %I'' USING ERRCODE = ''XX000''; END $$',
                      proname, pg_get_function_identity_arguments(oid), CASE WHEN proretset THEN 'SETOF ' ELSE '' END,
                      format_type(prorettype, NULL), proname)
        FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind = 'f'
        UNION ALL
        SELECT format('CREATE OPERATOR evil.%s (%s RIGHTARG = %s, FUNCTION = evil.%I)', oprname,
                      CASE WHEN oprleft = 0 THEN '' ELSE format('LEFTARG = %s,', format_type(oprleft, NULL)) END,
                      format_type(oprright, NULL), proname)
        FROM pg_operator JOIN pg_proc ON pg_proc.oid = oprcode
      LOOP
        BEGIN
          EXECUTE twin;
        EXCEPTION WHEN OTHERS THEN NULL;  -- of a type that only Postgres' own functions may have
        END;
      END LOOP;
    END $do$
    """


def outputs(here: Site, **environ: str) -> dict[str, tuple[int, str, str]]:
    """What the commands print, with these variables of libpq."""
    found = {}
    for command in COMMANDS:
        result = run(command, env=CLEAN | dict(here.environ) | environ, cwd=here.folder)
        found[" ".join(command)] = (result.returncode, result.stdout, result.stderr)
    return found


def as_options(settings: dict[str, str]) -> str:
    return " ".join(f"-c {name}={value.replace(' ', chr(92) + ' ')}" for name, value in settings.items())


def without_times(text: str) -> str:
    """The output, but for the digits of times and ages. All of them must be written in one way."""
    return re.sub(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(?=\+00:00|Z)",
        "TIME",
        re.sub(r'seconds": \d+', 'seconds": 0', text),
    )


def test_settings_of_a_role_or_a_variable_change_nothing_that_a_command_prints(
    database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=5)) as here:
        here.sandbox.put_raw_profile(b'{"profileId": "broken", "steps": 7}')
        (tmp_path / "jobs.csv").write_text(JOBS)
        assert here.run("jobs", "import", "jobs.csv").returncode == 0
        assert here.run("sync").returncode == 3
        usual = outputs(here)
        odd = outputs(here, PGOPTIONS=as_options(ODD), PGDATESTYLE="SQL, MDY", PGTZ="Asia/Kathmandu")
        assert {code for code, _, _ in usual.values()} == {0, 3}
        for command, (code, out, err) in usual.items():
            assert odd[command][0] == code, odd[command]
            assert without_times(odd[command][1]) == without_times(out)
            assert without_times(odd[command][2]) == without_times(err)
        here.assert_complete()


def test_no_function_or_operator_of_others_is_called_in_place_of_postgres_own(
    empty_database_url: str, tmp_path: Path
) -> None:
    """Anybody who may create functions in a schema could otherwise read what syncd passes to them."""
    with site(empty_database_url, tmp_path, SandboxConfig(profiles=5)) as here:
        (tmp_path / "jobs.csv").write_text(JOBS)
        here.execute(TWINS)
        assert here.value("SELECT count(*) FROM pg_proc WHERE pronamespace = 'evil'::regnamespace") > 2000
        assert here.value("SELECT count(*) FROM pg_operator WHERE oprnamespace = 'evil'::regnamespace") > 500
        before = {"PGOPTIONS": "-c search_path=evil,pg_catalog"}
        with (
            psycopg.connect(
                empty_database_url.replace("+psycopg", ""), options="-c search_path=evil,pg_catalog"
            ) as connection,
            pytest.raises(psycopg.errors.InternalError_, match="evil twin"),
        ):
            connection.execute("SELECT now()")
        for attempt in (["db", "upgrade"], ["db", "upgrade"]):
            result = run(attempt, env=CLEAN | dict(here.environ) | before, cwd=tmp_path)
            assert (result.returncode, result.stderr) == (0, "")
        for command, (code, _, stderr) in outputs(here, **before).items():
            assert (code, stderr) == (0, ""), command
        here.sandbox.put_raw_profile(b'{"profileId": "broken", "steps": 7}')
        assert run(["sync"], env=CLEAN | dict(here.environ) | before, cwd=tmp_path).returncode == 3
        assert (
            run(["quarantine", "retry"], env=CLEAN | dict(here.environ) | before, cwd=tmp_path).returncode
            == 3
        )
        here.sandbox.change_profile(next(iter(here.sandbox.expected()))["profileId"], add_media=1)
        assert run(["sync"], env=CLEAN | dict(here.environ) | before, cwd=tmp_path).returncode == 3
        here.assert_complete()


def test_the_sql_function_and_the_printed_roles_call_no_function_of_others(
    database_url: str, tmp_path: Path
) -> None:
    """An administrator runs the SQL of the roles, so a function that it called would have all rights."""
    with site(database_url, tmp_path) as here:
        roles = here.run("db", "roles").stdout
        here.execute(TWINS)
        with psycopg.connect(
            database_url.replace("+psycopg", ""), options="-c search_path=evil,pg_catalog"
        ) as connection:
            link = "SELECT report.apply_link('acme', 'Köch/in', title => 'a b')"
            assert connection.execute(link).fetchone() == (
                "https://acme.pitchyou.de/go/K%C3%B6ch%2Fin?title=a%20b",
            )
            connection.execute(roles.encode())
            connection.rollback()


def test_syncd_takes_no_lock_that_another_login_could_take(
    database_url: str, empty_database_url: str, tmp_path: Path
) -> None:
    sources = [*(ROOT / "syncd").rglob("*.py"), *(ROOT / "migrations").rglob("*.py")]
    assert [path for path in sources if "pg_advisory" in path.read_text()] == []
    with (
        site(database_url, tmp_path) as here,
        psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True) as stranger,
    ):
        role = sql.Identifier(f"stranger_of_{stranger.info.dbname}")
        stranger.execute(sql.SQL("CREATE ROLE {}").format(role))
        try:
            stranger.execute(sql.SQL("GRANT USAGE ON SCHEMA ats, ops, report TO {}").format(role))
            stranger.execute(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA ats, ops TO {}").format(role))
            stranger.execute(sql.SQL("SET ROLE {}").format(role))
            stranger.execute("BEGIN")
            stranger.execute("SELECT pg_advisory_xact_lock(hashtextextended('acme', 7302614))")
            stranger.execute("SELECT pg_advisory_xact_lock(7966337105211893764)")
            for (table,) in stranger.execute(
                "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname IN ('ats', 'ops')"
            ).fetchall():
                stranger.execute(f"LOCK TABLE {table} IN ACCESS SHARE MODE".encode())
            assert here.run("sync").returncode == 0
            assert here.run("db", "upgrade").returncode == 0
            here.assert_complete()
            stranger.execute("ROLLBACK; RESET ROLE")
        finally:
            stranger.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(role))


def test_a_transaction_under_a_lease_names_its_client_until_it_ends(database_url: str) -> None:
    mine = "SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()"
    with Database(database_url) as database:
        lease = database.transact(lambda c: leases.acquire(c, "acme", "us", ttl=60.0), Deadline(5))
        assert lease

        def name_under_the_lease(connection: object) -> object:
            leases.require(connection, lease)  # type: ignore[arg-type]  # a Connection
            return connection.exec_driver_sql(mine).scalar()  # type: ignore[attr-defined]  # a Connection

        assert database.transact(name_under_the_lease, Deadline(5)) == "syncd/acme"
        assert database.transact(lambda c: c.exec_driver_sql(mine).scalar(), Deadline(5)) == "syncd"
