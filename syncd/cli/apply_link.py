"""`syncd apply-link`: the link behind a job ad's button, as text, button, QR code or sheet; one, or a file of them."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from syncd.cli.apply_link_csv import print_links, read_wanted
from syncd.cli.apply_link_forms import Forms, write_all
from syncd.cli.clients import one_client
from syncd.cli.context import Globals, json_option, one_client_option, pass_globals
from syncd.cli.database import database_of, require_ready
from syncd.deadline import Deadline
from syncd.publishing.languages import language_of
from syncd.recruiting.links import Wanted, issue_links, link_of

_FILE = click.Path(path_type=Path, dir_okay=False)
_PARTS = ("template", "title", "utm_source", "utm_medium", "utm_campaign", "utm_content")  # in Wanted's order


@click.command("apply-link")
@one_client_option
@click.option(
    "--job", metavar="REF", help="The ATS's reference of the job; comes back with each application."
)
@click.option(
    "--template", metavar="KEY", help="The interview to run; without it the client's standard interview."
)
@click.option("--title", help="The job's title, which the interview speaks.")
@click.option(
    "--utm-source", help="Where the ad stands; comes back with each application, as do the next three."
)
@click.option("--utm-medium", help="What kind of ad it is.")
@click.option("--utm-campaign", help="Which campaign it belongs to.")
@click.option("--utm-content", help="Which of several ads it is.")
@click.option("--html", is_flag=True, help="Print a button for the job ad instead of the link.")
@click.option(
    "--css",
    type=_FILE,
    metavar="FILE",
    help="The button's styles into FILE, the button without any (strict CSP).",
)
@click.option("--text", help="The button's text.")
@click.option("--qr", type=_FILE, metavar="FILE", help="A QR code into FILE.svg or FILE.png.")
@click.option(
    "--sheet", type=_FILE, metavar="FILE", help="An A4 sheet to hang up into FILE.pdf or FILE.html."
)
@click.option(
    "--language", type=click.Choice(["de", "en"]), help="Of button and sheet. Default: preferred_language."
)
@click.option(
    "--csv", "csv_file", metavar="FILE", help="Many jobs from a CSV file (- for the standard input)."
)
@json_option
@pass_globals
def apply_link(
    context: Globals, /, client_id: str | None, as_json: bool, csv_file: str | None, **options: Any
) -> None:
    """Make the apply link of a job, and keep it in ats.apply_link.

    With --csv, columns are reference (or Referenz), and any of template, title, utm_source, utm_medium, utm_campaign,
    utm_content; the options of these names fill in where the file says nothing. Links come as CSV, in which an
    apostrophe goes before what a spreadsheet would take for a formula, or as JSON, exactly as they are.
    """
    if (options["job"] is None) == (csv_file is None):
        raise click.UsageError("say either --job or --csv")
    settings = context.settings(need_clients=False, need_media=False)
    client = one_client(settings, client_id)
    language = options["language"] or language_of(client.preferred_language)
    forms = Forms(language, *(options[name] for name in ("html", "text", "css", "qr", "sheet")))
    default = Wanted(options["job"] or "", *(options[name] for name in _PARTS))
    if csv_file is not None and forms.any:
        raise click.UsageError("--html, --css, --text, --qr and --sheet are for one --job, not for --csv")
    html, files = None, {}
    if csv_file is None:
        # All forms are made before the link is stored: what cannot be made leaves nothing behind.
        title = default.title or None
        forms.check(title)
        url = link_of(client.client_id, default, client.apply_url).url
        html, files = forms.button(url, title), forms.files(url, title)
    wanted, mistakes = ([default], None) if csv_file is None else read_wanted(csv_file, default)
    with database_of(settings) as database:
        require_ready(database)
        links = issue_links(
            database,
            client.client_id,
            wanted,
            apply_url=client.apply_url,
            deadline=Deadline(120),
            mistakes=mistakes,
        )
    if csv_file is not None:
        print_links(links, as_json=as_json)
        return
    [link] = links
    write_all(files)
    if as_json:
        click.echo(json.dumps(asdict(link) | ({"html": html} if html else {})))
    else:
        click.echo(html or link.url)
