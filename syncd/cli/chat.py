"""`syncd chat`: open a chat with an applicant."""

import json

import click

from syncd.cli.account import account
from syncd.cli.clients import chosen_clients
from syncd.cli.context import Globals, client_option, json_option, pass_globals
from syncd.cli.database import database_of, require_ready
from syncd.cli.streams import if_lost, require_output
from syncd.cli.wiring import pitchyou_of
from syncd.deadline import Deadline
from syncd.errors import BadInput
from syncd.pitchyou import chat_url
from syncd.pitchyou.chat import checked_name
from syncd.publishing.chat_embedding import iframe_csp, iframe_html, widget_csp, widget_html
from syncd.publishing.languages import language_of
from syncd.recruiting.chat import find_applicant, open_chat
from syncd.settings import ClientSettings
from syncd.signals import stop_on_signals


@click.command()
@click.argument("profile_id")
@client_option
@click.option("--recruiter", metavar="NAME", help="The sender's name that the applicant sees.")
@click.option(
    "--iframe",
    "form",
    flag_value="iframe",
    help="Print an <iframe> element for a page of the ATS, and the Content-Security-Policy it needs.",
)
@click.option(
    "--widget",
    "form",
    flag_value="widget",
    help="Print the elements that load PitchYou's chat widget, and the Content-Security-Policy they need.",
)
@json_option
@pass_globals
def chat(
    context: Globals,
    profile_id: str,
    client_id: str | None,
    recruiter: str | None,
    form: str | None,
    as_json: bool,
) -> None:
    """Open a chat with an applicant and print its URL.

    PROFILE_ID is PitchYou's id of the application (ats.application.profile_id).

    Keep the URL secret: anyone who has it can read the chat and write to the applicant. syncd prints the URL once and
    does not store it. Run the command again for each chat, even with the same applicant. ats.chat_request records who
    opened a chat with whom, and when.
    """
    require_output()
    settings = context.settings(need_media=False)
    chosen_clients(settings, client_id)
    checked_name(recruiter)
    deadline = Deadline(120, stop=stop_on_signals())
    with database_of(settings) as database:
        require_ready(database)
        configured = {client.client_id: client for client in settings.clients}
        applicant = find_applicant(database, list(configured), profile_id, deadline, client_id=client_id)
        client = configured[applicant.client_id]
        # Fails before a chat is opened if its elements could not be printed.
        _embedding(form, chat_url("a-token", client.chat_url), client)
        with pitchyou_of(settings, client) as api:
            url = open_chat(
                api,
                database,
                applicant,
                recruiter_name=recruiter,
                requested_by=account(),
                chat_base=client.chat_url,
                deadline=deadline,
            )
    html, csp = _embedding(form, url, client)
    with if_lost("Nobody has the URL of this chat. Run the command again for another one."):
        if as_json:
            facts = {"client_id": applicant.client_id, "profile_id": applicant.profile_id, "url": url}
            click.echo(json.dumps(facts | ({"html": html, "csp": csp} if form else {})))
        else:
            click.echo(f"{html}\n{csp}" if form else url)


def _embedding(form: str | None, url: str, client: ClientSettings) -> tuple[str, str]:
    if form == "iframe":
        return iframe_html(url, language=language_of(client.preferred_language)), iframe_csp(url)
    if form == "widget":
        css, js = _widget_files(client)
        return widget_html(url, css_url=css, js_url=js), widget_csp(url, css_url=css, js_url=js)
    return "", ""


def _widget_files(client: ClientSettings) -> tuple[str, str]:
    if client.chat_widget_css is None or client.chat_widget_js is None:
        raise BadInput(
            f"client {client.client_id} has no URLs for the chat widget. Set chat_widget_css and chat_widget_js to the "
            "URLs that PitchYou gave you, or use --iframe."
        )
    return client.chat_widget_css, client.chat_widget_js
