"""`syncd jobs`: imports job vacancies from a file and lists them with their applications."""

import json
from dataclasses import asdict

import click

from syncd.cli.clients import chosen_clients
from syncd.cli.context import Globals, client_option, json_option, one_client_option, pass_globals
from syncd.cli.database import database_of, require_ready
from syncd.cli.importing import dry_run_option, print_json, print_named, print_summary, run_import
from syncd.deadline import Deadline
from syncd.recruiting.jobs import import_jobs
from syncd.shown import printable
from syncd.store.jobs import JobLine, listed


@click.group()
def jobs() -> None:
    """Import job vacancies from a CSV file, and list them with their applications.

    A job's reference links it to its applications: PitchYou returns the reference as externalReferenceId.
    """


@jobs.command("import")
@click.argument("file")
@one_client_option
@dry_run_option
@click.option(
    "--complete",
    is_flag=True,
    help="Treat the file as the complete list: close previously imported jobs that it does not contain.",
)
@json_option
@pass_globals
def import_file(
    context: Globals, file: str, client_id: str | None, dry_run: bool, complete: bool, as_json: bool
) -> None:
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
    client, imported = run_import(
        context, client_id, import_jobs, file, what="jobs", dry_run=dry_run, complete=complete
    )
    if as_json:
        print_json(client, imported, dry_run=dry_run)
        return
    counts = (
        (imported.new, "new"),
        (imported.filled, "completed (known only from applications or links before)"),
        (imported.changed, "changed"),
        (imported.unchanged, "unchanged"),
        (imported.closed, "closed (not in the file)"),
    )
    print_summary(client, imported, counts, what="jobs", dry_run=dry_run)
    named = (
        printable(job.reference) + (f"  {printable(job.title)}" if job.title else "")
        for job in imported.closed_jobs
    )
    print_named("would be closed" if dry_run else "closed", named, imported.closed)


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
    settings = context.settings(need_clients=False, need_media=False)
    if client_id is not None:
        chosen_clients(settings, client_id)
    with database_of(settings) as database:
        require_ready(database)
        found = database.transact(
            lambda c: listed(c, None if client_id is None else [client_id], unmatched=unmatched),
            Deadline(120),
            patience=0,
        )
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
