"""Exponential backoff: how long to wait before the next attempt."""

import random
from collections.abc import Callable

LONGEST = 3600.0  # seconds; no file and no confirm is put off for longer
_LARGEST_EXPONENT = 30  # 2 to this power is more than any limit, and no overflow


def delay(attempt: int, *, first: float, longest: float) -> float:
    """Returns the seconds to wait after attempt number `attempt` (from 0): `first`, doubled each time, up to `longest`."""
    return min(longest, first * 2.0 ** min(attempt, _LARGEST_EXPONENT))


def jittered_delay(
    attempt: int, *, first: float, longest: float, jitter: Callable[[], float] = random.random
) -> float:
    """Returns a random share of `delay`, so that several clients do not retry at the same moment.

    Args:
        jitter: returns the share, from 0 to 1; tests pass their own.
    """
    return jitter() * delay(attempt, first=first, longest=longest)
