"""Creates apply links for a whole file of jobs: reads and writes CSV."""

import csv
import io
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import click

from syncd.recruiting.columns import OF_A_JOB, OF_A_LINK
from syncd.recruiting.csv_files import Mistakes, open_csv
from syncd.recruiting.links import Wanted
from syncd.shown import cell
from syncd.store.apply_links import Link

DELIMITERS: Mapping[str, str] = {";": ";", ",": ",", "tab": "\t"}
# The column of a file → its field in Wanted.
_FIELDS = {"reference": "job", "template": "template_key"}


@dataclass(frozen=True, slots=True)
class WantedFile:
    """A file that asks for links: its titles, its records with the links they ask for, and the errors in its lines."""

    titles: Sequence[str]
    records: Sequence[Sequence[str]]
    wanted: Sequence[Wanted]
    mistakes: Mistakes


def read_wanted(source: str, default: Wanted) -> WantedFile:
    """Read the links that a file asks for. Empty fields take their value from `default`.

    Raises:
        BadInput: the file cannot be read at all.
    """
    mistakes = Mistakes()
    with open_csv(source, OF_A_LINK, unused=OF_A_JOB) as file:
        for note in file.notes:
            click.echo(f"syncd: {note}", err=True)
        lines = list(file.records(mistakes))
        wanted = [_wanted(line_no, file.named(record), default) for line_no, record in lines]
        return WantedFile(file.titles, [record for _, record in lines], wanted, mistakes)


def _wanted(line_no: int, row: Mapping[str, str], default: Wanted) -> Wanted:
    given = {_FIELDS.get(name, name): text for name, text in row.items() if text}
    return replace(default, line_no=line_no, **given)


def print_links(file: WantedFile, links: Sequence[Link], *, delimiter: str) -> None:
    """Print the file with a column for the links. A spreadsheet opens it, and runs no cell of it as a formula."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerow([*map(cell, file.titles), _title_of_links(file.titles)])
    writer.writerows([*map(cell, record), link.url] for record, link in zip(file.records, links, strict=True))
    if sys.stdout.isatty():
        click.echo(out.getvalue(), nl=False)
    else:
        # Excel reads UTF-8 only if the file begins with a byte order mark.
        click.echo(out.getvalue().encode("utf-8-sig"), nl=False)


def print_links_as_json(links: Sequence[Link]) -> None:
    """Print the links in the order of the file."""
    click.echo(json.dumps({"links": [asdict(link) for link in links]}))


def _title_of_links(titles: Sequence[str]) -> str:
    taken = {title.strip().casefold() for title in titles}
    free = (name for name in ("url", "apply_link", *(f"apply_link_{n}" for n in range(2, len(titles) + 3))))
    return next(name for name in free if name not in taken)
