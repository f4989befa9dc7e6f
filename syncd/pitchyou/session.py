"""Requests that carry the access token: sent once more with a new one after a 401, tried again where that may help."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from syncd.deadline import Deadline
from syncd.errors import AuthenticationFailed, BadAnswer
from syncd.pitchyou.auth import TokenCache
from syncd.pitchyou.http import Http, Response
from syncd.pitchyou.retry import require_success, with_retries
from syncd.pitchyou.spool import Spool, spool

T = TypeVar("T")

JSON_TYPE = "application/json"


class Session:
    """One client's authorized exchanges with PitchYou. Safe to share between threads."""

    def __init__(self, client_id: str, http: Http, tokens: TokenCache) -> None:
        self._client_id, self._http, self._tokens = client_id, http, tokens

    def retried(self, work: Callable[[], T], attempts: int, deadline: Deadline) -> T:
        """Call `work` until it does not raise `ApiUnavailable`, at most `attempts` times."""
        # The token first, so that its own retries are not multiplied by those of the call.
        self._tokens.current(deadline)
        return with_retries(work, attempts=attempts, deadline=deadline, on_retry=self._http.count_retry)

    @contextmanager
    def authorized(
        self,
        method: str,
        path: str,
        deadline: Deadline,
        content: bytes | None = None,
        content_type: str = JSON_TYPE,
        before_send: Callable[[], object] = lambda: None,
    ) -> Iterator[Response]:
        """Send with the token; on a 401 once more with a new one. `before_send` is called before each."""
        token = self._tokens.current(deadline)
        headers = {"Accept": "*/*"}
        if content is not None:
            headers["Content-Type"] = content_type
        for last in (False, True):
            headers["Authorization"] = f"Bearer {token}"
            with self._http.send(
                method,
                path,
                headers=headers,
                content=content,
                deadline=deadline,
                before_send=before_send,
            ) as response:
                if response.status != 401:
                    yield response
                    return
            if not last:
                token = self._tokens.replacement(token, deadline)
        raise AuthenticationFailed(
            f"PitchYou refuses a token it has just given to client '{self._client_id}' (HTTP 401): "
            "ask PitchYou whether the client may use the API",
            status=401,
        )

    def array(
        self,
        path: str,
        what: str,
        deadline: Deadline,
        max_bytes: int,
        limit: str,
        before_send: Callable[[], object] = lambda: None,
    ) -> Spool:
        """Read an answer that must be one JSON array, whole, before its first element is given.

        Raises:
            BadAnswer: it is truncated, too long or not a JSON array.
        """
        with self.authorized("GET", path, deadline, before_send=before_send) as response:
            require_success(response, what)
            if response.content_type == "text/html":
                raise BadAnswer(f"{what} is a web page: check base_url", status=response.status)
            try:
                return spool(
                    response.chunks(),
                    max_bytes=max_bytes,
                    limit=limit,
                    encoding=response.header("content-encoding"),
                    length=response.content_length,
                )
            except BadAnswer as error:
                raise BadAnswer(f"{what} is not what it should be: {error}", status=response.status) from None
