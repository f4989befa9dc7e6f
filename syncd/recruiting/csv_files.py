"""Reads CSV files as people save them: in constant memory, repeatedly if necessary, and reports every error by line.

This module knows nothing about jobs or links. The caller names the columns, gets rows of text, and adds its own errors
to those found here, so that the author of the file sees all errors at once.
"""

import csv
import difflib
import io
import re
import shutil
import sys
import tempfile
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from syncd.errors import BadInput
from syncd.recruiting.csv_encoding import encoding_of
from syncd.shown import quoted

# Characters in one record. A longer record means that a quote was never closed.
MAX_RECORD = 131_072
# Errors listed. Further ones are only counted.
MAX_MISTAKES = 1000
# Characters of an unknown column that are compared with the known ones.
_COMPARED = 60
_DELIMITERS = (",", ";", "\t")
_SWALLOWED = (
    "a field spans several lines and contains the delimiter; a quotation mark is missing or superfluous"
)
_WRONG_QUOTES = 'a quote inside a quoted field must be doubled: "the ""best"" job"'
_OPEN_QUOTE = (
    f"a quote opened here is not closed, or the record is longer than {MAX_RECORD:,} characters; "
    "the lines below were not read"
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column that the caller knows by its name or an alias. Case, blanks, `_` and `-` are ignored in the comparison."""

    name: str
    aliases: tuple[str, ...] = ()
    required: bool = False


class Mistakes:
    """The errors in a file, by line. Keeps the first 1,000 and counts the rest."""

    def __init__(self) -> None:
        self._kept: list[tuple[int, str]] = []
        self.count = 0

    def add(self, line_no: int, what: str) -> None:
        """Record an error. Line 0 means that there is no file. Pass text of the file through `syncd.shown.quoted` before putting it in `what`."""
        self.count += 1
        if len(self._kept) < MAX_MISTAKES:
            self._kept.append((line_no, what))

    def add_more(self, count: int) -> None:
        """Count `count` more errors without listing them."""
        self.count += count

    def raise_any(self) -> None:
        """Raise BadInput with all errors in the order of their lines, if there are any."""
        if not self.count:
            return
        problems = [f"line {line_no}: {what}" if line_no else what for line_no, what in sorted(self._kept)]
        if more := self.count - len(problems):
            problems.append(f"and {more:,} more errors")
        raise BadInput(*problems)


class CsvFile:
    """A file with a valid header; created by `open_csv`.

    `columns` are the names of the known columns in the file. `notes` are messages for the author of the file.
    """

    def __init__(self, file: IO[bytes], columns: Sequence[Column]) -> None:
        encoding = encoding_of(file)
        self._text = io.TextIOWrapper(file, encoding, newline="")
        self.notes = ["the file is not UTF-8; it was read as Windows-1252"] if encoding == "cp1252" else []
        names = {_plain(spelling): c.name for c in columns for spelling in (c.name, *c.aliases)}
        self._delimiter, header = self._find_header(names)
        self._width = len(header)
        self._places = self._understand(header, names, columns)

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the names of the known columns in the file."""
        return tuple(self._places)

    def rows(self, mistakes: Mistakes) -> Iterator[tuple[int, dict[str, str]]]:
        """Yield each record below the header: the number of its first line, and its text by column name.

        Every call starts from the beginning. A record that cannot be read is added to `mistakes` and skipped. Empty
        records are skipped. Text is returned unchanged, including blanks and line ends.
        """
        records = self._records(mistakes)
        next(records)  # the header
        empty = True
        for line_no, record in records:
            empty = False
            if any(self._delimiter in field and ("\n" in field or "\r" in field) for field in record):
                mistakes.add(line_no, _SWALLOWED)
            elif len(record) == self._width:
                yield line_no, {name: record[index] for name, index in self._places.items()}
            else:
                mistakes.add(line_no, f"the header has {self._width} fields, but this line has {len(record)}")
        if empty and not mistakes.count:
            mistakes.add(1, "the file has no lines below the header")

    def _records(self, mistakes: Mistakes) -> Iterator[tuple[int, list[str]]]:
        self._text.seek(0)
        lines = _Lines(self._text)
        reader = csv.reader(lines, delimiter=self._delimiter, strict=True)
        record: list[str] | None = []
        while record is not None:
            line_no = reader.line_num + 1
            lines.left = MAX_RECORD
            try:
                record = next(reader, None)
            except csv.Error:
                if lines.exhausted or reader.line_num > line_no:
                    # The open quote may have swallowed any number of lines.
                    mistakes.add(line_no, _OPEN_QUOTE)
                    return
                mistakes.add(line_no, _WRONG_QUOTES)
                continue
            # Excel's own hint about the delimiter.
            is_hint = line_no == 1 and record and record[0].lower().startswith("sep=")
            if record and any(record) and not is_hint:
                yield line_no, record

    def _find_header(self, names: dict[str, str]) -> tuple[str, list[str]]:
        """Return the delimiter that yields the most known names in the first record, and that record."""
        found: list[tuple[int, int, str, list[str]]] = []
        for self._delimiter in _DELIMITERS:
            mistakes = Mistakes()
            _, header = next(self._records(mistakes), (0, []))
            known = sum(_plain(title) in names for title in header)
            if not mistakes.count:
                found.append((known, len(header), self._delimiter, header))
        if not found:
            mistakes.raise_any()
        _, width, delimiter, header = max(found, key=lambda each: each[:2])
        if not width:
            raise BadInput("the file is empty; its first line must name the columns")
        return delimiter, header

    def _understand(
        self, header: list[str], names: dict[str, str], columns: Sequence[Column]
    ) -> dict[str, int]:
        """Return the position of each known column. Raises BadInput with all errors in the header."""
        places: dict[str, int] = {}
        problems = []
        for index, title in enumerate(header):
            name = names.get(_plain(title))
            if name in places:
                problems.append(f"the header has two columns for {name}: {places[name] + 1} and {index + 1}")
            elif name:
                places[name] = index
        absent = [spelling for spelling, name in names.items() if name not in places]
        for title in header:
            if _plain(title) in names or not title.strip():
                continue
            near = difflib.get_close_matches(_plain(title)[:_COMPARED], absent, n=1, cutoff=0.8)
            if near:
                problems.append(f"the header has {quoted(title)}; did you mean {names[near[0]]}?")
            else:
                self.notes.append(f"the column {quoted(title)} is unknown and was ignored")
        problems += [
            f"the header has no column {c.name}" for c in columns if c.required and c.name not in places
        ]
        if problems:
            raise BadInput(*problems)
        return places


class _Lines:
    """Feeds the lines of a file to `csv.reader` and limits the length of a record, which `csv.reader` does not."""

    def __init__(self, text: IO[str]) -> None:
        self._text = text
        self.left = MAX_RECORD
        # True at the end of the file, or when a record has reached its maximum length.
        self.exhausted = False

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._text.readline(self.left + 1)
        self.left -= len(line)
        self.exhausted = not line or self.left < 0
        if self.left < 0:
            raise csv.Error("too long")
        if not line:
            raise StopIteration
        return line


def _plain(title: str) -> str:
    return re.sub(r"[\s_-]+", "", unicodedata.normalize("NFC", title)).casefold()


@contextmanager
def open_csv(source: str | Path, columns: Sequence[Column]) -> Iterator[CsvFile]:
    """Open a CSV file separated by comma, semicolon or tab, in UTF-8 (with or without BOM) or Windows-1252.

    `notes` of the result says so if the file is in Windows-1252.

    Args:
        source: a path, or `-` for standard input. Input that cannot be read twice is copied to an unlinked temporary
            file.
        columns: the known columns. The file may have them in any order, among others.

    Raises:
        BadInput: the file cannot be read or has another encoding, or its header lacks a required column, repeats a
            column or misspells one. `CsvFile.rows` reads the records later.
    """
    with ExitStack() as stack:
        try:
            file: IO[bytes] = (
                sys.stdin.buffer if str(source) == "-" else stack.enter_context(Path(source).open("rb"))
            )
            if file is sys.stdin.buffer or not file.seekable():
                spooled = stack.enter_context(tempfile.TemporaryFile())
                shutil.copyfileobj(file, spooled)
                file = spooled
            opened = CsvFile(file, columns)
        except OSError as error:
            raise BadInput(f"{quoted(str(source))} cannot be read: {error.strerror}") from None
        yield opened
