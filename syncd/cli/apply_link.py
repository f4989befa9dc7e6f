"""`syncd apply-link`: the link behind a job ad's button, as text, button, QR code or sheet; one, or a file of them."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from syncd.cli.apply_link_csv import print_links, read_wanted
from syncd.cli.compose import database_of, one_client, require_ready
from syncd.cli.context import Globals, client_option, json_option, pass_globals
from syncd.cli.printing import language_of
from syncd.deadline import Deadline
from syncd.errors import BadInput, SyncdError
from syncd.publishing.button import Styles, button_css, button_html
from syncd.publishing.qr import qr_png, qr_svg
from syncd.publishing.sheet import Language, sheet_html, sheet_pdf
from syncd.recruiting.links import Wanted, issue_links
from syncd.store.apply_links import Link

_FILE = click.Path(path_type=Path, dir_okay=False)


@dataclass(frozen=True, slots=True)
class Forms:
    """In which forms one link is wanted besides its text."""

    html: bool
    css: Path | None
    text: str | None
    qr: Path | None
    sheet: Path | None
    language: Language

    def check(self, wanted: Wanted) -> None:
        """Raise BadInput for what could not be made, before anything is."""
        problems = []
        for option, path, kinds in (
            ("--qr", self.qr, (".svg", ".png")),
            ("--sheet", self.sheet, (".pdf", ".html")),
        ):
            if path and path.suffix.lower() not in kinds:
                problems.append(f"{option}: the file must end in {' or '.join(kinds)}")
        if self.sheet and not wanted.title:
            problems.append("--sheet: a sheet shows the job's title, so --title is needed")
        if problems:
            raise BadInput(*problems)


@click.command("apply-link")
@client_option
@click.option(
    "--job", metavar="REF", help="The ATS's reference of the job; comes back with each application."
)
@click.option(
    "--template", metavar="KEY", help="The interview to run; without it the client's standard interview."
)
@click.option("--title", help="The job's title, which the interview speaks.")
@click.option("--utm-source", help="Comes back with each application, like the next three.")
@click.option("--utm-medium")
@click.option("--utm-campaign")
@click.option("--utm-content")
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
    utm_content; the options of these names fill in where the file says nothing. Links come as CSV, or as JSON.
    """
    settings = context.settings(need_clients=False, need_media=False)
    client = one_client(settings, client_id)
    language = options["language"] or language_of(client.preferred_language)
    forms = Forms(
        language=language, **{name: options[name] for name in ("html", "css", "text", "qr", "sheet")}
    )
    default = Wanted(
        job=options["job"] or "",
        template_key=options["template"],
        **{
            name: options[name]
            for name in ("title", "utm_source", "utm_medium", "utm_campaign", "utm_content")
        },
    )
    if (options["job"] is None) == (csv_file is None):
        raise click.UsageError("say either --job or --csv")
    if csv_file is not None and (forms.html or forms.css or forms.text or forms.qr or forms.sheet):
        raise click.UsageError("--html, --css, --text, --qr and --sheet are for one --job, not for --csv")
    if csv_file is None:
        forms.check(default)
        wanted, mistakes = [default], None
    else:
        wanted, mistakes = read_wanted(csv_file, default)
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
    else:
        _hand_out(links[0], forms, as_json=as_json)


def _hand_out(link: Link, forms: Forms, *, as_json: bool) -> None:
    html = None
    if forms.html or forms.css or forms.text:
        styles: Styles = "classes" if forms.css else "inline"
        html = button_html(
            link.url, language=forms.language, text=forms.text, job_title=link.title, styles=styles
        )
    if forms.css:
        _write(forms.css, button_css().encode())
    if forms.qr:
        _write(forms.qr, qr_svg(link.url) if forms.qr.suffix.lower() == ".svg" else qr_png(link.url))
    if forms.sheet and link.title:
        if forms.sheet.suffix.lower() == ".pdf":
            _write(forms.sheet, sheet_pdf(link.url, title=link.title, language=forms.language))
        else:
            _write(forms.sheet, sheet_html(link.url, title=link.title, language=forms.language).encode())
    if as_json:
        click.echo(json.dumps(asdict(link) | ({"html": html} if html else {})))
    else:
        click.echo(html or link.url)


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise SyncdError(
            f"{path} cannot be written ({error.strerror}): correct the path or its permissions"
        ) from None
