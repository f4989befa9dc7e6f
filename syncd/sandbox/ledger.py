"""What the sandbox saw and served: written down by it alone, never told by the client."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

MediaKey = tuple[str, str, str]  # client_id, profileId and mediaId as text


def typed(value: Any) -> tuple[str, Any]:
    """A JSON value as a key that keeps its type apart: 17 is not "17"."""
    return type(value).__name__, value if isinstance(value, (str, int)) else repr(value)


@dataclass(frozen=True)
class TokenRequest:
    """One call of /token: who asked (None when nobody could be made out) and the status answered."""

    client: str | None
    status: int


@dataclass(frozen=True)
class ListAnswer:
    """One answer of /profiles: how many profiles it held and whether all of it was sent."""

    client: str
    profiles: int
    complete: bool


@dataclass(frozen=True)
class MediaRecord:
    """One file: all requests for it, the whole answers among them, and what these contained.

    `digests` holds (sha256, size) of every well-formed answer, so spoilt ones that no client can tell from good
    ones are in it too; `sha256` and `size` are those of the latest. `endless` is set once a body without end began.
    """

    requests: int = 0
    count: int = 0
    sha256: bytes | None = None
    size: int | None = None
    last_status: int = 0
    digests: frozenset[tuple[bytes, int]] = frozenset()
    endless: bool = False


@dataclass(frozen=True)
class Confirm:
    """One call of /confirm: the ids with their JSON types, the status meant for it, what the audit found."""

    client: str
    ids: tuple[Any, ...]
    status: int
    findings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Request:
    """One request: method, path template and the status answered (0: no answer)."""

    method: str
    path: str
    status: int


@dataclass(frozen=True)
class ChatMessage:
    """One message that was sent on a chat page: to whose applicant, under which name, and what it says."""

    client: str
    profile_id: str
    recruiter: str | None
    text: str


@dataclass
class Ledger:
    """Everything the sandbox wrote down. Safe to use from many threads; read the lists, do not change them."""

    token_requests: list[TokenRequest] = field(default_factory=list)
    lists: list[ListAnswer] = field(default_factory=list)
    media: dict[MediaKey, MediaRecord] = field(default_factory=dict)
    kept: set[MediaKey] = field(default_factory=set)  # files that the audit has seen stored at a confirm
    confirms: list[Confirm] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    chats: list[tuple[str, str, str | None]] = field(default_factory=list)  # client, profileId, recruiterName
    messages: list[ChatMessage] = field(default_factory=list)
    interviews: Counter[str] = field(default_factory=Counter)  # finished ones, by client
    findings: list[str] = field(default_factory=list)
    max_concurrency: int = 0
    _running: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count a request as being worked on."""
        with self._lock:
            self._running += 1
            self.max_concurrency = max(self.max_concurrency, self._running)
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1

    def add_request(self, method: str, path: str, status: int) -> None:
        """Write down one request and the status that is about to be answered."""
        with self._lock:
            self.requests.append(Request(method, path, status))

    def add_token_request(self, client: str | None, status: int) -> None:
        """Write down one call of /token."""
        with self._lock:
            self.token_requests.append(TokenRequest(client, status))

    def add_list(self, client: str, profiles: int) -> int:
        """Write down that a list answer began; returns the number to report its end with."""
        with self._lock:
            self.lists.append(ListAnswer(client, profiles, complete=False))
            return len(self.lists) - 1

    def finish_list(self, number: int) -> None:
        """Write down that this list answer is complete."""
        with self._lock:
            self.lists[number] = replace(self.lists[number], complete=True)

    def add_media_request(self, key: MediaKey, status: int, *, endless: bool = False) -> None:
        """Write down one request for a file and the status that is about to be answered (0: no answer)."""
        with self._lock:
            old = self.media.get(key, MediaRecord())
            self.media[key] = replace(
                old, requests=old.requests + 1, last_status=status, endless=old.endless or endless
            )

    def add_media_bytes(self, key: MediaKey, body: bytes) -> None:
        """Write down the bytes of a well-formed answer."""
        digest = sha256(body).digest()
        with self._lock:
            old = self.media.get(key, MediaRecord())
            self.media[key] = replace(
                old,
                count=old.count + 1,
                sha256=digest,
                size=len(body),
                digests=old.digests | {(digest, len(body))},
            )

    def add_confirm(self, confirm: Confirm) -> None:
        """Write down one confirm together with the audit's findings."""
        with self._lock:
            self.confirms.append(confirm)
            self.findings.extend(confirm.findings)

    def add_finding(self, finding: str) -> None:
        """Write down something that must not have happened."""
        with self._lock:
            self.findings.append(finding)

    def add_chat(self, client: str, profile: str, recruiter: str | None) -> None:
        """Write down that a chat token was given out (never the token)."""
        with self._lock:
            self.chats.append((client, profile, recruiter))

    def add_message(self, message: ChatMessage) -> None:
        """Write down one message of a chat."""
        with self._lock:
            self.messages.append(message)

    def messages_to(self, client: str, profile_id: str) -> list[ChatMessage]:
        """What was written to one applicant so far, in all chats with them."""
        with self._lock:
            return [each for each in self.messages if (each.client, each.profile_id) == (client, profile_id)]

    def add_interview(self, client: str) -> None:
        """Write down that an interview came to its end."""
        with self._lock:
            self.interviews[client] += 1

    def times_confirmed(self, client: str) -> Counter[Any]:
        """How often each id of the client was confirmed with success, the ids keyed by (JSON type, value)."""
        with self._lock:
            return Counter(
                typed(each)
                for confirm in self.confirms
                if confirm.client == client and 200 <= confirm.status < 300
                for each in confirm.ids
            )

    def summary(self) -> dict[str, Any]:
        """The ledger as JSON can carry it, for a sandbox in another process."""
        with self._lock:
            calls = Counter(f"{request.method} {request.path} {request.status}" for request in self.requests)
            return {
                "requests": dict(sorted(calls.items())),
                "max_concurrency": self.max_concurrency,
                "token_requests": [vars(request) for request in self.token_requests],
                "lists": [vars(answer) for answer in self.lists],
                "media": [
                    {
                        "client": client,
                        "profile_id": profile,
                        "media_id": media,
                        "requests": record.requests,
                        "count": record.count,
                        "size": record.size,
                        "sha256": record.sha256.hex() if record.sha256 else None,
                        "last_status": record.last_status,
                    }
                    for (client, profile, media), record in self.media.items()
                ],
                "confirms": [vars(confirm) for confirm in self.confirms],
                "chats": [
                    {"client": client, "profile_id": profile, "recruiter": recruiter}
                    for client, profile, recruiter in self.chats
                ],
                "messages": [vars(message) for message in self.messages],
                "interviews": dict(self.interviews),
                "findings": list(self.findings),
            }
