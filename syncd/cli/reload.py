"""Reads the configuration again while the daemon runs, and brings the daemon in line with it."""

import threading
from dataclasses import replace
from pathlib import Path

from syncd.cli.context import Globals
from syncd.cli.database import connections_for
from syncd.cli.serving import heartbeat_targets
from syncd.cli.triggers import trigger_of
from syncd.cli.wiring import pitchyou_of, plan_of, vault_of
from syncd.daemon import Daemon, Scheduled
from syncd.errors import ConfigurationError, SyncdError
from syncd.logs import get_logger
from syncd.service_manager import ServiceManager
from syncd.settings import ClientSettings, Settings
from syncd.sync.client_cycle import Client, Outsides
from syncd.web.heartbeat import Heartbeat

log = get_logger(__name__)

# What shapes a client's work: as long as it is equal, the client goes on as it is.
Shape = tuple[object, ...]


class Configured:
    """The configuration as the daemon uses it now, and the clients that were made of it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._clients: dict[str, tuple[Shape, Scheduled]] = {}

    def clients(self) -> list[Scheduled]:
        """Make the clients of the present settings. A client whose settings are as before is the same object."""
        made = {}
        for client in self.settings.clients:
            shape = _shape_of(self.settings, client)
            known = self._clients.get(client.client_id)
            scheduled = known[1] if known and known[0] == shape else _made(self.settings, client)
            made[client.client_id] = shape, scheduled
        self._clients = made
        return [scheduled for _, scheduled in self._clients.values()]


class Reloader:
    """Reloads in a thread of its own: signals must be heard meanwhile. Several requests at once are one."""

    def __init__(
        self,
        context: Globals,
        configured: Configured,
        daemon: Daemon,
        outsides: Outsides,
        manager: ServiceManager,
        heartbeat: Heartbeat,
    ) -> None:
        self._context, self._configured, self._manager = context, configured, manager
        self._daemon, self._outsides, self._heartbeat = daemon, outsides, heartbeat

    def start(self, requested: threading.Event) -> None:
        """Reload whenever `requested` is set, from now on."""

        def wait() -> None:
            while requested.wait():
                requested.clear()
                self._reload()

        threading.Thread(target=wait, name="reload", daemon=True).start()

    def _reload(self) -> None:
        self._manager.reloading()
        try:
            self._apply(self._context.daemon_settings())
        except ConfigurationError as error:
            log.error("reload_refused", reason=error.problems)
        except SyncdError as error:
            log.error("reload_refused", reason=str(error))
        except Exception:
            log.exception("reload_crashed")
        finally:
            self._manager.reloaded()

    def _apply(self, wanted: Settings) -> None:
        former = self._configured.settings
        usable, fixed = _usable(former, wanted)
        # Made first, because that may fail: then nothing has changed.
        outsides = self._outsides
        if usable.media.max_bytes != former.media.max_bytes:
            outsides = replace(outsides, vault=vault_of(usable))
        self._configured.settings = usable
        try:
            clients = self._configured.clients()
        except Exception:
            self._configured.settings = former
            raise
        database = usable.database
        if (database, len(usable.clients)) != (former.database, len(former.clients)):
            again = database.password.again if database.password else None
            connections = connections_for(len(usable.clients))
            outsides.database.reconnect(database.url, connections=connections, password_again=again)
        self._heartbeat.follow(heartbeat_targets(usable))
        replaced = self._daemon.replace(clients, outsides)
        self._outsides = outsides
        if fixed:
            log.warning(
                "restart_needed", reason=f"{', '.join(fixed)}: changed, but stays as it is until a restart"
            )
        log.info(
            "reloaded",
            clients=len(clients),
            new=len(replaced.added),
            changed=len(replaced.changed),
            removed=len(replaced.removed),
        )


def _usable(former: Settings, wanted: Settings) -> tuple[Settings, list[str]]:
    """Return the wanted settings as far as a running daemon can take them, and the keys that it cannot change."""
    fixed = []
    if (former.database.shown_url, former.database.tls) != (wanted.database.shown_url, wanted.database.tls):
        fixed.append("database.url" if former.database.tls == wanted.database.tls else "database.tls")
        wanted = replace(wanted, database=former.database)
    if former.media.root != wanted.media.root:
        fixed.append("media.root")
        wanted = replace(wanted, media=replace(wanted.media, root=former.media.root))
    if former.sync.lease_ttl != wanted.sync.lease_ttl:
        fixed.append("sync.lease_ttl")
        wanted = replace(wanted, sync=replace(wanted.sync, lease_ttl=former.sync.lease_ttl))
    for name in ("bind", "token_file"):
        if getattr(former.web, name) != getattr(wanted.web, name):
            fixed.append(f"web.{name}")
    return replace(wanted, web=former.web), fixed


def _shape_of(settings: Settings, client: ClientSettings) -> Shape:
    return client, settings.sync, settings.media.concurrency, _content(client.ca_file)


def _content(file: Path | None) -> bytes | None:
    # It is read when the client is made, and may change under the same name.
    return file.read_bytes() if file else None


def _made(settings: Settings, client: ClientSettings) -> Scheduled:
    trigger = trigger_of(client.schedule, client.schedule_timezone)
    return Scheduled(Client(plan_of(settings, client), pitchyou_of(settings, client)), trigger)
