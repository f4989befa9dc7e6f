"""`syncd sandbox`: serves a simulated PitchYou, for integration work and for tests in other processes."""

import json
import signal
import threading
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from syncd.sandbox import KINDS, AuditUnavailable, Sandbox, SandboxConfig, Tenant, choices, parse_fault

_HELP = {
    "profiles": "Number of applications.",
    "seed": "The same seed creates the same content.",
    "client_id": "Client id to accept.",
    "client_secret": "Client secret to accept.",
    "host": "Address to listen on.",
    "port": "Port to listen on; 0 chooses a free one.",
    "token_lifetime": "Seconds until a token expires; 0 omits expires_in.",
    "expires_in_string": "Send expires_in as a string of digits.",
    "token_auth": "Where /token expects the credentials: in the body, or as HTTP Basic.",
    "token_format": "Body format that /token expects.",
    "after_confirm": "What happens to confirmed profiles: leave the list, stay in it, or appear in one response only.",
    "list_cap": "Maximum number of profiles per response.",
    "list_transfer": "Framing of the list: chunked, or with Content-Length.",
    "id_type": "Form of profileId and mediaId; reserved ids contain characters that need percent-encoding.",
    "answer_kinds": "JSON types of the answers: all types, or text only.",
    "media_fields": "Send cv and profileImage as an object or as an array.",
    "download_uri": "Form of downloadUri.",
    "signed_uris": "Put a new signature into every downloadUri of every response.",
    "media_per_profile": "Average number of files per profile.",
    "media_size": "Pad each file to this many bytes.",
    "media_late": "Share of files (0-1) that return 404 at first.",
    "media_late_tries": "Number of requests for a late file that return 404.",
    "media_gone": "Share of files (0-1) that are missing permanently.",
    "media_gone_status": "HTTP status for a file that is missing permanently.",
    "media_after_confirm": "Keep files available after the confirm.",
    "confirm_wrapper": "Expect an object with this key in a confirm instead of a bare array.",
    "confirm_strict": "Reject the whole array if it contains one unknown id.",
    "bad_confirm_ids": "An id that can never be confirmed (repeatable).",
    "confirm_bad_status": "HTTP status for a confirm with such an id.",
    "confirm_again_status": "HTTP status for the second confirm of an id, instead of 200.",
    "descriptions": "Form of the templates' descriptions.",
    "chat_format": "Body format that /chattoken expects.",
    "chat_answer": "Form of the response with the chat token.",
    "database_url": "The client's database; the sandbox audits it at each confirm.",
    "media_root": "The client's media root; the sandbox audits it at each confirm.",
    "reject_above": "Maximum file size in bytes that the client stores; the audit accepts that it skips larger files.",
    "log_requests": "Log one line per request to stderr.",
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
    """Add one option for each field of SandboxConfig, so that none can be missing."""
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
    "--tenant",
    "tenants",
    multiple=True,
    metavar="ID:SECRET[:PROFILES]",
    help="Add another client (repeatable).",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="ENDPOINT:KIND[,KEY=VALUE…]",
    help=f"Inject a fault (repeatable), such as profiles:status=503,times=3. Kinds: {', '.join(KINDS)}.",
)
@click.option("--json", "as_json", is_flag=True, help="Print URL and clients as one line of JSON.")
def sandbox(tenants: tuple[str, ...], faults: tuple[str, ...], as_json: bool, **switches: Any) -> None:
    """Run a simulated PitchYou on this machine.

    It serves the whole API with invented applications, for tests and integration work. It prints the environment
    variables that point syncd to it. Stop it with Ctrl-C or SIGTERM. docs/sandbox.md explains every option.

    Exit code: 0; 1 if its audit found that the client broke a guarantee.
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
        raise click.ClickException(
            f"cannot listen on {where}: {error.strerror}. Choose another port, or use --port 0."
        ) from error
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
        raise ValueError(f"{text!r} is not a valid tenant; write ID:SECRET[:PROFILES]")
    return Tenant(client_id, secret, int(count or 50))


def _final_audit(running: Sandbox) -> None:
    if running.config.database_url is None or running.config.media_root is None:
        return
    try:
        for finding in running.audit().findings:
            running.ledger.add_finding(finding)
    except AuditUnavailable as error:
        click.echo(f"The final audit failed: {error}", err=True)


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
        lines.append(
            f"Client {tenant.client_id}, secret {tenant.client_secret}, {tenant.profiles:,} applications"
        )
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
