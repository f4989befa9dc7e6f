"""The composition root: builds the objects that do the work from the settings. No layer below `cli` reads settings."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import cast

from syncd.cli.database import database_of
from syncd.media.vault import Vault
from syncd.pitchyou import PitchYou, Proxy, TokenAuth
from syncd.settings import ClientSettings, Settings, SyncSettings, longest_gap
from syncd.sync.client_cycle import Client, Outsides
from syncd.sync.lease_keeper import LeaseKeeper
from syncd.sync.work import Plan


def plan_of(
    settings: Settings, client: ClientSettings, *, confirm: bool = True, confirm_again: bool = False
) -> Plan:
    """Return the plan for syncing one client."""
    return Plan(
        client_id=client.client_id,
        label=client.label,
        timezone=client.timezone.key,
        phone_region=client.phone_region,
        retention_days=client.retention_days,
        raw_retention_days=client.raw_retention_days,
        batch_size=settings.sync.batch_size,
        cycle_deadline=settings.sync.cycle_deadline,
        max_polls=settings.sync.max_polls_per_cycle,
        media_concurrency=settings.media.concurrency,
        media_gone_after=settings.sync.media_gone_after,
        media_retry=settings.sync.media_retry,
        confirm_batch=settings.sync.confirm_batch,
        history_days=settings.sync.history_days,
        confirm=confirm,
        confirm_again=confirm_again,
        longest_gap=longest_gap(client.schedule, client.schedule_timezone),
    )


def pitchyou_of(settings: Settings, client: ClientSettings) -> PitchYou:
    """Create one client's connection to PitchYou."""
    return PitchYou(
        client.client_id,
        client.client_secret.reveal(),
        base_url=client.base_url,
        token_auth=cast("TokenAuth", client.token_auth),
        token_format="json" if client.token_format == "json" else "form",
        confirm_wrapper=client.confirm_wrapper,
        chat_format="form" if client.chat_format == "form" else "json",
        preferred_language=client.preferred_language,
        fields=client.fields,
        timezone=client.timezone.key,
        max_response_bytes=settings.sync.max_response_bytes,
        max_requests_per_second=client.max_requests_per_second,
        connections=settings.media.concurrency + 2,
        ca_file=client.ca_file,
        proxy=proxy_of(settings.sync, client),
        secret_again=client.client_secret.again,
    )


def proxy_of(common: SyncSettings, client: ClientSettings) -> Proxy | None:
    """Return the client's own proxy, or else the proxy for all clients. Each proxy gets only its own credentials."""
    chosen = client if client.proxy else common
    credentials = chosen.proxy_credentials
    return Proxy(chosen.proxy, credentials.reveal() if credentials else None) if chosen.proxy else None


def vault_of(settings: Settings) -> Vault:
    """Create the vault on the media root."""
    return Vault(settings.media.root, max_bytes=settings.media.max_bytes, strict=settings.strict_modes)


@contextmanager
def clients_of(
    settings: Settings,
    chosen: tuple[ClientSettings, ...],
    *,
    confirm: bool = True,
    confirm_again: bool = False,
) -> Iterator[list[Client]]:
    """Open the connections of the chosen clients to PitchYou."""
    with ExitStack() as stack:
        yield [
            Client(
                plan_of(settings, client, confirm=confirm, confirm_again=confirm_again),
                stack.enter_context(pitchyou_of(settings, client)),
            )
            for client in chosen
        ]


@contextmanager
def outsides_of(settings: Settings, *, clients: int = 1) -> Iterator[Outsides]:
    """Open what all clients of this process share. Release the leases at the end."""
    with (
        database_of(settings, clients=clients) as database,
        LeaseKeeper(database, ttl=settings.sync.lease_ttl) as keeper,
    ):
        yield Outsides(database, vault_of(settings), keeper)
