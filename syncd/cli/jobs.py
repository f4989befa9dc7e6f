"""`syncd jobs`: imports job vacancies from a file and lists them with their applications."""

import json
from dataclasses import asdict
from functools import partial
from typing import Any

import click

from syncd.cli.context import Globals, client_option, json_option, pass_globals
from syncd.cli.importing import Summary, import_and_print, import_options, listed_rows
from syncd.recruiting.jobs import Imported, import_jobs
from syncd.shown import printable
from syncd.store.jobs import JobLine, listed


@click.group()
def jobs() -> None:
    """Import job vacancies from a CSV file, and list them with their applications.

    A job's reference links it to its applications: PitchYou returns the reference as externalReferenceId.
    """


@jobs.command("import")
@import_options(
    complete="Treat the file as the complete list: close previously imported jobs that it does not contain."
)
def import_file(context: Globals, **asked: Any) -> None:
    """Import a CSV file of jobs (- reads standard input). A file with errors is rejected as a whole.

    Columns: reference is required. Optional, in any order: title, department, location, recruiter, status, opened,
    closed. German names also work: Referenz, Titel, Abteilung, Standort, Ansprechpartner, Status, Geöffnet,
    Geschlossen.

    Format: separated by comma, semicolon or tab; encoded in UTF-8 or Windows-1252; times as 2026-11-01,
    2026-11-01T08:00 or 01.11.2026 08:00.

    An empty field clears the value; a missing column leaves it unchanged. A job that --complete has closed reopens
    when a later file contains it.

    Exit code: 0 imported; 2 the file has errors (up to 1,000 are listed by line) and nothing was written.
    """
    import_and_print(context, import_jobs, "jobs", _summary, **asked)


def _summary(imported: Imported, would_be: str) -> Summary:
    closed = (
        printable(job.reference) + (f"  {printable(job.title)}" if job.title else "")
        for job in imported.closed_jobs
    )
    return Summary(
        counts=(
            (imported.new, "new"),
            (imported.filled, "completed (known only from applications or links before)"),
            (imported.changed, "changed"),
            (imported.unchanged, "unchanged"),
            (imported.closed, "closed (not in the file)"),
        ),
        named=[(f"{would_be}closed", closed, imported.closed)],
    )


@jobs.command("list")
@client_option
@click.option(
    "--unmatched",
    is_flag=True,
    help="Only job references that have applications but were in no imported file.",
)
@json_option
@pass_globals
def list_jobs(context: Globals, client_id: str | None, unmatched: bool, as_json: bool) -> None:
    """List the jobs and how many applications each has. The job with the newest application comes first."""
    found = listed_rows(context, client_id, partial(listed, unmatched=unmatched))
    if as_json:
        entries = [asdict(job) for job in found]
        click.echo(json.dumps({"jobs": entries}, default=lambda moment: moment.isoformat()))
        return
    for job in found:
        click.echo(_line(job))
    if not found:
        click.echo("No unmatched jobs." if unmatched else "No jobs.")


def _line(job: JobLine) -> str:
    newest = f", newest {job.newest_application_at:%Y-%m-%d %H:%M} UTC" if job.newest_application_at else ""
    facts = " / ".join(
        printable(fact) for fact in (job.title, job.location, job.recruiter, job.status) if fact
    )
    return (
        f"{job.client_id}  {printable(job.external_reference_id)}  {facts or '(no data)'}  [{job.origin}]  "
        f"{job.applications:,} application{'s' * (job.applications != 1)}{newest}"
    )
