"""SIGHUP: the daemon takes up another configuration while its cycles run. Rotated secrets need not even that."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path
from signal import SIGHUP, SIGUSR2

import psycopg

from syncd.embedded import EmbeddedPostgres
from syncd.sandbox import Fault, SandboxConfig, Tenant
from tests.system.manager import manager
from tests.system.processes import MANY, Running, Site, eventually, site, struck

SOON = 5.0  # seconds
NEVER = "every 7d"
TENANTS = (Tenant("beta", "beta-secret", 3), Tenant("gamma", "gamma-secret", 3))
OVERLAPS = """
SELECT count(*) FROM ops.cycle a JOIN ops.cycle b USING (client_id)
WHERE a.cycle_id < b.cycle_id AND b.started_at < coalesce(a.finished_at, 'infinity')
"""


def configure(
    here: Site, clients: Mapping[str, str], *, log: str = "info", database_url: str = "", more: str = ""
) -> None:
    """Write the configuration file: each client with lines of its own."""
    secrets = {tenant.client_id: tenant.client_secret for tenant in here.sandbox.config.all_tenants}
    parts = [
        f'[database]\nurl = "{database_url or here.database_url.replace("+psycopg", "")}"',
        f'[media]\nroot = "{here.media_root}"',
        f'[log]\nlevel = "{log}"',
    ]
    for client_id, lines in clients.items():
        secret = "" if "client_secret" in lines else f'client_secret = "{secrets[client_id]}"\n'
        parts.append(
            f'[[clients]]\nclient_id = "{client_id}"\nbase_url = "{here.sandbox.url}"\n{secret}{lines}'
        )
    file = here.folder / "syncd.toml"
    file.write_text("\n".join([*parts, more]))
    file.chmod(0o600)
    here.environ = {"SYNCD_CONFIG": str(file)}


def reload(daemon: Running) -> None:
    number = len(daemon.events("reloaded"))
    daemon.send(SIGHUP)
    daemon.wait_for("reloaded", number + 1)


def is_free(here: Site, client_id: str) -> bool:
    return bool(here.value("SELECT expires_at = '-infinity' FROM ops.lease WHERE client_id = %s", client_id))


def test_clients_come_change_and_go_while_cycles_run(database_url: str, tmp_path: Path) -> None:
    often, config = 'schedule = "every 1s"', SandboxConfig(profiles=10, tenants=TENANTS)
    with site(database_url, tmp_path, config) as here, manager(tmp_path / "notify") as systemd:
        configure(here, {"acme": often, "beta": often})
        here.environ = {**here.environ, "NOTIFY_SOCKET": systemd.address, "WATCHDOG_USEC": "1000000"}
        with here.start("run") as daemon:
            daemon.wait_for("cycle_finished", client_id="beta")
            eventually(lambda: systemd.count("READY=1"), "it is ready")
            here.sandbox.add_profiles(200)
            for _ in range(20):
                daemon.send(SIGHUP)
                time.sleep(0.02)
            reload(daemon)
            assert {event["changed"] for event in daemon.events("reloaded")} == {0}
            eventually(lambda: systemd.count("READY=1") > 1, "it is ready again")
            (reloading, *_) = [said for said in systemd.heard if said.startswith("RELOADING=1")]
            assert 0 < int(reloading.partition("\nMONOTONIC_USEC=")[2]) <= time.monotonic_ns() // 1000

            # One is added, one removed, one changed, with the level of the log.
            configure(
                here, {"acme": f'label = "new"\n{often}', "gamma": f'schedule = "{NEVER}"'}, log="debug"
            )
            daemon.send(SIGUSR2)
            began = time.monotonic()
            reload(daemon)
            daemon.wait_for("cycle_finished", client_id="gamma", timeout=SOON)
            eventually(lambda: is_free(here, "beta"), "its lease is free", SOON)
            assert time.monotonic() - began < SOON
            label = "SELECT label FROM ats.client WHERE client_id = 'acme'"
            eventually(lambda: here.value(label) == "new", "the next cycle has the new label")
            next_run = re.compile(
                r"STATUS=.*Next cycle: gamma at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d\."
            )
            eventually(lambda: any(map(next_run.fullmatch, systemd.heard)), "the status names the next cycle")
            daemon.send(SIGUSR2)
            assert daemon.wait_for("signal_ignored")[0]["level"] == "debug"

            # The running cycle of a removed client ends at its next step.
            here.sandbox.inject(Fault("profiles", "hang", times=MANY))
            eventually(lambda: struck(here), "a cycle hangs")
            configure(here, {"gamma": f'schedule = "{NEVER}"'})
            reload(daemon)
            daemon.wait_for("cycle_finished", client_id="acme", outcome="aborted", timeout=SOON)
            eventually(lambda: is_free(here, "acme"), "its lease is free", SOON)
            here.sandbox.clear_faults()

            # It comes back, and is complete.
            configure(here, {"acme": often, "beta": often, "gamma": often})
            reload(daemon)
            here.sandbox.add_profiles(2, "beta")
            eventually(lambda: not here.outstanding(), "all is stored and confirmed")
            assert not daemon.events("cycle_failed")
            assert not [event for event in daemon.events() if event["level"] in ("error", "critical")]
            assert daemon.stop() == 0
            eventually(lambda: systemd.count("STOPPING=1") == 1, "it says that it stops")
        assert here.value(OVERLAPS) == 0
        here.assert_complete()


def test_a_faulty_file_changes_nothing_and_what_needs_a_restart_is_named(
    database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=2)) as here:
        configure(here, {"acme": 'schedule = "every 1s"'})
        with here.start("run") as daemon:
            daemon.wait_for("cycle_finished")
            configure(here, {"acme": 'schedule = "often"'}, more='timezone = "Nowhere"')
            checked = here.run("check").stderr
            daemon.send(SIGHUP)
            [event] = daemon.wait_for("reload_refused")
            assert event["level"] == "error"
            assert len(event["reason"]) == 2
            assert all(problem in checked for problem in event["reason"])
            daemon.wait_for("cycle_finished", len(daemon.events("cycle_finished")) + 2)

            root, here.media_root = here.media_root, tmp_path / "elsewhere"
            elsewhere = here.database_url.replace("+psycopg", "") + "_other"
            configure(
                here,
                {"acme": 'label = "new"\nschedule = "every 1s"'},
                database_url=elsewhere,
                more='[sync]\nlease_ttl = "9s"',
            )
            here.media_root = root
            reload(daemon)
            [event] = daemon.wait_for("restart_needed")
            assert event["level"] == "warning"
            assert event["reason"].startswith("database.url, media.root, sync.lease_ttl: ")
            # The rest of the file counts.
            eventually(lambda: here.value("SELECT label FROM ats.client") == "new", "the label is new")
            assert daemon.stop() == 0
        here.assert_complete()


def test_a_rotated_secret_and_a_rotated_password_fail_no_cycle(
    database_url: str, shared_postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    role = "rotating"
    with psycopg.connect(shared_postgres.url, autocommit=True) as administrator:
        administrator.execute(f"DROP ROLE IF EXISTS {role}")
        administrator.execute(f"CREATE ROLE {role} LOGIN SUPERUSER PASSWORD 'first'")
        with site(database_url, tmp_path, SandboxConfig(profiles=3)) as here:
            secret, password = tmp_path / "secret", tmp_path / "password"
            for file, content in ((secret, here.sandbox.config.client_secret), (password, "first")):
                file.write_text(content)
                file.chmod(0o600)
            port, name = shared_postgres.port, here.database_url.rpartition("/")[2]
            configure(
                here,
                {"acme": 'client_secret_file = "secret"\nschedule = "every 1s"'},
                database_url=f'postgresql://{role}@127.0.0.1:{port}/{name}"\npassword_file = "password',
            )
            with here.start("run") as daemon:
                daemon.wait_for("cycle_finished")
                secret.write_text("second")
                here.sandbox.rotate_secret("acme", "second")
                daemon.wait_for("cycle_finished", len(daemon.events("cycle_finished")) + 2)
                password.write_text("second")
                administrator.execute(f"ALTER ROLE {role} PASSWORD 'second'")
                administrator.execute(
                    f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'"
                )
                here.sandbox.add_profiles(2)
                eventually(lambda: not here.outstanding(), "it goes on with the new ones")
                daemon.wait_for("cycle_finished", len(daemon.events("cycle_finished")) + 2)
                # A reload sees the new secret, and nobody asks for the old one again.
                reload(daemon)
                daemon.wait_for("cycle_finished", len(daemon.events("cycle_finished")) + 2)
                assert not [event for event in daemon.events() if event["level"] in ("error", "warning")]
                assert daemon.stop() == 0
            here.assert_complete()
        administrator.execute(f"DROP ROLE {role}")


def test_a_command_other_than_run_still_ends_by_sighup(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=1)) as here:
        here.sandbox.inject(Fault("profiles", "hang", times=MANY))
        with here.start("sync") as command:
            eventually(lambda: struck(here), "it hangs")
            command.send(SIGHUP)
            assert command.wait() == -SIGHUP
        here.sandbox.clear_faults()
        assert here.run("sync").returncode == 0
        here.assert_complete()
