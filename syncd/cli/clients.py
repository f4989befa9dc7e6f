"""Selects the clients that a command works for."""

import click

from syncd.cli.suggestions import nearest
from syncd.settings import ClientSettings, Settings
from syncd.shown import printable


def chosen_clients(settings: Settings, client_id: str | None) -> tuple[ClientSettings, ...]:
    """Return all clients, or only the named one."""
    if client_id is None:
        return settings.clients
    chosen = tuple(client for client in settings.clients if client.client_id == client_id)
    if not chosen:
        ids = [client.client_id for client in settings.clients]
        raise click.UsageError(
            f"no client '{printable(client_id)}' in the configuration; configured clients: {', '.join(ids) or 'none'}"
            + (f".{hint}" if (hint := nearest(client_id, ids)) else "")
        )
    return chosen


def one_client(settings: Settings, client_id: str | None) -> ClientSettings:
    """Return the named client, or the only one configured."""
    chosen = chosen_clients(settings, client_id)
    if len(chosen) != 1:
        known = ", ".join(client.client_id for client in chosen)
        raise click.UsageError(
            f"choose a client with --client: {known}" if known else "no client is configured"
        )
    return chosen[0]
