"""The chats that were asked for (contract S3.1), found by the SHA-256 of their tokens: no token is kept."""

import secrets
import threading
from dataclasses import dataclass
from hashlib import sha256


@dataclass(frozen=True, slots=True)
class Chat:
    """Who writes to whom."""

    client: str
    profile_id: str
    recruiter: str | None


class Chats:
    """The chats that a token opens. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_digest: dict[bytes, Chat] = {}

    def open(self, chat: Chat) -> str:
        """A new token for this chat; it is said this once."""
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._by_digest[_digest(token)] = chat
        return token

    def find(self, token: str) -> Chat | None:
        """The chat that this token opens, or None."""
        with self._lock:
            return self._by_digest.get(_digest(token))


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogatepass")).digest()
