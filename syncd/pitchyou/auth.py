"""Fetches the access token (A1), keeps it in memory and renews it early. Only one thread at a time renews it."""

import base64
import json
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Literal
from urllib.parse import quote_plus, urlencode

from syncd.deadline import Deadline
from syncd.errors import ApiRefused, AuthenticationFailed, BadAnswer
from syncd.pitchyou.http import Gathered, Http, Response
from syncd.pitchyou.retry import limited, require_success, with_retries

TokenAuth = Literal["post", "basic", "basic_raw"]

# In seconds. The default applies if the response does not contain a lifetime.
DEFAULT_LIFETIME = 300.0
WHOLE_EXCHANGE = 60.0
# For so long, a token that replaced a refused one is not replaced again for a single item.
YOUNG = 60.0
ATTEMPTS = 4
MAX_ANSWER = 64 * 1024


class TokenCache:
    """Holds the current access token of one client.

    Args:
        auth: where to send the credentials: `post` in the body; `basic` in a header, form-encoded as RFC 6749 §2.3.1
            says; `basic_raw` in a header as they are, for servers that do not decode them.
        token_format: how to encode the body.
        secret_again: called when the secret was refused. Returns the secret that is configured now, or None.
        clock: returns monotonic seconds.
    """

    def __init__(
        self,
        http: Http,
        client_id: str,
        client_secret: str,
        *,
        auth: TokenAuth = "post",
        token_format: Literal["form", "json"] = "form",
        secret_again: Callable[[], str | None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http, self._client_id, self._secret = http, client_id, client_secret
        self._auth, self._format, self._clock = auth, token_format, clock
        self._secret_again = secret_again
        self._lock = threading.Lock()
        self._token = ""
        self._renew_at = float("-inf")
        # The token that PitchYou has accepted last, and when. Read and written without the lock, which a renewal holds.
        self._accepted = "", float("-inf")
        # The newest token that was requested because PitchYou refused another one, and when.
        self._replacement = "", float("-inf")

    def current(self, deadline: Deadline) -> str:
        """Return a token that is not about to expire.

        Raises:
            AuthenticationFailed: the credentials were refused.
            ApiUnavailable: the token endpoint did not answer.
        """
        with self._lock:
            if self._clock() >= self._renew_at:
                self._renew(deadline)
            return self._token

    def replacement(self, refused: str, deadline: Deadline) -> str:
        """Return a token other than `refused`: one that another thread has fetched meanwhile, or a new one."""
        with self._lock:
            if self._token == refused:
                self._renew(deadline)
                self._replacement = self._token, self._clock()
            return self._token

    def now(self) -> float:
        """Return this moment, for `is_good`."""
        return self._clock()

    def note_accepted(self, token: str) -> None:
        """Take note that PitchYou has just accepted this token."""
        self._accepted = token, self._clock()

    def is_good(self, token: str, moment: float) -> bool:
        """Whether a 401 for a request sent at `moment` cannot mean that the token is stale.

        Either PitchYou has accepted the token since then, or the token has just replaced a refused one.
        """
        accepted, accepted_at = self._accepted
        replacement, replaced_at = self._replacement
        return (token == accepted and accepted_at > moment) or (
            token == replacement != accepted and moment - replaced_at < YOUNG
        )

    def _renew(self, deadline: Deadline) -> None:
        asked_at = self._clock()
        try:
            token, lifetime = self._retried_request(deadline)
        except AuthenticationFailed:
            secret = self._secret_again()
            if secret in (None, self._secret):
                raise
            # The secret was rotated. Its file has the new one.
            self._secret, asked_at = str(secret), self._clock()
            token, lifetime = self._retried_request(deadline)
        # Renew the token when 20 % of its lifetime is left, but at least 30 s early. Never renew it before half of its
        # lifetime has passed, so that not every call requests a new token.
        margin = min(max(0.2 * lifetime, 30.0), 0.5 * lifetime)
        self._token, self._renew_at = token, asked_at + lifetime - margin

    def _retried_request(self, deadline: Deadline) -> tuple[str, float]:
        return with_retries(
            lambda: self._request(deadline),
            attempts=ATTEMPTS,
            deadline=deadline,
            on_retry=self._http.count_retry,
        )

    def _request(self, deadline: Deadline) -> tuple[str, float]:
        fields = {"grant_type": "client_credentials"}
        headers = {"Accept": "application/json"}
        if self._auth != "post":
            encode = quote_plus if self._auth == "basic" else str
            pair = f"{encode(self._client_id)}:{encode(self._secret)}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        else:
            fields |= {"client_id": self._client_id, "client_secret": self._secret}
        if self._format == "json":
            headers["Content-Type"], content = "application/json", json.dumps(fields).encode()
        else:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            content = urlencode(fields).encode()
        body = Gathered(MAX_ANSWER)
        with limited(deadline, WHOLE_EXCHANGE, "the request for a token") as until:
            response = self._http.send(
                "POST", "/token", headers=headers, content=content, deadline=until, sink=body
            )
        self._require_accepted(response)
        return _read_token(body.received)

    def _require_accepted(self, response: Response) -> None:
        try:
            require_success(response, "the request for a token")
        except ApiRefused as error:
            # Neither says anything about the credentials.
            if error.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED or 300 <= (error.status or 0) < 400:
                raise
            raise AuthenticationFailed(
                f"PitchYou refuses to issue a token for client '{self._client_id}' (HTTP {error.status}). "
                f"Check client_id, client_secret, token_auth and token_format.{self._hint()}",
                status=error.status,
            ) from None

    def _hint(self) -> str:
        """Say what else to try if the secret has characters on whose encoding servers differ."""
        if self._auth == "post" or quote_plus(self._secret) == self._secret:
            return ""
        other = "basic_raw" if self._auth == "basic" else "basic"
        return f' The secret has characters that servers expect encoded or as they are: try token_auth = "{other}".'


def _read_token(body: bytes | bytearray) -> tuple[str, float]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise BadAnswer("PitchYou's response to the token request is not JSON") from None
    token = answer.get("access_token") if isinstance(answer, dict) else None
    if (
        not isinstance(token, str)
        or not token.isascii()
        or not token.isprintable()
        or " " in token
        or not token
    ):
        raise BadAnswer("PitchYou's response to the token request does not contain a usable access_token")
    return token, _lifetime(answer.get("expires_in"))


def _lifetime(value: object) -> float:
    try:
        lifetime = float(value) if isinstance(value, int | float | str) else DEFAULT_LIFETIME
    except (ValueError, OverflowError):
        return DEFAULT_LIFETIME
    return lifetime if 0 < lifetime < 10**8 else DEFAULT_LIFETIME
