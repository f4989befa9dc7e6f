"""`syncd sandbox`: the simulated PitchYou on a port, for integrators and for tests in other processes."""

import json
import signal
import threading
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from syncd.sandbox import KINDS, AuditUnavailable, Sandbox, SandboxConfig, Tenant, choices, parse_fault

_HELP = {
    "profiles": "How many applications there are.",
    "seed": "Same seed, same content.",
    "client_id": "The client's id.",
    "client_secret": "The client's secret.",
    "host": "Address to listen on.",
    "port": "Port to listen on; 0 takes a free one.",
    "token_lifetime": "Seconds a token lives; 0 leaves expires_in out.",
    "expires_in_string": "Send expires_in as a string of digits.",
    "token_auth": "Where /token wants the credentials: in the body or as HTTP Basic.",
    "token_format": "What body /token wants.",
    "after_confirm": "Confirmed profiles leave the list, stay for ever, or each is listed in one answer only.",
    "list_cap": "At most so many profiles an answer.",
    "list_transfer": "How the list is framed: chunked or with Content-Length.",
    "id_type": "What profileId and mediaId are; reserved ones need percent-encoding.",
    "answer_kinds": "Answers of every JSON kind, or text only.",
    "media_fields": "cv and profileImage as an object or as an array.",
    "download_uri": "What downloadUri says.",
    "signed_uris": "A new signature in every downloadUri of every answer.",
    "media_per_profile": "Files per profile on average.",
    "media_size": "Pad each file to so many bytes.",
    "media_late": "Share of files (0-1) that answer 404 at first.",
    "media_late_tries": "How many requests a late file answers with 404.",
    "media_gone": "Share of files (0-1) that are gone for ever.",
    "media_gone_status": "What a file that is gone answers.",
    "media_after_confirm": "Whether files can be had after the confirm.",
    "confirm_wrapper": "The confirm is an object with this key instead of a bare array.",
    "confirm_strict": "One unknown id refuses the whole array.",
    "bad_confirm_ids": "An id that can never be confirmed (repeatable).",
    "confirm_bad_status": "What such an id is answered with.",
    "confirm_again_status": "What a second confirm of an id is answered with, instead of 200.",
    "descriptions": "What the templates' descriptions are.",
    "chat_format": "What body /chattoken wants.",
    "chat_answer": "How the chat token is answered.",
    "database_url": "The client's database, to audit each confirm against.",
    "media_root": "The client's media root, to audit each confirm against.",
    "reject_above": "The client's own cap on a file's bytes; the audit lets it reject larger ones.",
    "log_requests": "One line on stderr per request.",
}
_TYPES: dict[str, Any] = {
    "list_cap": int,
    "media_size": int,
    "confirm_wrapper": str,
    "confirm_again_status": int,
    "database_url": str,
    "media_root": click.Path(path_type=Path, file_okay=False),
    "reject_above": int,
}


def _options(command: click.Command) -> click.Command:
    """One option for each switch of SandboxConfig, so that none can be forgotten here."""
    allowed = choices()
    for field in fields(SandboxConfig):
        if field.name == "tenants":
            continue
        name, flag = field.name, "--" + field.name.replace("_", "-")
        settings: dict[str, Any] = {"help": _HELP[name], "default": field.default, "show_default": True}
        if name in allowed:
            values = [str(value) for value in allowed[name]]
            settings |= {"type": click.Choice(values), "default": str(field.default)}
        elif name == "bad_confirm_ids":
            flag, settings = "--bad-confirm-id", {"help": _HELP[name], "multiple": True}
        elif isinstance(field.default, bool):
            flag = f"{flag}/--no-{name.replace('_', '-')}"
        elif name == "port":
            settings["default"] = 8765
        settings.setdefault("type", _TYPES.get(name))
        command.params.append(click.Option([flag, name], **settings))
    return command


@click.command()
@click.option(
    "--tenant", "tenants", multiple=True, metavar="ID:SECRET[:PROFILES]", help="One more client (repeatable)."
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="ENDPOINT:KIND[,KEY=VALUE…]",
    help=f"Something to go wrong (repeatable), such as profiles:status=503,times=3. Kinds: {', '.join(KINDS)}.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line instead of text.")
def sandbox(tenants: tuple[str, ...], faults: tuple[str, ...], as_json: bool, **switches: Any) -> None:
    """Run a simulated PitchYou on this machine.

    SIGTERM and SIGINT end it with 0, or with 1 when its audit found something that must not be. docs/sandbox.md
    explains each switch.
    """
    try:
        config = _config(switches, tenants)
        orders = [parse_fault(text) for text in faults]
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    running = Sandbox(config)
    for order in orders:
        running.inject(order)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        running.start()
    except OSError as error:
        where = f"{config.host}:{config.port}"
        raise click.ClickException(f"cannot listen on {where}: {error.strerror}; try --port 0") from error
    try:
        click.echo(json.dumps(_facts(running)) if as_json else _greeting(running))
        ended.wait()
        _final_audit(running)
    finally:
        running.stop()
    if running.findings:
        click.echo("\n".join(["The audit found:", *running.findings]), err=True)
        raise click.exceptions.Exit(1)


_options(sandbox)


def _config(switches: dict[str, Any], tenants: tuple[str, ...]) -> SandboxConfig:
    switches["token_lifetime"] = switches["token_lifetime"] or None
    switches["media_gone_status"] = int(switches["media_gone_status"])
    switches["bad_confirm_ids"] = frozenset(switches["bad_confirm_ids"])
    return SandboxConfig(tenants=tuple(map(_tenant, tenants)), **switches)


def _tenant(text: str) -> Tenant:
    client_id, _, rest = text.partition(":")
    secret, _, count = rest.partition(":")
    if not client_id or not secret:
        raise ValueError(f"a tenant is spelled ID:SECRET[:PROFILES], not {text!r}")
    return Tenant(client_id, secret, int(count or 50))


def _final_audit(running: Sandbox) -> None:
    if running.config.database_url is None or running.config.media_root is None:
        return
    try:
        for finding in running.audit().findings:
            running.ledger.add_finding(finding)
    except AuditUnavailable as error:
        click.echo(f"The final audit could not be made: {error}", err=True)


def _facts(running: Sandbox) -> dict[str, Any]:
    return {
        "url": running.url,
        "clients": [
            {
                "client_id": tenant.client_id,
                "client_secret": tenant.client_secret,
                "profiles": tenant.profiles,
            }
            for tenant in running.config.all_tenants
        ],
    }


def _greeting(running: Sandbox) -> str:
    lines = [f"PitchYou sandbox: {running.url}"]
    for tenant in running.config.all_tenants:
        lines.append(f"client {tenant.client_id}, secret {tenant.client_secret}, {tenant.profiles} profiles")
    config = running.config
    lines += [
        "",
        f"export SYNCD_BASE_URL={running.url}",
        f"export SYNCD_CLIENT_ID={config.client_id}",
        f"export SYNCD_CLIENT_SECRET={config.client_secret}",
        "",
        f"Apply links: {running.apply_url(config.client_id)}/go/{{job}}   Chats: {running.url}/chat/{{token}}",
        f"Ledger: {running.url}/_sandbox/ledger   Stop: Ctrl-C",
    ]
    return "\n".join(lines)
