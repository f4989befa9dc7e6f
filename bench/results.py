"""The results of the benchmark: comparisons, each with a goal, stored as JSON."""

import json
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path

PATH = Path(__file__).parent / "results.json"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One goal: our figures against a peer's, or against a limit when there is no peer.

    Args:
        at_most: what our median may be at most as a multiple of the peer's median; less than 1 says "faster".
        limit: what our median may be at most, in `unit`.
    """

    row: str
    work: str
    peer: str
    unit: str
    ours: list[float]
    theirs: list[float] = field(default_factory=list)
    at_most: float | None = None
    limit: float | None = None

    @property
    def ratio(self) -> float | None:
        """Our median as a multiple of the peer's."""
        return statistics.median(self.ours) / statistics.median(self.theirs) if self.theirs else None

    @property
    def holds(self) -> bool:
        """Whether the goal is reached."""
        if self.limit is not None:
            return statistics.median(self.ours) <= self.limit
        return self.ratio is not None and self.at_most is not None and self.ratio <= self.at_most


@dataclass(slots=True)
class Results:
    """All of one run of the benchmark."""

    scale: str
    date: str
    machine: dict[str, str]
    comparisons: list[Comparison] = field(default_factory=list)
    runs: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def note(self, name: str, facts: dict[str, float]) -> None:
        """Keep what was measured of one run, beside that of other runs of the same name."""
        kept = self.runs.setdefault(name, {})
        for fact, value in facts.items():
            kept.setdefault(fact, []).append(value)

    def of(self, name: str, fact: str = "wall_s") -> list[float]:
        """Return one fact from all runs with this name."""
        return self.runs[name][fact]

    def save(self, path: Path = PATH) -> None:
        """Write everything down."""
        path.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n")

    @classmethod
    def load(cls, path: Path = PATH) -> "Results":
        """Load what `save` has written."""
        kept = json.loads(path.read_text())
        kept["comparisons"] = [Comparison(**each) for each in kept["comparisons"]]
        return cls(**kept)


def spread(values: list[float]) -> str:
    """Format the smallest and the largest value relative to the median, such as `−3 … +8 %`."""
    middle = statistics.median(values)
    if len(values) < 2 or not middle:
        return ""
    return f"{(min(values) / middle - 1) * 100:+.0f} … {(max(values) / middle - 1) * 100:+.0f} %".replace(
        "-", "−"
    )
