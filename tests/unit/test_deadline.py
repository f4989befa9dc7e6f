"""The one source of time for the stages: ends after so many seconds, or when a stop is asked for."""

from __future__ import annotations

import threading
import time

import pytest

from syncd.deadline import Deadline
from syncd.errors import DeadlineExceeded, Stopped


class Clock:
    """Monotonic seconds that move when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_it_passes_when_its_seconds_are_over_and_not_before() -> None:
    clock = Clock()
    deadline = Deadline(10, clock=clock)
    deadline.check()
    clock.now += 9.9
    deadline.check()
    assert deadline.remaining() == pytest.approx(0.1)
    clock.now += 0.2
    assert deadline.remaining() == 0
    with pytest.raises(DeadlineExceeded):
        deadline.check()


def test_without_seconds_it_never_passes() -> None:
    clock = Clock()
    deadline = Deadline(clock=clock)
    clock.now += 10**9
    deadline.check()
    assert deadline.remaining() == float("inf")


def test_a_stop_comes_before_the_deadline_and_is_told_apart() -> None:
    clock, stop = Clock(), threading.Event()
    deadline = Deadline(10, stop=stop, clock=clock)
    assert not deadline.stopping
    stop.set()
    clock.now += 20
    assert deadline.stopping
    with pytest.raises(Stopped):
        deadline.check()


def test_one_within_another_never_outlives_it_and_shares_its_stop() -> None:
    clock, stop = Clock(), threading.Event()
    outer = Deadline(10, stop=stop, clock=clock)
    assert outer.within(60).remaining() == 10
    inner = outer.within(3)
    assert inner.remaining() == 3
    stop.set()
    with pytest.raises(Stopped):
        inner.check()


def test_a_restarted_one_may_outlive_the_first_and_shares_its_stop() -> None:
    clock, stop = Clock(), threading.Event()
    restarted = Deadline(10, stop=stop, clock=clock).restarted(60)
    clock.now += 30
    restarted.check()
    assert restarted.remaining() == 30
    stop.set()
    with pytest.raises(Stopped):
        restarted.check()


def test_a_sleep_ends_at_once_when_a_stop_is_asked_for() -> None:
    stop = threading.Event()
    threading.Timer(0.05, stop.set).start()
    began = time.monotonic()
    with pytest.raises(Stopped):
        Deadline(60, stop=stop).sleep(60)
    assert time.monotonic() - began < 5


def test_a_sleep_is_no_longer_than_what_is_left() -> None:
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        Deadline(0.05).sleep(60)
    assert time.monotonic() - began < 5
