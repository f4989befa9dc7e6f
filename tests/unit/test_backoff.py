"""The wait before a retry doubles up to its limit, and jitter takes a share of it."""

from syncd.backoff import delay, jittered_delay


def test_the_wait_doubles_up_to_its_limit() -> None:
    assert [delay(attempt, first=0.5, longest=3.0) for attempt in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_the_hundred_thousandth_attempt_waits_no_longer_than_the_limit() -> None:
    assert delay(100_000, first=0.01, longest=3600.0) == 3600.0


def test_jitter_takes_a_share_of_the_wait() -> None:
    assert jittered_delay(1, first=0.5, longest=3.0, jitter=lambda: 0.25) == 0.25
    assert 0.0 <= jittered_delay(1, first=0.5, longest=3.0) < 1.0
