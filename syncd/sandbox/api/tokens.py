"""Issues access tokens for POST /token (contract A1), and checks them."""

import base64
import binascii
import json
import secrets
import threading
import time
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote_plus

from syncd.sandbox.api.replies import Reply, error_reply, json_reply
from syncd.sandbox.config import SandboxConfig
from syncd.sandbox.ledger import Ledger


class Tokens:
    """The issued tokens. Safe to share between threads."""

    def __init__(self, config: SandboxConfig, ledger: Ledger) -> None:
        self._config, self._ledger = config, ledger
        self._secrets = {tenant.client_id: tenant.client_secret for tenant in config.all_tenants}
        self._lock = threading.Lock()
        self._tokens: dict[str, tuple[str, float]] = {}

    def client_of(self, authorization: str | None) -> str | None:
        """Returns the client of the unexpired token in this header, or None."""
        scheme, _, token = (authorization or "").partition(" ")
        with self._lock:
            client, expires_at = self._tokens.get(token.strip(), (None, 0.0))
        return client if scheme.lower() == "bearer" and time.monotonic() < expires_at else None

    def revoke(self) -> None:
        """Revokes every token, as a restart of PitchYou might."""
        with self._lock:
            self._tokens.clear()

    def rotate(self, client_id: str, secret: str) -> None:
        """Gives a client another secret, and revokes every token."""
        self._secrets[client_id] = secret
        self.revoke()

    def answer(self, headers: Mapping[str, str], body: bytes) -> Reply:
        """Answers a token request and records it."""
        client, reply = self._judge(headers, body)
        self._ledger.add_token_request(client, reply.status)
        return reply

    def _judge(self, headers: Mapping[str, str], body: bytes) -> tuple[str | None, Reply]:
        form = read_body(headers, body, self._config.token_format)
        if form is None:
            return None, error_reply(400, f"the token request must have a {self._config.token_format} body")
        if form.get("grant_type") != "client_credentials":
            return None, error_reply(400, "grant_type must be client_credentials")
        if self._config.token_auth == "basic":
            client, secret = _basic(headers.get("Authorization"))
        else:
            client, secret = form.get("client_id"), form.get("client_secret")
        known = self._secrets.get(client or "")
        if known is None or not secrets.compare_digest(known.encode(), (secret or "").encode()):
            how = {"WWW-Authenticate": "Basic"} if self._config.token_auth == "basic" else {}
            return client, error_reply(
                401, f"no such client; credentials go in {self._config.token_auth}", how
            )
        return client, self._grant(client or "")

    def _grant(self, client: str) -> Reply:
        token = secrets.token_urlsafe(32)
        lifetime = self._config.token_lifetime
        with self._lock:
            self._tokens[token] = (client, time.monotonic() + (10**9 if lifetime is None else lifetime))
        answer: dict[str, object] = {"access_token": token, "token_type": "Bearer"}
        if lifetime is not None:
            answer["expires_in"] = str(lifetime) if self._config.expires_in_string else lifetime
        return json_reply(answer, headers={"Cache-Control": "no-store"})


def read_body(headers: Mapping[str, str], body: bytes, kind: str) -> dict[str, str] | None:
    """Returns the fields of a form or JSON object, or None if the body is not of this `kind`."""
    content_type = (headers.get("Content-Type") or "").partition(";")[0].strip().lower()
    try:
        if kind == "form" and content_type == "application/x-www-form-urlencoded":
            return dict(parse_qsl(body.decode()))
        if kind == "json" and content_type == "application/json":
            parsed = json.loads(body)
            if isinstance(parsed, dict):
                given = {key: value for key, value in parsed.items() if value is not None}
                return {key: value if isinstance(value, str) else str(value) for key, value in given.items()}
    except (ValueError, RecursionError):
        pass
    return None


def _basic(authorization: str | None) -> tuple[str | None, str | None]:
    scheme, _, packed = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None, None
    try:
        client, _, secret = base64.b64decode(packed, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None, None
    return unquote_plus(client), unquote_plus(secret)
