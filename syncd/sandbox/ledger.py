"""Records what the sandbox received and served. It does not rely on what the client says."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

MediaKey = tuple[str, str, str]  # client_id, profileId and mediaId as text


def typed(value: Any) -> tuple[str, Any]:
    """Returns a key for a JSON value that includes its type: 17 and "17" differ."""
    return type(value).__name__, value if isinstance(value, (str, int)) else repr(value)


@dataclass(frozen=True)
class TokenRequest:
    """A call of /token: the client (None if unknown) and the status of the answer."""

    client: str | None
    status: int


@dataclass(frozen=True)
class ListAnswer:
    """An answer of /profiles: the number of profiles, and whether the sandbox sent all of it."""

    client: str
    profiles: int
    complete: bool


@dataclass(frozen=True)
class MediaRecord:
    """The requests for one file, and what the complete answers (`count`) contained.

    `digests` holds (sha256, size) of every well-formed answer, including damaged ones that no client can tell from
    intact ones; `sha256` and `size` describe the latest. `endless` says that a fault has started an endless body.
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
    """A call of /confirm: the ids with their JSON types, the intended status, and the findings of the audit."""

    client: str
    ids: tuple[Any, ...]
    status: int
    findings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Request:
    """A request: method, path template and the status of the answer (0: no answer)."""

    method: str
    path: str
    status: int


@dataclass(frozen=True)
class ChatMessage:
    """A message from a chat page: the client and the applicant it went to, the sender's name, and the text."""

    client: str
    profile_id: str
    recruiter: str | None
    text: str


@dataclass
class Ledger:
    """Everything that the sandbox has recorded. Safe to share between threads; read the lists, do not change them."""

    token_requests: list[TokenRequest] = field(default_factory=list)
    lists: list[ListAnswer] = field(default_factory=list)
    media: dict[MediaKey, MediaRecord] = field(default_factory=dict)
    # Files that the audit found stored when their profile was confirmed.
    kept: set[MediaKey] = field(default_factory=set)
    confirms: list[Confirm] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    chats: list[tuple[str, str, str | None]] = field(
        default_factory=list
    )  # (client, profileId, recruiterName)
    messages: list[ChatMessage] = field(default_factory=list)
    interviews: Counter[str] = field(default_factory=Counter)  # finished interviews by client
    findings: list[str] = field(default_factory=list)
    max_concurrency: int = 0
    _running: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Counts a request as running while the `with` lasts."""
        with self._lock:
            self._running += 1
            self.max_concurrency = max(self.max_concurrency, self._running)
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1

    def add_request(self, method: str, path: str, status: int) -> None:
        """Records a request and the status of its answer."""
        with self._lock:
            self.requests.append(Request(method, path, status))

    def add_token_request(self, client: str | None, status: int) -> None:
        """Records a call of /token."""
        with self._lock:
            self.token_requests.append(TokenRequest(client, status))

    def add_list(self, client: str, profiles: int) -> int:
        """Records the start of a list answer. Returns its number, for `finish_list`."""
        with self._lock:
            self.lists.append(ListAnswer(client, profiles, complete=False))
            return len(self.lists) - 1

    def finish_list(self, number: int) -> None:
        """Records that this list answer is complete."""
        with self._lock:
            self.lists[number] = replace(self.lists[number], complete=True)

    def add_media_request(self, key: MediaKey, status: int, *, endless: bool = False) -> None:
        """Records a request for a file and the status of its answer (0: no answer)."""
        with self._lock:
            old = self.media.get(key, MediaRecord())
            self.media[key] = replace(
                old, requests=old.requests + 1, last_status=status, endless=old.endless or endless
            )

    def add_media_bytes(self, key: MediaKey, body: bytes) -> None:
        """Records the bytes of a well-formed answer."""
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
        """Records a confirm and the findings of its audit."""
        with self._lock:
            self.confirms.append(confirm)
            self.findings.extend(confirm.findings)

    def add_finding(self, finding: str) -> None:
        """Records something that must never happen."""
        with self._lock:
            self.findings.append(finding)

    def add_chat(self, client: str, profile: str, recruiter: str | None) -> None:
        """Records that the sandbox issued a chat token, but not the token."""
        with self._lock:
            self.chats.append((client, profile, recruiter))

    def add_message(self, message: ChatMessage) -> None:
        """Records a message of a chat."""
        with self._lock:
            self.messages.append(message)

    def messages_to(self, client: str, profile_id: str) -> list[ChatMessage]:
        """Returns all messages to one applicant, from all chats with them."""
        with self._lock:
            return [each for each in self.messages if (each.client, each.profile_id) == (client, profile_id)]

    def add_interview(self, client: str) -> None:
        """Records a finished interview."""
        with self._lock:
            self.interviews[client] += 1

    def times_confirmed(self, client: str) -> Counter[Any]:
        """Counts the successful confirms of each of the client's ids, keyed by (JSON type, value)."""
        with self._lock:
            return Counter(
                typed(each)
                for confirm in self.confirms
                if confirm.client == client and 200 <= confirm.status < 300
                for each in confirm.ids
            )

    def summary(self) -> dict[str, Any]:
        """Returns the ledger as JSON values, for tests in another process."""
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
