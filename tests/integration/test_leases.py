"""Two daemons on one database: each client is synced by one, the other takes over, and a revived one writes nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP

import pytest

from syncd.sandbox import Fault, SandboxConfig, Tenant
from syncd.sync.lease_keeper import is_dead, own_name
from tests.system.processes import Site, eventually, site

pytestmark = pytest.mark.slow

NEVER = "every 7d"


def holder(here: Site, client_id: str = "acme") -> int | None:
    """The process that holds the client's lease now."""
    found = here.rows(
        "SELECT split_part(holder, '/', 2) FROM ops.lease WHERE client_id = %s AND expires_at > clock_timestamp()",
        client_id,
    )
    return int(found[0][0]) if found else None


def test_each_client_is_synced_by_one_of_two_daemons_only(database_url: str, tmp_path: Path) -> None:
    tenants = (Tenant("beta", "beta-secret", 30),)
    with site(database_url, tmp_path, SandboxConfig(profiles=30, tenants=tenants)) as here:
        with here.start("run") as one, here.start("run") as other:
            pids = {one.pid, other.pid}
            eventually(lambda: {holder(here), holder(here, "beta")} <= pids, "both clients have a holder")
            holders = {client: holder(here, client) for client in ("acme", "beta")}
            for _ in range(3):
                here.sandbox.add_profiles(10)
                here.sandbox.add_profiles(10, "beta")
                eventually(lambda: not here.outstanding(), "all is confirmed")
            assert {client: holder(here, client) for client in holders} == holders
            idle = len(here.sandbox.ledger.lists)
            eventually(lambda: len(here.sandbox.ledger.lists) > idle + 4, "a few idle cycles more")
            worked = {
                (running.pid, event["client_id"])
                for running in (one, other)
                for event in running.events("cycle_finished")
            }
            assert worked == {(pid, client) for client, pid in holders.items()}
            for running in (one, other):
                others_work = [event["client_id"] for event in running.events("client_synced_elsewhere")]
                assert sorted(others_work) == [c for c, pid in holders.items() if pid != running.pid]
            assert here.value("SELECT max(fence) FROM ops.lease") == 1
            assert (one.stop(), other.stop()) == (0, 0)
        here.assert_complete()


def test_a_daemon_that_is_killed_is_taken_over_at_once_on_the_same_machine(
    database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path) as here, here.start("run") as one:
        one.wait_for("cycle_finished")
        with here.start("run") as other:
            other.wait_for("client_synced_elsewhere")
            one.kill()
            here.sandbox.add_profiles(10)
            other.wait_for("cycle_finished", timeout=40)  # the lease runs for a minute
            eventually(lambda: not here.outstanding(), "the other has taken over")
            assert holder(here) == other.pid
            assert other.stop() == 0
        here.assert_complete()


def test_a_dead_process_is_known_as_dead_also_before_its_parent_reaps_it() -> None:
    program = "from syncd.sync.lease_keeper import own_name; print(own_name(), flush=True); import time; time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        name = child.stdout.readline().strip()
        assert not is_dead(name)
        os.kill(child.pid, SIGKILL)
        eventually(lambda: is_dead(name), "a zombie counts as dead")
    assert is_dead(name)
    assert not is_dead(own_name())
    assert not is_dead(name.replace("/", "/1", 1).replace(name.split("/")[2], "another-boot"))


def test_a_daemon_that_is_killed_on_another_machine_is_taken_over_when_its_lease_runs_out(
    database_url: str, tmp_path: Path
) -> None:
    # The standby's own schedule comes once a week: the take-over does not wait for it.
    with site(database_url, tmp_path, schedule=NEVER, SYNC__LEASE_TTL="2s") as here, here.start("run") as one:
        one.wait_for("cycle_finished")
        with here.start("run") as other:
            other.wait_for("client_synced_elsewhere")
            here.sandbox.add_profiles(10)
            one.kill()
            here.execute(
                "UPDATE ops.lease SET expires_at = clock_timestamp() + interval '2 s', "
                "holder = regexp_replace(holder, '^[^/]*/([^/]*)/[^/]*/', 'elsewhere/\\1/another-boot/')"
            )
            assert here.outstanding() == 10
            eventually(lambda: not here.outstanding(), "the other has taken over")
            assert other.stop() == 0
        here.assert_complete()


@pytest.mark.long
def test_a_daemon_that_was_frozen_while_another_took_over_writes_nothing_more(
    database_url: str, tmp_path: Path
) -> None:
    with (
        site(database_url, tmp_path, SandboxConfig(profiles=20), SYNC__LEASE_TTL="2s") as here,
        here.start("run", MEDIA__CONCURRENCY="4") as one,
    ):
        here.sandbox.inject(Fault("media", "slow", times=None, seconds_per_byte=0.001))
        stored = "SELECT count(*) FROM ats.media"
        eventually(lambda: here.value(stored) and len(here.sandbox.ledger.media) > 2, "it is fetching files")
        one.send(SIGSTOP)
        here.sandbox.clear_faults()
        with here.start("run", SCHEDULE=NEVER) as other:
            eventually(lambda: not here.outstanding(), "the other has taken over and finished")
            other.wait_for("cycle_finished")
            rows, files = written(here), here.files_as_they_are()
            one.send(SIGCONT)
            (lost,) = one.wait_for("cycle_failed")
            assert written(here) == rows
            assert here.files_as_they_are().keys() == files.keys()
            assert lost["outcome"] == "aborted"
            one.wait_for("client_synced_elsewhere")  # it has asked for the lease again, in vain
            assert holder(here) == other.pid
            assert (one.stop(), other.stop()) == (0, 0)
        here.assert_complete()


def written(here: Site) -> dict[str, str]:
    """All rows but those of the leases, which the living one renews."""
    return {name: digest for name, digest in here.rows_as_they_are().items() if name != "ops.lease"}


def test_a_clean_stop_gives_the_lease_back_at_once(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path) as here:
        with here.start("run") as daemon:
            daemon.wait_for("cycle_finished")
            assert holder(here) == daemon.pid
            assert daemon.stop() == 0
        assert holder(here) is None
        assert here.run("sync").returncode == 0
        assert holder(here) is None


@pytest.mark.long
def test_a_sync_beside_a_running_daemon_is_refused_and_says_who_works(
    database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path) as here, here.start("run") as daemon:
        daemon.wait_for("cycle_finished")
        confirms = len(here.sandbox.ledger.confirms)
        for command in (["sync"], ["verify", "--repair"], ["quarantine", "retry"]):
            result = here.run(*command)
            assert result.returncode == 4, result
            assert f"'acme' is being synced by process {daemon.pid} on " in result.stderr
            assert "stop that syncd" in result.stderr
        for command in (["sync", "--dry-run"], ["status"], ["verify"], ["check"]):
            assert here.run(*command).returncode == 0
        assert len(here.sandbox.ledger.confirms) == confirms
        assert daemon.stop() == 0
