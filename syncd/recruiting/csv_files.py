"""Reads CSV files as people save them: in constant memory, repeatedly if necessary, and reports every error by line.

This module knows nothing about jobs or links. The caller names the columns, gets rows of text, and adds its own errors
to those found here, so that the author of the file sees all errors at once.
"""

import csv
import io
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import IO

from syncd.errors import BadInput
from syncd.recruiting.csv_encoding import encoding_of
from syncd.recruiting.csv_header import Column, Header, names_of, places_of, plain
from syncd.recruiting.file_formats import require_text
from syncd.shown import quoted

__all__ = ["MAX_MISTAKES", "MAX_NOTES", "MAX_RECORD", "Column", "CsvFile", "Mistakes", "open_csv"]

# Characters in one record. A longer record means that a quote was never closed.
MAX_RECORD = 131_072
# Errors listed. Further ones are only counted.
MAX_MISTAKES = 1000
# Notes listed. Further ones are only counted.
MAX_NOTES = 100
_DELIMITERS = (",", ";", "\t")
# Records that are searched for a header below the first one.
_SEARCHED = 20
_SWALLOWED = "each line of this record looks like a record of its own. Check whether a quotation mark is missing or superfluous."
_WRONG_QUOTES = 'a quote inside a quoted field must be doubled: "the ""best"" job"'
_OPEN_QUOTE = (
    f"a quote opened here is not closed, or the record is longer than {MAX_RECORD:,} characters; "
    "the lines below were not read"
)


class Mistakes:
    """The errors in a file, by line, and notes about lines that were taken. Keeps the first of each and counts the rest."""

    def __init__(self) -> None:
        self._kept: list[tuple[int, str]] = []
        self.count = 0
        self._noted: list[tuple[int, str]] = []
        self._notes = 0

    def add(self, line_no: int, what: str) -> None:
        """Record an error. Line 0 means that there is no file. Pass text of the file through `syncd.shown.quoted` before putting it in `what`."""
        self.count += 1
        if len(self._kept) < MAX_MISTAKES:
            self._kept.append((line_no, what))

    def add_more(self, count: int) -> None:
        """Count `count` more errors without listing them."""
        self.count += count

    def note(self, line_no: int, what: str) -> None:
        """Record a note about a line that was taken. The text is as in `add`."""
        self._notes += 1
        if len(self._noted) < MAX_NOTES:
            self._noted.append((line_no, what))

    def note_more(self, count: int) -> None:
        """Count `count` more notes without listing them."""
        self._notes += count

    def notes(self) -> list[str]:
        """Return the notes in the order of their lines."""
        listed = _by_line(self._noted)
        more = self._notes - len(listed)
        return [*listed, f"and {more:,} more notes"] if more else listed

    def raise_any(self) -> None:
        """Raise BadInput with all errors in the order of their lines, if there are any."""
        if not self.count:
            return
        problems = _by_line(self._kept)
        if more := self.count - len(problems):
            problems.append(f"and {more:,} more errors")
        raise BadInput(*problems)


def _by_line(entries: list[tuple[int, str]]) -> list[str]:
    return [f"line {line_no}: {what}" if line_no else what for line_no, what in sorted(entries)]


