"""What stands still is found: one line in the log when it begins, one when it moves, and no sign of life in between."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

import psutil
import pytest
from apscheduler.triggers.interval import IntervalTrigger

from syncd import liveness
from syncd.daemon import Daemon, Scheduled
from syncd.embedded import EmbeddedPostgres
from syncd.pitchyou import PitchYou
from syncd.sandbox import SandboxConfig
from syncd.service_manager import ServiceManager
from syncd.web.app import Request
from syncd.web.health import Health
from tests.database import url_of
from tests.scene import scene
from tests.system.manager import Manager, manager
from tests.system.processes import Running, Site, eventually, site
from tests.system.test_faults_media_disk import block_device
from tests.system.test_web import FREE_PORT, get, port_of

# Short, so that the limit for a standstill is as short as it may be.
DEADLINE = "5s"
SOON = 5.0  # seconds: Postgres is asked every three, and gets two to answer
ASKED = Request({})
FOUND = 62.0  # seconds: two schedules and a minute


@contextmanager
def watched(here: Site, systemd: Manager) -> Iterator[Running]:
    """A daemon that a service manager watches, and that has done one cycle."""
    here.environ = {**here.environ, "NOTIFY_SOCKET": systemd.address, "WATCHDOG_USEC": "1000000"}
    with here.start("run", SYNC__CYCLE_DEADLINE=DEADLINE, WEB__BIND=FREE_PORT) as daemon:
        daemon.wait_for("cycle_finished", outcome="ok")
        eventually(lambda: systemd.count("READY=1"), "it is ready")
        yield daemon


def is_found_once(daemon: Running, systemd: Manager, go_on: Callable[[], object]) -> None:
    """Wait until the daemon says that it stands still; let it `go_on`, and wait until it says so."""
    [event] = daemon.wait_for("cycle_stalled", timeout=FOUND)
    assert (event["client_id"], event["level"]) == ("acme", "error")
    signs = systemd.count("WATCHDOG=1")
    time.sleep(1.5)  # seconds: three looks
    assert systemd.count("WATCHDOG=1") == signs
    assert any(said.startswith("STATUS=Stalled: acme.") for said in systemd.heard)
    go_on()
    daemon.wait_for("cycle_moves_again")
    eventually(lambda: systemd.count("WATCHDOG=1") > signs, "the signs of life are back")
    assert len(daemon.events("cycle_stalled")) == len(daemon.events("cycle_moves_again")) == 1


@pytest.mark.long
def test_a_postgres_that_stands_still_is_found(own_postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    url = url_of(own_postgres)
    with (
        site(url, tmp_path, SandboxConfig(profiles=2)) as here,
        manager(tmp_path / "notify") as systemd,
        watched(here, systemd) as daemon,
    ):
        port = port_of(daemon)
        eventually(lambda: get(port, "/readyz")[0] == 200, "it is ready")
        postmaster = psutil.Process(own_postgres.pid)
        processes = [postmaster, *postmaster.children(recursive=True)]
        for process in processes:
            process.suspend()

        def go_on() -> None:
            # A restart would not help, and the server says so at once.
            began = time.monotonic()
            status, _, said = get(port, "/healthz")
            assert (status, "Postgres has not answered" in said) == (200, True), said
            assert said.startswith("The cycle of client 'acme' has not moved for ")
            assert get(port, "/metrics")[2].count("syncd_database_up 0.0") == 1
            assert time.monotonic() - began < SOON
            for process in processes:
                process.resume()

        try:
            began = time.monotonic()
            eventually(lambda: get(port, "/readyz")[0] == 503, "it is not ready", 2 * SOON)
            assert get(port, "/healthz")[::2] == (200, "Every cycle moves.\n")
            assert time.monotonic() - began < 2 * SOON
            is_found_once(daemon, systemd, go_on)
        finally:
            for process in processes:
                process.resume()
        eventually(lambda: get(port, "/readyz")[0] == 200, "it is ready again")
        here.sandbox.add_profiles(2)
        eventually(lambda: not here.outstanding(), "it goes on")
        assert daemon.stop() == 0
        here.assert_complete()


def test_a_media_disk_that_stands_still_is_found(database_url: str, tmp_path: Path) -> None:
    """The file system is frozen, as for a snapshot that does not end: whoever writes or syncs waits for ever."""

    def freeze(how: str, disk: Path) -> None:
        subprocess.run(["fsfreeze", how, disk], check=True)

    with (
        block_device("ext4", tmp_path / "image", tmp_path / "disk") as disk,
        site(database_url, tmp_path, SandboxConfig(profiles=2), media_root=str(disk / "m")) as here,
        manager(tmp_path / "notify") as systemd,
        watched(here, systemd) as daemon,
    ):
        freeze("--freeze", disk)
        thawed: list[bool] = []

        def thaw() -> None:
            thawed.append(True)
            freeze("--unfreeze", disk)

        try:
            here.sandbox.add_profiles(3)
            is_found_once(daemon, systemd, thaw)
        finally:
            if not thawed:
                thaw()
        eventually(lambda: not here.outstanding(), "it goes on")
        assert daemon.stop() == 0
        here.assert_complete()


def test_a_thread_that_never_returns_is_found(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = threading.Lock()

    class Deadlocked(PitchYou):
        def profiles(self, *arguments: Any, **named: Any) -> Any:
            with held:
                return super().profiles(*arguments, **named)

    monkeypatch.setattr(liveness, "SHORTEST", 1.0)
    config = SandboxConfig(profiles=2)
    address = f"@syncd-stalled-{os.getpid()}"
    with manager(address) as systemd, scene(database_url, tmp_path / "m", config=config) as world:
        sandbox = world.sandbox
        api = Deadlocked("acme", sandbox.config.client_secret, base_url=sandbox.url)
        stuck = replace(world.client, api=api, plan=replace(world.client.plan, cycle_deadline=1.0))
        environ = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "200000"}
        trigger = IntervalTrigger(seconds=1, timezone=UTC)
        runner = Daemon([Scheduled(stuck, trigger)], world.outsides, world.stop, ServiceManager(environ))
        thread = threading.Thread(target=runner.run)
        health = Health(runner.liveness, runner.client_ids, world.outsides, world.stop)
        with held:
            thread.start()
            eventually(runner.liveness.report, "it is found", FOUND)
            [stalled] = runner.liveness.report()
            assert (stalled.client_id, stalled.kind) == ("acme", "stalled")
            # Postgres and the disk are fine, so a restart may help.
            assert (health.healthz(ASKED).status, health.readyz(ASKED).status) == (503, 503)
            signs = systemd.count("WATCHDOG=1")
            time.sleep(0.5)
            assert systemd.count("WATCHDOG=1") == signs
        try:
            eventually(lambda: systemd.count("WATCHDOG=1") > signs, "it moves again")
            assert (health.healthz(ASKED).status, health.readyz(ASKED).status) == (200, 200)
            world.stop.set()
            assert health.readyz(ASKED).body == b"syncd is stopping.\n"
        finally:
            world.stop.set()
            thread.join()
            api.close()
