"""Compares random events at three clients, in any order, with a model of five lines.

Hypothesis chooses the events: applications arrive, change and vanish at PitchYou; cycles run, hit faults, are killed or
frozen, and run concurrently. After each step, the store must hold versions that PitchYou has had, none older than before,
and the rows of clients without a cycle must be unchanged. After a complete cycle, the store must hold everything. In
addition, the sandbox audits each confirm before it answers, and at the end each row and file.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from signal import SIGKILL, SIGSTOP
from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule, run_state_machine_as_test

from syncd.sandbox.faults import Fault
from tests.proof import cycles_in_processes
from tests.proof.applications import CHANGE, CLIENT, CLIENTS, WHICH, AtPitchYou
from tests.proof.cycles_in_processes import DONE, HELD, LOST, Place, another, cycle_at, exit_code
from tests.proof.summary import spelt, total
from tests.system.processes import MANY, eventually, struck

SEEDS, EXAMPLES, STEPS = range(1, 11), 5, 30
# How often each event in the middle of a cycle really happened.
CAME: Counter[str] = Counter()
AT = st.integers(1, 10)
NEWS = st.integers(0, 2)


class Machine(AtPitchYou):
    """The steps of syncd, the events in between, and the invariants."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, str] = {}
        self.files: dict[str, dict[str, tuple[int, int]]] = {}
        self.synced = set(CLIENTS)  # clients whose cycles may have run since the last look

    @rule(client=CLIENT)
    def cycle(self, client: str) -> None:
        ended = cycle_at(self.place(client))
        assert ended.error is None, ended.error
        self.everything_is_there(client)

    @rule(
        client=CLIENT,
        news=NEWS,
        at=AT,
        fault=st.sampled_from(("drop_before", "drop_after", "truncate", "status")),
    )
    def cycle_with_a_broken_exchange(self, client: str, news: int, at: int, fault: str) -> None:
        self.come(client, news)
        self.here.sandbox.inject(Fault("any", fault, after=at - 1))
        cycle_at(self.place(client))
        self.all_is_well_again()

    @rule(client=CLIENT, news=NEWS, at=AT)
    def cycle_that_loses_postgres(self, client: str, news: int, at: int) -> None:
        self.come(client, news)
        ended = cycle_at(self.place(client), at=at, act=partial(cycles_in_processes.end_sessions, self.here))
        assert ended.error is None, ended.error

    @rule(client=CLIENT, news=NEWS, at=AT, which=WHICH, how=CHANGE)
    def cycle_with_a_change_meanwhile(self, client: str, news: int, at: int, which: int, how: str) -> None:
        self.come(client, news)
        ended = cycle_at(self.place(client), at=at, act=partial(self.change, client, which, how))
        assert ended.error is None, ended.error

    @rule(client=CLIENT, news=NEWS, at=AT)
    def cycle_killed_behind_a_commit(self, client: str, news: int, at: int) -> None:
        self.come(client, news)
        with another(self.place(client), at=at, signal=SIGKILL) as process:
            code = exit_code(process, self.here)
            assert code in (-SIGKILL, DONE)
            CAME["killed"] += code == -SIGKILL

    @rule(client=CLIENT, news=NEWS, at=AT, effect=st.sampled_from(("hang", "slow")))
    def cycle_killed_in_an_exchange(self, client: str, news: int, at: int, effect: str) -> None:
        """Kills a cycle in an exchange, before its effect (hang) or after it (slow)."""
        self.come(client, news)
        self.here.sandbox.inject(Fault("any", effect, after=at - 1, times=MANY))
        with another(self.place(client)) as process:
            eventually(lambda: struck(self.here) or not process.is_alive(), "the exchange")
            process.kill()
            CAME["killed"] += exit_code(process, self.here) == -SIGKILL
        self.all_is_well_again()

    @rule(client=CLIENT, news=NEWS, at=AT, which=WHICH, how=CHANGE, waiting=st.booleans())
    def cycle_frozen_beyond_its_lease(
        self, client: str, news: int, at: int, which: int, how: str, *, waiting: bool
    ) -> None:
        """Freezes a cycle after a commit, or before a retry. Another replica continues, then the frozen one wakes up."""
        self.come(client, news)
        if waiting:
            self.here.sandbox.inject(Fault("any", "status", retry_after="1", after=at - 1, times=MANY))
        signal = None if waiting else SIGSTOP
        with another(self.place(client, ttl=0.6), at=at, signal=signal) as frozen:
            eventually(
                lambda: cycles_in_processes.stands_still(frozen) or (waiting and struck(self.here)),
                "that moment",
            )
            cycles_in_processes.freeze(frozen, self.here)
            self.all_is_well_again()
            over = "SELECT expires_at < clock_timestamp() FROM ops.lease WHERE client_id = %s"
            eventually(lambda: self.here.value(over, client), "the end of its lease")
            self.change(client, which, how)
            self.cycle(client)
            rows, _ = self.look()
            cycles_in_processes.thaw(frozen)
            code = exit_code(frozen, self.here)
            assert code in (LOST, DONE)
            CAME["frozen"] += code == LOST
            assert self.look()[0] == rows, "a write was accepted from a process that had lost its lease"

    @rule(clients=st.lists(CLIENT, min_size=2, max_size=3), news=NEWS)
    def cycles_at_once(self, clients: Sequence[str], news: int) -> None:
        for client in clients:
            self.come(client, news)
        with ExitStack() as stack:
            started = [stack.enter_context(another(self.place(client))) for client in clients]
            codes = [exit_code(process, self.here) for process in started]
        ends = set(zip(clients, codes, strict=True))
        assert ends - {(client, HELD) for client in clients} == {(client, DONE) for client in clients}, ends
        for client in clients:
            self.everything_is_there(client)

    # What must hold

    @invariant()
    def nothing_is_confirmed_too_early(self) -> None:
        _same(self.here.sandbox.findings, [])

    @invariant()
    def nothing_changes_for_others(self) -> None:
        rows, files = self.look()
        for client in set(CLIENTS) - self.synced:
            assert rows.get(client) == self.rows.get(client), f"rows of {client} have changed"
            assert files[client] == self.files[client], f"files of {client} have changed"
        self.rows, self.files, self.synced = rows, files, set()

    @invariant()
    def nothing_is_lost_or_goes_back(self) -> None:
        for client in CLIENTS:
            before, now = self.stored[client], {}
            for name, mark, revision, confirmed, payloads in self.applications(client):
                now[name] = self.model[client].versions[name].index(mark)
                assert 0 <= confirmed <= revision == payloads <= now[name] + 1, name
            assert all(now.get(name, -1) >= version for name, version in before.items()), (before, now)
            self.stored[client] = now

    def everything_is_there(self, client: str) -> None:
        """Checks the result of a complete cycle: the newest versions, all confirmed, and unreadable ones in quarantine."""
        model, stored = self.model[client], self.applications(client)
        _same(
            {name: mark for name, mark, *_ in stored},
            {name: marks[-1] for name, marks in model.versions.items()},
        )
        _same([row for row in stored if row[2] != row[3]], [])  # not confirmed
        aside = "SELECT payload FROM ops.quarantine WHERE client_id = %s AND resolved_at IS NULL"
        _same({payload for (payload,) in self.here.rows(aside, client)}, model.unreadable)
        named = "SELECT storage_path FROM ats.media WHERE client_id = %s AND state = 'stored'"
        files = {path for path in (self.here.media_root / client).rglob("*") if path.is_file()}
        _same(files, {self.here.media_root / path for (path,) in self.here.rows(named, client)})

    def teardown(self) -> None:
        with self.stack:
            if sys.exc_info()[0] is None:
                for client in CLIENTS:
                    self.cycle(client)
                self.here.assert_complete()

    # Helpers

    def place(self, client: str, *, ttl: float = 60.0) -> Place:
        """Returns the place of a client, and notes that its rows may change from now on."""
        self.synced.add(client)
        return cycles_in_processes.place(self.here, client, ttl=ttl)

    def applications(self, client: str) -> list[tuple[Any, ...]]:
        return self.here.rows(
            "SELECT profile_id, utm_content, revision, confirmed_revision, (SELECT count(*) FROM ats.application_raw r "
            "WHERE r.client_id = a.client_id AND r.profile_id = a.profile_id) FROM ats.application a WHERE client_id = %s",
            client,
        )

    def look(self) -> tuple[dict[str, str], dict[str, dict[str, tuple[int, int]]]]:
        """Returns, for each client, a digest of its rows, which every write changes, and its files with their times."""
        files = {path: state for path, state in self.here.files_as_they_are().items() if "/" in path}
        return cycles_in_processes.rows_by_client(self.here), {
            client: {
                path: files[path] for path in files if path.startswith((f"{client}/", f".tmp/{client}."))
            }
            for client in CLIENTS
        }


