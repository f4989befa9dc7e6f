"""Kills or freezes one of three daemons while a client has news, and lets the others take over."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import psycopg

from syncd.sandbox import Fault
from tests.proof.replicas_fleet import Replica
from tests.proof.replicas_scene import Scene
from tests.proof.replicas_witness import CYCLE
from tests.system.processes import eventually

TTL = 1.0  # seconds; the shortest lease that the configuration allows
_MAY_NOT_COME = 3.0  # seconds to wait for a request that may not come in this round
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"
_NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"

Act = Callable[[Scene, str, Replica], None]


def _kill(scene: Scene, client: str, victim: Replica) -> None:
    """Kills the victim at any moment."""
    scene.news(client)
    time.sleep(scene.rng.random() * 0.3)
    victim.kill()
    victim.replace()


def _kill_at(what: str, scene: Scene, client: str, victim: Replica, *, heard: bool) -> None:
    """Kills the victim while a request is on its way, which PitchYou gets or not. The others work without it for a while."""

    def ambush() -> bytes | None:
        victim.kill()
        return None if heard else b""

    victim.lie_in_wait(client, what, ambush)
    scene.news(client)
    if scene.meets(victim, _MAY_NOT_COME):
        scene.converge()
        victim.replace()


def _freeze(scene: Scene, client: str, victim: Replica) -> None:
    """Freezes the victim at any moment, for longer than the lease."""
    changed = scene.news(client)
    time.sleep(scene.rng.random() * 0.3)
    victim.freeze()
    _go_on_without(scene, client, victim, changed)
    victim.revive()


def _freeze_at(what: str, scene: Scene, client: str, victim: Replica) -> None:
    """Freezes the victim while a request is on its way, so that the answer waits until the victim wakes up."""

    def ambush() -> None:
        victim.freeze()

    victim.lie_in_wait(client, what, ambush)
    changed = scene.news(client)
    if scene.meets(victim, _MAY_NOT_COME):
        _go_on_without(scene, client, victim, changed)
        victim.revive()


def _go_on_without(scene: Scene, client: str, victim: Replica, changed: str | None = None) -> None:
    """Lets others take over and continue, so that what the victim was about to store is outdated when it wakes up."""
    scene.converge()
    eventually(lambda: scene.daemons.holder(client) is not victim, "its lease runs out", 5)
    if changed:
        scene.change(client, changed, drop=True)
        scene.converge()
    scene.news(client)


def _freeze_inside(table: str, scene: Scene, client: str, victim: Replica) -> None:
    """Freezes the victim inside a transaction that holds the lease, at its first write to `table`."""
    with psycopg.connect(scene.here.database_url.replace("+psycopg", "")) as obstacle:
        obstacle.execute(f"LOCK TABLE {table} IN SHARE MODE".encode())
        scene.applications(client)
        waiting = "SELECT count(*) FROM pg_locks WHERE relation = %s::regclass AND NOT granted"
        eventually(lambda: scene.here.value(waiting, table), "it waits", 5)
        victim.freeze()
    _go_on_without(scene, client, victim)
    victim.revive()


def _freeze_before_a_second_try(scene: Scene, client: str, victim: Replica) -> None:
    """Freezes the victim before the retry of a confirm. When it wakes up, a newer version is stored, but not its file."""

    def ambush() -> bytes:
        victim.freeze()
        return _BUSY

    profile = scene.rng.choice([profile for of, profile in scene.changes if of == client])
    victim.lie_in_wait(client, "confirm", ambush)
    scene.change(client, profile)
    if scene.meets(victim, _MAY_NOT_COME):
        scene.converge()
        scene.here.sandbox.inject(Fault("media", "status", times=None))
        scene.change(client, profile, add=1)
        newest = "SELECT revision FROM ats.application WHERE client_id = %s AND profile_id = %s"
        wanted = 1 + scene.changes[client, profile]
        eventually(lambda: scene.here.value(newest, client, profile) == wanted, "the change is stored", 10)
        victim.lie_in_wait(client, "confirm", lambda: None)
        victim.revive()
        assert not victim.springs(0.5), "a confirm was sent again by one that has lost its lease"
        scene.here.sandbox.clear_faults()


def _freeze_before_a_file_is_given_up(scene: Scene, client: str, victim: Replica) -> None:
    """Freezes the victim while the last 404 for a late file is on its way. The others fetch the file, which must stay."""

    def ambush() -> bytes:
        late = "SELECT bool_or(missing_since < clock_timestamp() - make_interval(secs => %s)) FROM ats.media"
        if scene.here.value(f"{late} WHERE client_id = %s AND state = 'pending'", GONE_AFTER, client):
            victim.freeze()
        else:
            victim.lie_in_wait(client, "media", ambush)
        return _NOT_FOUND

    profile = scene.rng.choice([profile for of, profile in scene.changes if of == client])
    victim.lie_in_wait(client, "media", ambush)
    scene.change(client, profile, add=1)
    if scene.meets(victim, GONE_AFTER + _MAY_NOT_COME):
        scene.converge()
        victim.revive()
        time.sleep(0.3)


GONE_AFTER = 1.0  # seconds

ACTS: dict[str, Act] = {
    "kill": _kill,
    **{f"kill at {what}": partial(_kill_at, what, heard=False) for what in CYCLE},
    **{f"kill behind {what}": partial(_kill_at, what, heard=True) for what in CYCLE},
    "freeze": _freeze,
    **{f"freeze at {what}": partial(_freeze_at, what) for what in CYCLE},
    "freeze inside a statement": partial(_freeze_inside, "ats.application"),
    "freeze inside a COPY": partial(_freeze_inside, "ats.answer"),  # no timeout of Postgres ends a COPY
    "freeze before a second try": _freeze_before_a_second_try,
    "freeze before a file is given up": _freeze_before_a_file_is_given_up,
}
