"""Which of the configured clients a command works for."""

import click

from syncd.settings import ClientSettings, Settings
from syncd.shown import printable


def chosen_clients(settings: Settings, client_id: str | None) -> tuple[ClientSettings, ...]:
    """All clients, or the one that was named."""
    if client_id is None:
        return settings.clients
    chosen = tuple(client for client in settings.clients if client.client_id == client_id)
    if not chosen:
        known = ", ".join(client.client_id for client in settings.clients)
        raise click.UsageError(
            f"there is no client '{printable(client_id)}' in the configuration; there is: {known}"
        )
    return chosen


def one_client(settings: Settings, client_id: str | None) -> ClientSettings:
    """The client that was named, or the only one there is."""
    chosen = chosen_clients(settings, client_id)
    if len(chosen) != 1:
        known = ", ".join(client.client_id for client in chosen)
        raise click.UsageError(
            f"say which client with --client: {known}" if known else "the configuration has no client"
        )
    return chosen[0]