def points() -> Iterator[str]:
    """Lists all points: seeds."""
    yield from map(str, SEEDS)


def summary(held: Mapping[str, str]) -> str:
    """Returns what was really done, for the report."""
    killed, frozen = total(held, r"(\d+) killed"), total(held, r"(\d+) frozen")
    steps = EXAMPLES * STEPS * len(held)
    return f"{steps:,} steps, {killed} cycles killed and {frozen} frozen beyond their lease; {spelt(SEEDS)}"


def prove(point: str) -> str:
    """Runs the examples of one seed. The error names the steps that lead to it."""
    CAME.clear()
    prove_examples(int(point), EXAMPLES, STEPS)
    assert CAME.total(), "nothing was killed or frozen"
    return (
        f"{EXAMPLES} times {STEPS} steps, {CAME['killed']} killed, {CAME['frozen']} frozen beyond their lease"
    )


def prove_examples(number: int, examples: int, steps: int) -> None:
    """Runs this number of examples of a seed, each with this number of steps."""
    run_state_machine_as_test(
        seed(number)(Machine),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            phases=(
                Phase.generate,
            ),  # processes and threads never run the same way twice, so examples cannot shrink
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def _same(found: object, expected: object) -> None:
    assert found == expected, f"{found} instead of {expected}"
