"""Words the report's summary of a proof: how much was really done, and with which seeds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

# The result of a point whose moment did not come, since threads interleave differently in each run.
NOT_REACHED = "not reached"


def done(held: Mapping[str, str], what: str, seeds: Sequence[int], *, each: int = 1) -> str:
    """Returns the number of `what`, with `each` per reached point, and the seeds."""
    reached = sum(words != NOT_REACHED for words in held.values())
    return f"{each * reached:,} {what}; {spelt(seeds)}"


def spelt(seeds: Sequence[int]) -> str:
    """Returns the seeds in words."""
    if isinstance(seeds, range):
        return f"seeds {seeds[0]} to {seeds[-1]}"
    return f"seeds {', '.join(map(str, seeds[:-1]))} and {seeds[-1]}"


def total(held: Mapping[str, str], pattern: str) -> int:
    """Returns the sum of the numbers that `pattern` finds in the results of the points."""
    found = (re.search(pattern, words) for words in held.values())
    return sum(int(each[1].replace(",", "")) for each in found if each)
