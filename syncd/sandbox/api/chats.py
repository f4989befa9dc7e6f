"""Keeps the opened chats (contract S3.1) by the SHA-256 of their tokens, and never the tokens."""

import secrets
import threading
from dataclasses import dataclass
from hashlib import sha256


@dataclass(frozen=True, slots=True)
class Chat:
    """A recruiter's chat with an applicant."""

    client: str
    profile_id: str
    recruiter: str | None


class Chats:
    """The chats by token. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_digest: dict[bytes, Chat] = {}

    def open(self, chat: Chat) -> str:
        """Returns a new token for this chat. The token cannot be read again."""
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._by_digest[_digest(token)] = chat
        return token

    def find(self, token: str) -> Chat | None:
        """Returns the chat of this token, or None."""
        with self._lock:
            return self._by_digest.get(_digest(token))


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogatepass")).digest()
