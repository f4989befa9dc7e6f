"""`syncd outcomes`: imports what became of applications from a file of the ATS."""

import click

from syncd.cli.context import Globals, json_option, one_client_option, pass_globals
from syncd.cli.importing import dry_run_option, print_json, print_named, print_summary, run_import
from syncd.recruiting.outcomes import import_outcomes
from syncd.shown import printable, quoted


@click.group()
def outcomes() -> None:
    """Import what became of applications from a CSV file, such as interviews, hires and rejections.

    Reports then show how many applications of each source led to a hire, and how long that took.
    """


@outcomes.command("import")
@click.argument("file")
@one_client_option
@dry_run_option
@click.option(
    "--complete",
    is_flag=True,
    help="Treat the file as the complete list: remove previously imported outcomes that it does not contain.",
)
@json_option
@pass_globals
def import_file(
    context: Globals, file: str, client_id: str | None, dry_run: bool, complete: bool, as_json: bool
) -> None:
    """Import a CSV file of outcomes (- reads standard input). A file with errors is rejected as a whole.

    Columns: profile_id (PitchYou's id of the application), stage and date, one line for each stage that an application has
    reached. German names also work: Profil-ID, Stufe, Datum.

    Stages: screened, interviewed, offered, hired, rejected (by you), withdrawn (by the applicant). German words also work,
    such as gesichtet, Vorstellungsgespräch, Angebot, eingestellt, abgelehnt, zurückgezogen.

    Format: separated by comma, semicolon or tab; encoded in UTF-8 or Windows-1252; dates as 2026-11-01 or 01.11.2026.

    A date replaces the known one of the same stage. An outcome of an application that is not in the database is not stored:
    it would be personal data that nothing needs. The next cycle brings the reports up to date.

    Exit code: 0 imported; 2 the file has errors (up to 1,000 are listed by line) and nothing was written.
    """
    client, imported = run_import(
        context, client_id, import_outcomes, file, what="outcomes", dry_run=dry_run, complete=complete
    )
    if as_json:
        print_json(client, imported, dry_run=dry_run)
        return
    counts = (
        (imported.new, "new"),
        (imported.changed, "changed"),
        (imported.unchanged, "unchanged"),
        (imported.unknown, "not stored (no such application)"),
        (imported.removed, "removed (not in the file)"),
    )
    print_summary(client, imported, counts, what="outcomes", dry_run=dry_run)
    unknown = map(quoted, imported.unknown_profiles)
    print_named("no application", unknown, imported.unknown_applications)
    removed = (f"{printable(each.profile_id)}  {each.stage}" for each in imported.removed_outcomes)
    print_named("would be removed" if dry_run else "removed", removed, imported.removed)
