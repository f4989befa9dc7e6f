"""The clients that a daemon works for, and which of them are at work. Clients may come, change and go meanwhile."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto

from apscheduler.triggers.base import BaseTrigger

from syncd.sync.client_cycle import Client


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A client and its schedule."""

    client: Client
    trigger: BaseTrigger

    @property
    def client_id(self) -> str:
        """The id of the client."""
        return self.client.plan.client_id


@dataclass(eq=False, slots=True)
class Member:
    """A client as it was configured at one time. `stop` ends its work at its next step. `users` counts this work."""

    scheduled: Scheduled
    stop: threading.Event = field(default_factory=threading.Event)
    users: int = 0

    @property
    def client(self) -> Client:
        """The client itself."""
        return self.scheduled.client


class Next(Enum):
    """What the thread that works for a client does after a cycle."""

    NOTHING = auto()
    ANOTHER_CYCLE = auto()
    RELEASE = auto()


@dataclass(frozen=True, slots=True)
class Replaced:
    """What a replacement changed, as ids of clients. The caller must release the lease of those that are `idle`."""

    added: list[str]
    changed: list[str]
    removed: list[str]
    idle: list[str]


class Crew:
    """Who is at work. Safe to share between threads. `stop` ends all work at its next step."""

    def __init__(self, clients: Sequence[Scheduled], stop: threading.Event) -> None:
        self._stop = stop
        self._members = {each.client_id: Member(each) for each in clients}
        self._condition = threading.Condition()
        # Members that were replaced or removed, and that are still at work.
        self._leaving: list[Member] = []
        self._running = 0
        # Clients whose cycle is running, those of them that need another one, and those whose lease must be released.
        self._busy: set[str] = set()
        self._requested: set[str] = set()
        self._removed: set[str] = set()

    def scheduled(self) -> list[Scheduled]:
        """Return the clients as they are configured now."""
        with self._condition:
            return [member.scheduled for member in self._members.values()]

    def enter(self, client_id: str) -> bool:
        """Begin to work for a client. False if a thread does so already. Call `leave` afterwards."""
        with self._condition:
            if client_id in self._busy:
                return False
            self._busy.add(client_id)
            return True

    def leave(self, client_id: str) -> Next:
        """Return what to do next. The thread has left if that is nothing; otherwise it must call `leave` again."""
        with self._condition:
            if client_id in self._removed:
                self._removed.discard(client_id)
                return Next.RELEASE
            again = client_id in self._requested and client_id in self._members and not self._stop.is_set()
            self._requested.discard(client_id)
            if again:
                return Next.ANOTHER_CYCLE
            self._busy.discard(client_id)
            return Next.NOTHING

    def request(self, client_id: str) -> bool:
        """If a cycle of the client is running, let another one follow. Otherwise return False."""
        with self._condition:
            if client_id in self._busy:
                self._requested.add(client_id)
            return client_id in self._busy

    @contextmanager
    def at_work(self, client_id: str) -> Iterator[Member | None]:
        """Let a stop wait for the work inside the `with`. Yields None if there is no such client, or a stop was requested."""
        with self._condition:
            member = None if self._stop.is_set() else self._members.get(client_id)
            if member:
                member.users += 1
                self._running += 1
        try:
            yield member
        finally:
            if member:
                self._end_work(member)

    def _end_work(self, member: Member) -> None:
        with self._condition:
            member.users -= 1
            self._running -= 1
            has_left = member in self._leaving and not member.users
            if has_left:
                self._leaving.remove(member)
            self._condition.notify_all()
        if has_left:
            member.client.api.close()

    def replace(self, clients: Sequence[Scheduled]) -> Replaced:
        """Work for these clients from now on. A client that is the same object as before is not touched.

        A running cycle of a removed client ends at its next step. One of a changed client goes on as it began, and the
        next one begins with the new values.
        """
        wanted = {each.client_id: each for each in clients}
        with self._condition:
            former = self._members
            added = [id_ for id_ in wanted if id_ not in former]
            removed = [id_ for id_ in former if id_ not in wanted]
            changed = [
                id_ for id_, each in wanted.items() if id_ in former and former[id_].scheduled is not each
            ]
            gone = [former[id_] for id_ in (*removed, *changed)]
            self._members = {
                id_: Member(each) if id_ in (*added, *changed) else former[id_]
                for id_, each in wanted.items()
            }
            for id_ in removed:
                former[id_].stop.set()
            idle = [id_ for id_ in removed if id_ not in self._busy]
            # Nobody begins a cycle of these while their lease is released.
            self._busy.update(idle)
            self._removed = (self._removed - wanted.keys()) | (set(removed) - set(idle))
            self._leaving += [member for member in gone if member.users]
        for member in gone:
            if not member.users:
                member.client.api.close()
        return Replaced(added, changed, removed, idle)

    def stop_all(self) -> None:
        """End all work at its next step."""
        with self._condition:
            for member in (*self._members.values(), *self._leaving):
                member.stop.set()

    def wait(self, seconds: float) -> bool:
        """Wait until nobody is at work. Return whether that is so within `seconds`."""
        ends_at = time.monotonic() + seconds
        with self._condition:
            while self._running and (left := ends_at - time.monotonic()) > 0:
                self._condition.wait(left)
            return not self._running

    def close(self) -> None:
        """Close the connections of all clients."""
        for scheduled in self.scheduled():
            scheduled.client.api.close()
