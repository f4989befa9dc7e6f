"""`syncd apply-link`: creates apply links, one or a whole file of them, as text, button, QR code or printable sheet."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from syncd.cli.apply_link_csv import DELIMITERS, print_links, print_links_as_json, read_wanted
from syncd.cli.apply_link_forms import Forms
from syncd.cli.clients import one_client
from syncd.cli.context import Globals, json_option, one_client_option, pass_globals
from syncd.cli.database import database_of, require_ready
from syncd.cli.files import write_all
from syncd.cli.streams import if_lost, require_output
from syncd.deadline import Deadline
from syncd.publishing.languages import language_of
from syncd.recruiting.csv_files import Mistakes
from syncd.recruiting.links import Wanted, issue_links, link_of
from syncd.store.apply_links import Link

_FILE = click.Path(path_type=Path, dir_okay=False)
_PARTS = ("template", "title", "utm_source", "utm_medium", "utm_campaign", "utm_content")  # in Wanted's order


@click.command("apply-link")
@one_client_option
@click.option(
    "--job", metavar="REF", help="Your reference for the job. PitchYou returns it with each application."
)
@click.option(
    "--template",
    metavar="KEY",
    help="The interview template (see `syncd templates`). Default: the client's standard interview.",
)
@click.option("--title", help="The job title that the interview shows.")
@click.option(
    "--utm-source",
    help="Where the ad is published. PitchYou returns the utm values with each application.",
)
@click.option("--utm-medium", help="The kind of ad.")
@click.option("--utm-campaign", help="The campaign that the ad belongs to.")
@click.option("--utm-content", help="Tells several ads of one campaign apart.")
@click.option("--html", is_flag=True, help="Print an HTML button for the job ad instead of the link.")
@click.option(
    "--css",
    type=_FILE,
    metavar="FILE",
    help="Print an HTML button without inline styles, for a strict Content-Security-Policy, and write its styles to FILE.",
)
@click.option("--text", help="Print an HTML button with this text.")
@click.option("--qr", type=_FILE, metavar="FILE", help="Write a QR code to FILE (.svg or .png).")
@click.option(
    "--sheet",
    type=_FILE,
    metavar="FILE",
    help="Write an A4 sheet with title and QR code to FILE (.pdf or .html).",
)
@click.option(
    "--language",
    type=click.Choice(["de", "en"]),
    help="The language of button and sheet. Default: the client's preferred_language.",
)
@click.option(
    "--csv",
    "csv_file",
    metavar="FILE",
    help="Create a link for each line of a CSV file (- reads standard input).",
)
@click.option(
    "--delimiter",
    type=click.Choice(list(DELIMITERS)),
    help="What separates the columns that --csv prints. Default: ; which Excel expects in German settings.",
)
@json_option
@pass_globals
def apply_link(
    context: Globals, /, client_id: str | None, as_json: bool, csv_file: str | None, **options: Any
) -> None:
    """Create the apply link for a job and store it in ats.apply_link.

    An apply link opens PitchYou's WhatsApp interview for a job. Put it behind the button of the job ad. Give either
    --job or --csv.

    Columns of the CSV file: reference (or Referenz) is required. Optional: template, title, utm_source, utm_medium,
    utm_campaign, utm_content. If a line has no value, the option of the same name applies.

    --csv prints the file with one more column, url, ready for Excel: in UTF-8 with a byte order mark, and with an
    apostrophe before what a spreadsheet would run as a formula. With --json, the links are printed unchanged.

    Exit code: 0 created; 2 a link cannot be created, or PitchYou does not offer the template. Nothing was stored then.
    """
    require_output()
    settings = context.settings(need_clients=False, need_media=False)
    client = one_client(settings, client_id)
    language = options["language"] or language_of(client.preferred_language)
    forms = Forms(language, *(options[name] for name in ("html", "text", "css", "qr", "sheet")))
    default = Wanted(options["job"] or "", *(options[name] for name in _PARTS))
    _require_one_use(forms, options, csv_file, as_json=as_json)
    html, files = None, {}
    if csv_file is None:
        # Create all forms before storing the link, so that a failure stores nothing.
        title = default.title or None
        forms.check(title)
        url = link_of(client.client_id, default, client.apply_url).url
        html, files = forms.button(url, title), forms.files(url, title)
        if warning := forms.warning(url):
            click.echo(f"syncd: {warning}", err=True)
    file = None if csv_file is None else read_wanted(csv_file, default)
    mistakes = file.mistakes if file else Mistakes()
    with database_of(settings) as database:
        require_ready(database)
        links = issue_links(
            database,
            client.client_id,
            file.wanted if file else [default],
            apply_url=client.apply_url,
            deadline=Deadline(120),
            mistakes=mistakes,
        )
    for note in mistakes.notes():
        click.echo(f"syncd: {note}", err=True)
    write_all(files)
    with if_lost("The links are stored. Run the command again to print them."):
        if file is not None and as_json:
            print_links_as_json(links)
        elif file is not None:
            print_links(file, links, delimiter=DELIMITERS[options["delimiter"] or ";"])
        else:
            _print(links[0], html, as_json=as_json)


def _require_one_use(forms: Forms, options: dict[str, Any], csv_file: str | None, *, as_json: bool) -> None:
    if (options["job"] is None) == (csv_file is None):
        raise click.UsageError("give either --job or --csv")
    if csv_file is not None and forms.any:
        raise click.UsageError("--html, --css, --text, --qr and --sheet work with --job only, not with --csv")
    if options["delimiter"] is not None and (csv_file is None or as_json):
        raise click.UsageError("--delimiter works with --csv only, and not with --json")


def _print(link: Link, html: str | None, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(asdict(link) | ({"html": html} if html else {})))
    elif html:
        # Character references mean the same in HTML, whatever the encoding of the terminal.
        is_utf8 = sys.stdout.encoding.lower().replace("-", "") == "utf8"
        click.echo(html if is_utf8 else html.encode("ascii", "xmlcharrefreplace").decode("ascii"))
    else:
        click.echo(link.url)