class CsvFile:
    """A file with a valid header; created by `open_csv`.

    `columns` are the names of the known columns in the file, `titles` all titles of its header, and `delimiter` separates
    them. `notes` are messages for the author of the file; notes about single lines go to the `Mistakes` of `rows`.
    """

    def __init__(self, file: IO[bytes], columns: Sequence[Column], unused: Sequence[Column] = ()) -> None:
        require_text(file)
        encoding = encoding_of(file)
        self._text = io.TextIOWrapper(file, encoding, newline="")
        self.notes = ["the file is not UTF-8; it was read as Windows-1252"] if encoding == "cp1252" else []
        header = self._find_header(columns)
        self.titles, self.delimiter = tuple(header.titles), header.delimiter
        self._places = places_of(header, columns, self.notes, unused)

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the names of the known columns in the file."""
        return tuple(self._places)

    def rows(self, mistakes: Mistakes) -> Iterator[tuple[int, dict[str, str]]]:
        """Yield each record below the header: the number of its first line, and its text by the name of the known column.

        Every call starts from the beginning. A record that cannot be read is added to `mistakes` and skipped. Empty
        records are skipped. Text is returned unchanged, including blanks and line ends.
        """
        for line_no, record in self.records(mistakes):
            yield line_no, self.named(record)

    def records(self, mistakes: Mistakes) -> Iterator[tuple[int, list[str]]]:
        """Yield what `rows` yields, but all fields in the order of `titles`."""
        records = self._records(mistakes)
        next(records)  # the header
        empty, width = True, len(self.titles)
        for line_no, record in records:
            empty = False
            if len(record) != width:
                mistakes.add(line_no, f"the header has {width} fields, but this line has {len(record)}")
                continue
            if self._may_have_swallowed(record):
                mistakes.note(line_no, _SWALLOWED)
            yield line_no, record
        if empty and not mistakes.count:
            mistakes.add(1, "the file has no lines below the header")

    def named(self, record: Sequence[str]) -> dict[str, str]:
        """Return the fields of a record by the name of the known column."""
        return {name: record[index] for name, index in self._places.items()}

    def _may_have_swallowed(self, record: list[str]) -> bool:
        """Whether each of its several lines has as many fields as the header, as if a stray quote had joined records.

        In prose, a blank follows a comma or a semicolon.
        """
        if len(record) < 2 or not any("\n" in field or "\r" in field for field in record):
            return False
        if any(f"{self.delimiter} " in field for field in record):
            return False
        return {line.count(self.delimiter) for line in self.delimiter.join(record).splitlines()} == {
            len(record) - 1
        }

    def _records(self, mistakes: Mistakes) -> Iterator[tuple[int, list[str]]]:
        self._text.seek(0)
        lines = _Lines(self._text)
        reader = csv.reader(lines, delimiter=self.delimiter, strict=True)
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

    def _find_header(self, columns: Sequence[Column]) -> Header:
        """Return the first record, separated by the delimiter that yields the most known names in it."""
        names = names_of(columns)
        found: list[tuple[int, int, Header]] = []
        for self.delimiter in _DELIMITERS:
            mistakes = Mistakes()
            line_no, titles = next(self._records(mistakes), (0, []))
            known = sum(plain(title) in names for title in titles)
            if not mistakes.count:
                found.append((known, len(titles), Header(line_no, titles, self.delimiter)))
        if not found:
            mistakes.raise_any()
        known, width, header = max(found, key=lambda each: each[:2])
        if not width:
            raise BadInput("the file is empty; its first line must name the columns")
        self.delimiter = header.delimiter
        return header if known else replace(header, better=self._find_better(columns, header.line_no))

    def _find_better(self, columns: Sequence[Column], above: int) -> int | None:
        """Return the line of a record below the first one that names the required columns."""
        required = {column.name for column in columns if column.required}
        names = names_of(columns)
        chosen = self.delimiter
        try:
            for self.delimiter in _DELIMITERS:
                for line_no, titles in islice(self._records(Mistakes()), _SEARCHED):
                    if line_no > above and required <= {names.get(plain(title)) for title in titles}:
                        return line_no
            return None
        finally:
            self.delimiter = chosen


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


@contextmanager
def open_csv(
    source: str | Path, columns: Sequence[Column], *, unused: Sequence[Column] = ()
) -> Iterator[CsvFile]:
    """Open a CSV file separated by comma, semicolon or tab, in UTF-8 (with or without BOM) or Windows-1252.

    `notes` of the result says so if the file is in Windows-1252.

    Args:
        source: a path, or `-` for standard input. Input that cannot be read twice is copied to an unlinked temporary
            file.
        columns: the known columns. The file may have them in any order, among others.
        unused: columns that are known to other importers. A note says that they are ignored.

    Raises:
        BadInput: the file cannot be read or has another encoding, or its header lacks a required column, repeats a
            column or misspells one. `CsvFile.rows` reads the records later.
    """
    with ExitStack() as stack:
        is_stdin = str(source) == "-"
        if is_stdin and sys.stdin is None:
            raise BadInput("standard input is closed, so no file can be read from it")
        try:
            file: IO[bytes] = sys.stdin.buffer if is_stdin else stack.enter_context(Path(source).open("rb"))
            if is_stdin or not file.seekable():
                spooled = stack.enter_context(tempfile.TemporaryFile())
                shutil.copyfileobj(file, spooled)
                file = spooled
            opened = CsvFile(file, columns, unused)
        except OSError as error:
            raise BadInput(f"{quoted(str(source))} cannot be read: {error.strerror}") from None
        yield opened
