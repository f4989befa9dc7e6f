"""Wires the web server and the heartbeats to the daemon."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from urllib.parse import urlsplit

from syncd.cli.wiring import proxy_of
from syncd.daemon import Daemon
from syncd.logs import get_logger
from syncd.settings import Settings
from syncd.settings.addresses import is_loopback
from syncd.sync.client_cycle import Outsides
from syncd.web.asking import SITE
from syncd.web.heartbeat import Target

log = get_logger(__name__)


@contextmanager
def serving(settings: Settings, daemon: Daemon, outsides: Outsides, stop: threading.Event) -> Iterator[None]:
    """Serve health and metrics inside the `with`, unless `web.bind` is empty.

    If the server cannot be started, the log says so, and the daemon does without it.
    """
    if not settings.web.bind:
        yield
        return
    # Imported here because a daemon without a server does without these libraries.
    from syncd.web.app import Route, app
    from syncd.web.counts import Counts
    from syncd.web.health import Health
    from syncd.web.metrics import Metrics
    from syncd.web.server import WebServer

    counts = Counts()
    health = Health(daemon.liveness, daemon.client_ids, outsides, stop)
    metrics = Metrics(counts, daemon.liveness, daemon.client_ids, outsides, settings.media.root)
    routes = [
        Route("GET", "/healthz", health.healthz),
        Route("GET", "/readyz", health.readyz),
        Route("GET", "/metrics", metrics.answer),
    ]
    try:
        server = WebServer(app(routes, ((SITE, site_of(settings)),)), settings.web.bind)
    except OSError as error:
        log.error("web_not_started", reason=f"web.bind cannot be listened on: {_why(error)}")
        yield
        return
    daemon.observe(counts.add)
    server.start()
    try:
        yield
    finally:
        server.close()


def _why(error: OSError) -> str:
    # Python adds the address to what the system says. The numbers of name lookups are negative.
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error.strerror)


def site_of(settings: Settings) -> str:
    """Return a short name for an installation, by which `check` tells its daemon from another one."""
    return sha256(f"{settings.database.shown_url}\n{settings.media.root}".encode()).hexdigest()[:16]


def heartbeat_targets(settings: Settings) -> dict[str, Target]:
    """Return where each client's heartbeats go: through its proxy, as all that it sends, but directly on this machine."""
    targets = {}
    for client in settings.clients:
        secret = client.heartbeat_url or settings.sync.heartbeat_url
        if secret:
            url = secret.reveal().replace("{client_id}", client.client_id)
            is_here = is_loopback(urlsplit(url).hostname or "")
            proxy = None if is_here else proxy_of(settings.sync, client)
            targets[client.client_id] = Target(url, proxy, client.ca_file)
    return targets
