"""Runs waitress in a thread of the daemon."""

import logging
import socket
import threading

from waitress import wasyncore
from waitress.server import create_server

from syncd.bind import host_and_port
from syncd.logs import get_logger
from syncd.web.app import App

log = get_logger(__name__)

THREADS = 2
# All in seconds.
# How often the server looks for connections that nobody uses. It wakes up for that, so not too often.
LOOK = 30
# How long a connection may say nothing.
SILENCE = 30
# How long a stop waits for answers that are being sent.
PATIENCE = 1.0


class WebServer:
    """Serves an application at one address, until it is closed.

    Raises:
        OSError: the address cannot be listened on.
    """

    def __init__(self, application: App, bind: str) -> None:
        host, port = host_and_port(bind)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family)
        self.port: int = listener.getsockname()[1]
        # Its messages quote requests, so the log would name where they come from, but not what they say.
        for name in ("waitress", "waitress.queue"):
            logging.getLogger(name).setLevel(logging.ERROR)
        self._server = create_server(
            application,
            sockets=[listener],
            threads=THREADS,
            ident="syncd",
            connection_limit=50,
            channel_timeout=SILENCE,
            cleanup_interval=LOOK,
            asyncore_loop_timeout=LOOK,
            # select() cannot watch the descriptors of a process that has many.
            asyncore_use_poll=True,
            max_request_header_size=16_384,
            max_request_body_size=65_536,
            log_socket_errors=False,
        )
        self._thread = threading.Thread(target=self._server.run, name="web", daemon=True)

    def start(self) -> None:
        """Serve from now on."""
        self._thread.start()
        log.info("web_started", port=self.port)

    def close(self) -> None:
        """Stop serving. Answers that take longer than a second are cut off."""
        # The server's own thread closes the sockets, since it is the one that uses them.
        self._server.trigger.pull_trigger(lambda: wasyncore.close_all(self._server._map))
        self._thread.join(PATIENCE)
        self._server.task_dispatcher.shutdown(timeout=PATIENCE)
