"""The files that `syncd report` writes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from syncd.errors import BadInput
from syncd.publishing.languages import Language
from syncd.reporting.as_csv import as_csv
from syncd.reporting.as_html import as_html
from syncd.reporting.as_pdf import as_pdf
from syncd.store.report_figures import MonthReport

STDOUT = Path("-")
"""What `--csv` without a file stands for."""


@dataclass(frozen=True, slots=True)
class Files:
    """The requested files. `csv` may be `STDOUT`, which is not a file."""

    csv: Path | None = None
    html: Path | None = None
    pdf: Path | None = None

    @property
    def paths(self) -> Mapping[str, Path]:
        """The files by their option, which is also the suffix that they must have."""
        found = {"csv": self.csv, "html": self.html, "pdf": self.pdf}
        return {name: path for name, path in found.items() if path and (name, path) != ("csv", STDOUT)}

    def check(self) -> None:
        """Raise BadInput if a file cannot be written there. Call this before reading the figures."""
        folders = {path.parent for path in self.paths.values() if not path.parent.is_dir()}
        problems = [f"the folder {folder} does not exist" for folder in sorted(folders)]
        problems += [
            f"--{name}: the file name must end in .{name}"
            for name, path in self.paths.items()
            if path.suffix.lower() != f".{name}"
        ]
        if problems:
            raise BadInput(*problems)

    def contents(self, reports: Sequence[MonthReport], language: Language) -> dict[Path, bytes]:
        """Return the content of each file. Raises SyncdError if the PDF needs what is not installed."""
        return {path: _MAKERS[name](reports, language) for name, path in self.paths.items()}


_MAKERS: Mapping[str, Callable[[Sequence[MonthReport], Language], bytes]] = {
    "csv": as_csv,
    "html": lambda reports, language: as_html(reports, language).encode(),
    "pdf": as_pdf,
}
