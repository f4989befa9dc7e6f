"""`syncd outcomes`: imports what became of applications from a file of the ATS."""

from typing import Any

import click

from syncd.cli.context import Globals
from syncd.cli.importing import Summary, import_and_print, import_options
from syncd.recruiting.outcomes import Imported, import_outcomes
from syncd.shown import printable, quoted


@click.group()
def outcomes() -> None:
    """Import what became of applications from a CSV file, such as interviews, hires and rejections.

    Reports then show how many applications of each source led to a hire, and how long that took.
    """


@outcomes.command("import")
@import_options(
    complete="Treat the file as the complete list: remove previously imported outcomes that it does not contain."
)
def import_file(context: Globals, **asked: Any) -> None:
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
    import_and_print(context, import_outcomes, "outcomes", _summary, **asked)


def _summary(imported: Imported, would_be: str) -> Summary:
    removed = (f"{printable(each.profile_id)}  {each.stage}" for each in imported.removed_outcomes)
    return Summary(
        counts=(
            (imported.new, "new"),
            (imported.changed, "changed"),
            (imported.unchanged, "unchanged"),
            (imported.unknown, "not stored (no such application)"),
            (imported.removed, "removed (not in the file)"),
        ),
        named=[
            ("no application", map(quoted, imported.unknown_profiles), imported.unknown_applications),
            (f"{would_be}removed", removed, imported.removed),
        ],
    )
