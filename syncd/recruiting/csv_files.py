"""CSV files as people save them: read in constant memory, again if need be, with every mistake named by its line.

Knows nothing of jobs or links. The caller names the columns, gets rows of text, and adds its own mistakes to those
found here, so that whoever made the file sees all of them at once.
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

MAX_RECORD = 131_072  # characters of one record; more is a quote that was never closed
MAX_MISTAKES = 1000  # listed; further ones are counted
# Characters of an unknown column that are compared with the known ones.
_COMPARED = 60
_DELIMITERS = (",", ";", "\t")
_SWALLOWED = (
    "a field goes over several lines and holds the delimiter: a quotation mark is missing or too many"
)
_WRONG_QUOTES = 'a quote inside a quoted field must be doubled: "the ""best"" job"'
_OPEN_QUOTE = (
    f"a quote opened here is not closed, or the record is longer than {MAX_RECORD:,} characters; "
    "nothing below it was read"
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column that the caller knows, by its name or an alias; case, blanks, `_` and `-` do not matter."""

    name: str
    aliases: tuple[str, ...] = ()
    required: bool = False


class Mistakes:
    """What is wrong with a file, line by line. The first 1,000 are kept, further ones counted."""

    def __init__(self) -> None:
        self._kept: list[tuple[int, str]] = []
        self.count = 0

    def add(self, line_no: int, what: str) -> None:
        """Note a mistake; line 0 is for what no file has. Text of the file belongs into `what` only through `syncd.shown.quoted`."""
        self.count += 1
        if len(self._kept) < MAX_MISTAKES:
            self._kept.append((line_no, what))

    def add_more(self, count: int) -> None:
        """Note that there are `count` more, which nobody listed."""
        self.count += count

    def raise_any(self) -> None:
        """Raise BadInput with all of them, in the order of their lines, if there is one."""
        if not self.count:
            return
        problems = [f"line {line_no}: {what}" if line_no else what for line_no, what in sorted(self._kept)]
        if more := self.count - len(problems):
            problems.append(f"and {more:,} more mistakes")
        raise BadInput(*problems)


class CsvFile:
    """A file whose header has been understood; made by `open_csv`.

    `columns` are the names of the known columns that it has, `notes` are sentences for whoever gave the file.
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
        """The names of the known columns that the file has."""
        return tuple(self._places)

    def rows(self, mistakes: Mistakes) -> Iterator[tuple[int, dict[str, str]]]:
        """Each record below the header: the number of the line it begins in, and its text by column name.

        Every call begins anew. A record that cannot be read goes to `mistakes` and is left out; one with nothing in it
        is left out. Text comes as it was written, blanks and line ends included.
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
                mistakes.add(line_no, f"the header has {self._width} fields, this line {len(record)}")
        if empty and not mistakes.count:
            mistakes.add(1, "nothing follows the header")

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
                    mistakes.add(line_no, _OPEN_QUOTE)  # who knows which lines it has swallowed
                    return
                mistakes.add(line_no, _WRONG_QUOTES)
                continue
            is_hint = line_no == 1 and record and record[0].lower().startswith("sep=")  # Excel's own
            if record and any(record) and not is_hint:
                yield line_no, record

    def _find_header(self, names: dict[str, str]) -> tuple[str, list[str]]:
        """The delimiter that shows the most known names in the first record, and that record."""
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
        """Where each known column stands; raises BadInput with everything that is wrong with the header."""
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
                self.notes.append(f"the column {quoted(title)} is not known and was ignored")
        problems += [
            f"the header has no column {c.name}" for c in columns if c.required and c.name not in places
        ]
        if problems:
            raise BadInput(*problems)
        return places


class _Lines:
    """The lines of a file for `csv.reader`, which by itself would take in a record of any length."""

    def __init__(self, text: IO[str]) -> None:
        self._text = text
        self.left = MAX_RECORD
        self.exhausted = False  # the file, or what one record may take of it

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
    """Open a CSV file: comma, semicolon or tab; UTF-8 with or without BOM, or Windows-1252, which its notes then say.

    Args:
        source: a path, or `-` for the standard input. What cannot be read twice goes into an unlinked temporary file.
        columns: those that the caller knows; they may stand in any order, and others beside them.

    Raises:
        BadInput: the file cannot be read, has another encoding, or its header lacks a required column, has one twice
            or misspells one. The file's records are read later, by `CsvFile.rows`.
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
