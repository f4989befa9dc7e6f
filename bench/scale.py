"""How much work each row does: enough to notice a regression in three minutes, or the full work for docs/performance.md."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """Counts of profiles, files and runs; seconds of idling."""

    name: str
    text: int
    text_runs: int
    memory: tuple[int, ...]
    added: int
    added_runs: int
    small_files: int
    large_files: int
    media_runs: int
    whole: int
    whole_runs: int
    latencies: int
    idle: float
    starts: int


SHORT = Scale("short", 4_000, 1, (1_000, 10_000), 1_000, 1, 300, 3, 2, 200, 1, 20, 20.0, 5)
MIDDLE = Scale("middle", 20_000, 1, (10_000, 100_000), 2_000, 1, 2_000, 20, 2, 1_000, 1, 60, 60.0, 10)
FULL = Scale(
    "full", 100_000, 2, (10_000, 100_000, 1_000_000), 10_000, 3, 2_000, 20, 5, 10_000, 2, 200, 120.0, 20
)
SCALES = {scale.name: scale for scale in (SHORT, MIDDLE, FULL)}
