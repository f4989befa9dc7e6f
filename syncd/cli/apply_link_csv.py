"""Creates apply links for a whole file of jobs: reads and writes CSV."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, replace

import click

from syncd.recruiting.csv_files import Column, Mistakes, open_csv
from syncd.recruiting.links import Wanted
from syncd.shown import cell
from syncd.store.apply_links import Link

# The field of Wanted → its column in files.
COLUMNS = {
    "job": Column(
        "reference", ("referenz", "job", "external_reference_id", "external_job_id"), required=True
    ),
    "template_key": Column("template", ("template_key", "jkey", "vorlage")),
    "title": Column("title", ("titel", "job title", "stellentitel")),
    "utm_source": Column("utm_source"),
    "utm_medium": Column("utm_medium"),
    "utm_campaign": Column("utm_campaign"),
    "utm_content": Column("utm_content"),
}


def read_wanted(source: str, default: Wanted) -> tuple[list[Wanted], Mistakes]:
    """Read the links that a file asks for, and the errors in its lines. Empty fields take their value from `default`.

    Raises:
        BadInput: the file cannot be read at all.
    """
    mistakes = Mistakes()
    with open_csv(source, list(COLUMNS.values())) as file:
        for note in file.notes:
            click.echo(f"syncd: {note}", err=True)
        wanted = [
            replace(
                default,
                line_no=line_no,
                **{
                    field: row[column.name] or getattr(default, field)
                    for field, column in COLUMNS.items()
                    if column.name in row
                },
            )
            for line_no, row in file.rows(mistakes)
        ]
    return wanted, mistakes


def print_links(links: Sequence[Link], *, as_json: bool) -> None:
    """Print the links in the order of the file. In CSV, no spreadsheet runs a cell as a formula."""
    if as_json:
        click.echo(json.dumps({"links": [asdict(link) for link in links]}))
        return
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("reference", "title", "template", "url"))
    writer.writerows(
        (cell(link.job), cell(link.title or ""), cell(link.template_key or ""), link.url) for link in links
    )
    click.echo(out.getvalue(), nl=False)
