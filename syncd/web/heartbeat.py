"""Requests a URL after a good cycle, so that somebody else notices if no more cycles end well."""

import threading
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from syncd.deadline import Deadline
from syncd.errors import ApiError, SyncdError
from syncd.logs import get_logger
from syncd.model import Outcome
from syncd.pitchyou import Proxy
from syncd.pitchyou.http import Http
from syncd.sync.client_cycle import Ended

log = get_logger(__name__)

# All in seconds.
EVERY = 60.0
LIMIT = 10.0


@dataclass(frozen=True, slots=True)
class Target:
    """A URL, the way to it, and the authorities that it is believed by. Never logged: who knows a URL can use it."""

    url: str = field(repr=False)
    proxy: Proxy | None = None
    ca_file: Path | None = None


class Heartbeat:
    """Sends the heartbeats of all clients, each in a thread of its own. Safe to share between threads.

    Args:
        targets: by client. Clients without one send none.
        every: seconds between two heartbeats of a client, at least.
    """

    def __init__(self, targets: Mapping[str, Target], *, every: float = EVERY) -> None:
        self._targets, self._every = targets, every
        self._lock = threading.Lock()
        self._sent_at: dict[str, float] = {}
        self._failing: set[str] = set()

    def follow(self, targets: Mapping[str, Target]) -> None:
        """Use these targets from now on."""
        with self._lock:
            self._targets = targets

    def observe(self, client_id: str, ended: Ended) -> None:
        """Send a heartbeat if the cycle was good, and if one is due. Returns at once."""
        if ended.outcome not in (Outcome.OK, Outcome.PARTIAL):
            return
        now = time.monotonic()
        with self._lock:
            target = self._targets.get(client_id)
            # A request ends before the next one is due, so a client has one at a time.
            if target is None or now - self._sent_at.get(client_id, float("-inf")) < self._every:
                return
            self._sent_at[client_id] = now
        thread = threading.Thread(target=self._send, args=(client_id, target), name="heartbeat", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            self._note(client_id, "no_thread")

    def _send(self, client_id: str, target: Target) -> None:
        self._note(client_id, _failure(target))

    def _note(self, client_id: str, failure: str | None) -> None:
        with self._lock:
            was_failing = client_id in self._failing
            self._failing.add(client_id) if failure else self._failing.discard(client_id)
        if failure and not was_failing:
            log.warning("heartbeat_failed", client_id=client_id, error=failure)
        elif was_failing and not failure:
            log.info("heartbeat_works_again", client_id=client_id)


def _failure(target: Target) -> str | None:
    """Request the URL. Return None if the answer is a 2xx, or else a word that says what went wrong."""
    parts = urlsplit(target.url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        http = Http(
            f"{parts.scheme}://{parts.netloc}", pool_size=1, ca_file=target.ca_file, proxy=target.proxy
        )
        with closing(http):
            status = http.send("GET", path, deadline=Deadline(LIMIT)).status
    except ApiError as error:
        return error.code
    except SyncdError:
        return "timeout"
    except OSError:
        return "ca_file"
    return None if 200 <= status < 300 else f"http_{status}"
