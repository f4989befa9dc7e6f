"""What a proof says of itself in the report: how much was really done, and with which seeds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

NOT_REACHED = "not reached"  # what a point says whose moment did not come: threads do not run alike each time


def done(held: Mapping[str, str], what: str, seeds: Sequence[int], *, each: int = 1) -> str:
    """So many of `what`, `each` for each point that was reached, and the seeds."""
    reached = sum(words != NOT_REACHED for words in held.values())
    return f"{each * reached:,} {what}; {spelt(seeds)}"


def spelt(seeds: Sequence[int]) -> str:
    """The seeds in words."""
    if isinstance(seeds, range):
        return f"seeds {seeds[0]} to {seeds[-1]}"
    return f"seeds {', '.join(map(str, seeds[:-1]))} and {seeds[-1]}"


def total(held: Mapping[str, str], pattern: str) -> int:
    """The sum of the numbers that `pattern` finds in what the points say of themselves."""
    found = (re.search(pattern, words) for words in held.values())
    return sum(int(each[1].replace(",", "")) for each in found if each)
