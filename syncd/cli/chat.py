"""`syncd chat`: open a chat with an applicant."""

import json
import os
import pwd

import click

from syncd.cli.clients import chosen_clients
from syncd.cli.context import Globals, client_option, json_option, pass_globals
from syncd.cli.database import database_of, require_ready
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
@click.option("--recruiter", metavar="NAME", help="Whom the applicant sees as the sender.")
@click.option(
    "--iframe", "form", flag_value="iframe", help="Print the element and the CSP line for a page of the ATS."
)
@click.option("--widget", "form", flag_value="widget", help="The same for PitchYou's chat widget.")
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
    """Open a chat with the applicant of PROFILE_ID and print its address.

    Every chat needs a new one, also with the same applicant. Whoever has the address can write to the applicant and
    read the answers: it is printed once and kept nowhere. Who asked, for whom and when is in ats.chat_request.
    """
    settings = context.settings(need_media=False)
    chosen_clients(settings, client_id)
    checked_name(recruiter)
    deadline = Deadline(120, stop=stop_on_signals())
    with database_of(settings) as database:
        require_ready(database)
        configured = {client.client_id: client for client in settings.clients}
        applicant = find_applicant(database, list(configured), profile_id, deadline, client_id=client_id)
        client = configured[applicant.client_id]
        _embedding(form, chat_url("a-token", client.chat_url), client)  # what cannot be printed opens no chat
        with pitchyou_of(settings, client) as api:
            url = open_chat(
                api,
                database,
                applicant,
                recruiter_name=recruiter,
                requested_by=_account(),
                chat_base=client.chat_url,
                deadline=deadline,
            )
    html, csp = _embedding(form, url, client)
    if as_json:
        facts = {"client_id": applicant.client_id, "profile_id": applicant.profile_id, "url": url}
        click.echo(json.dumps(facts | ({"html": html, "csp": csp} if form else {})))
    elif form:
        click.echo(f"{html}\n{csp}")
    else:
        click.echo(url)


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
            f"the configuration of client {client.client_id} does not say where the widget's files are: set "
            "chat_widget_css and chat_widget_js to the addresses that PitchYou gave you, or use --iframe"
        )
    return client.chat_widget_css, client.chat_widget_js


def _account() -> str:
    """Who runs this command, by the machine's word; environment variables could say anything."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
