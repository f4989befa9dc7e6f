"""Sends requests with the access token. Repeats a request with a new token after a 401. Retries transient failures."""

import io
from collections.abc import Callable
from http import HTTPStatus
from typing import TypeVar

from syncd.deadline import Deadline
from syncd.errors import ApiUnavailable, AuthenticationFailed, BadAnswer
from syncd.pitchyou.auth import TokenCache
from syncd.pitchyou.http import Http, Response, Sink
from syncd.pitchyou.paging import more_than
from syncd.pitchyou.retry import require_success, with_retries
from syncd.pitchyou.spool import Intake, Spool

T = TypeVar("T")

JSON_TYPE = "application/json"


class Session:
    """Sends the authorized requests of one client. Safe to share between threads."""

    def __init__(self, client_id: str, http: Http, tokens: TokenCache) -> None:
        self._client_id, self._http, self._tokens = client_id, http, tokens

    def retried(self, work: Callable[[], T], attempts: int, deadline: Deadline) -> T:
        """Call `work` until it does not raise `ApiUnavailable`, at most `attempts` times."""
        # Get the token first, so that its retries do not multiply with those of the call.
        self._tokens.current(deadline)
        return with_retries(work, attempts=attempts, deadline=deadline, on_retry=self._http.count_retry)

    def authorized(
        self,
        method: str,
        path: str,
        deadline: Deadline,
        content: bytes | None = None,
        content_type: str = JSON_TYPE,
        *,
        before_send: Callable[[], object] = lambda: None,
        accept: Callable[[Response], object] = lambda response: None,
        sink: Sink | None = None,
        one_item: bool = False,
    ) -> Response:
        """Send a request with the token. After a 401, send it once more with a new token. See `Http.send`.

        Args:
            one_item: the request is for one of many items, so a 401 that persists may concern this item alone. Return
                it like any other response. Request no new token if the present one is good, see `TokenCache.is_good`.

        Raises:
            AuthenticationFailed: a new token was refused as well.
        """
        token = self._tokens.current(deadline)
        headers = {"Accept": "*/*"}
        if content is not None:
            headers["Content-Type"] = content_type
        for last in (False, True):
            headers["Authorization"] = f"Bearer {token}"
            sent_at = self._tokens.now()
            response = self._http.send(
                method,
                path,
                headers=headers,
                content=content,
                deadline=deadline,
                before_send=before_send,
                accept=accept,
                sink=sink,
            )
            if response.status != HTTPStatus.UNAUTHORIZED:
                if response.status < HTTPStatus.BAD_REQUEST:
                    self._tokens.note_accepted(token)
                return response
            if one_item and (last or self._tokens.is_good(token, sent_at)):
                return response
            if not last:
                token = self._tokens.replacement(token, deadline)
        raise AuthenticationFailed(
            f"PitchYou refuses a token that it has just issued to client '{self._client_id}' (HTTP 401). "
            "Ask PitchYou whether the client may use the API.",
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
        """Read a response that must be one JSON array. Read it to its end before returning its elements.

        204 says that there is no content, so it counts as an empty array.

        Raises:
            BadAnswer: the response is truncated, too long or not a JSON array.
        """
        intake = Intake(max_bytes=max_bytes, limit=limit)
        try:
            response = self.authorized(
                "GET", path, deadline, before_send=before_send, accept=_refuse_web_page, sink=intake
            )
            require_success(response, what)
            if response.status == HTTPStatus.NO_CONTENT:
                return Spool(io.BytesIO(b"[]"))
            spool = intake.spool(deadline.check)
            spool.more = more_than(response, len(spool))
            return spool
        except BadAnswer as error:
            raise BadAnswer(f"{what} cannot be used: {error}", status=error.status) from None
        except ApiUnavailable as error:
            if error.kind != "compressed":
                raise
            # Another try would bring the same compression.
            raise BadAnswer(f"{what} cannot be used within {limit}: {error}") from None
        finally:
            intake.close()


def _refuse_web_page(response: Response) -> None:
    # Some frameworks name a content type even if there is no content.
    if response.content_type == "text/html" and response.status != HTTPStatus.NO_CONTENT:
        raise BadAnswer("it is a web page. Check base_url.", status=response.status)
