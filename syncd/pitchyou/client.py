"""The PitchYou API for one client (A1, S2.1–S2.3), usable without the rest of syncd."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import quote
from zoneinfo import ZoneInfo

from syncd.deadline import Deadline
from syncd.errors import ApiUnavailable, AuthenticationFailed, BadAnswer
from syncd.model import BadProfile, FieldMap, Profile
from syncd.pitchyou.auth import TokenCache
from syncd.pitchyou.http import Http, Limits, Response
from syncd.pitchyou.payloads import read_profile
from syncd.pitchyou.retry import limited, require_success, with_retries
from syncd.pitchyou.spool import Spool, element_of, spool

T = TypeVar("T")

PROFILES = "/api/applicant/v1/profiles"
CONFIRM = "/api/applicant/v1/confirm"
MEDIA = "/api/media/v1/download"

LIST_ATTEMPTS = 4
CONFIRM_ATTEMPTS = 4
MEDIA_ATTEMPTS = 3  # what still fails then is tried again by a later cycle, from the database
SHORT_EXCHANGE = 60.0  # seconds for a whole confirm


class Listing:
    """One list answer (S2.1). Iterate it once; `len()` is the number of elements."""

    def __init__(self, elements: Spool, fields: FieldMap, timezone: ZoneInfo) -> None:
        self._elements, self._fields, self._timezone = elements, fields, timezone

    def __len__(self) -> int:
        return len(self._elements)

    def __iter__(self) -> Iterator[Profile | BadProfile]:
        """The profiles, last in the answer first; of several with one profileId the first given is the valid one."""
        for element in self._elements:
            yield read_profile(element, self._fields, self._timezone)


class PitchYou:
    """One client's view of PitchYou. Safe to share between threads; close it, or use it in a `with`.

    Args:
        client_id: the tenant, as PitchYou names it.
        base_url: the only origin that is ever contacted, so the only one that can see the token.
        token_auth, token_format, confirm_wrapper: readings of the API, see docs/configuration.md.
        fields: where profiles keep what the article does not name.
        timezone: of times without an offset.
        max_response_bytes: the longest list to accept.
    """

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        *,
        base_url: str = "https://api.pitchyou.de",
        token_auth: Literal["post", "basic"] = "post",
        token_format: Literal["form", "json"] = "form",
        confirm_wrapper: str | None = None,
        fields: FieldMap | None = None,
        timezone: str = "Europe/Berlin",
        max_response_bytes: int = 2 * 10**9,
        max_requests_per_second: float | None = None,
        connections: int = 18,
        ca_file: Path | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.client_id = client_id
        self._http = Http(
            base_url,
            pool_size=connections,
            ca_file=ca_file,
            requests_per_second=max_requests_per_second,
            limits=limits,
        )
        self._tokens = TokenCache(
            self._http, client_id, client_secret, auth=token_auth, token_format=token_format
        )
        self._wrapper = confirm_wrapper
        self._fields, self._timezone = fields or FieldMap(), ZoneInfo(timezone)
        self._max_response_bytes = max_response_bytes

    def __enter__(self) -> "PitchYou":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    @property
    def calls(self) -> int:
        """HTTP requests sent since this object was made."""
        return self._http.calls

    @property
    def retries(self) -> int:
        """Requests that had to be sent again since this object was made."""
        return self._http.retries

    def authenticate(self, deadline: Deadline | None = None) -> None:
        """Get a token now, if there is none that is still good (A1).

        Raises:
            AuthenticationFailed: the credentials were refused.
            ApiUnavailable: PitchYou did not answer.
        """
        self._tokens.current(deadline or Deadline())

    @contextmanager
    def profiles(self, deadline: Deadline | None = None) -> Iterator[Listing]:
        """Read the list of finished applications (S2.1), whole, before the first one is given.

        Raises:
            ApiUnavailable, ApiRefused, AuthenticationFailed: no answer, or a refusal.
            BadAnswer: the answer is truncated, too long or not a JSON array.
        """
        until = deadline or Deadline()
        with self._retried(lambda: self._spooled(until), LIST_ATTEMPTS, until) as elements:
            yield Listing(elements, self._fields, self._timezone)

    def _spooled(self, deadline: Deadline) -> Spool:
        with self._authorized("GET", PROFILES, deadline) as response:
            require_success(response, "the list of profiles")
            if response.content_type == "text/html":
                raise BadAnswer("the list of profiles is a web page: check base_url", status=response.status)
            return spool(
                response.chunks(),
                max_bytes=self._max_response_bytes,
                encoding=response.header("content-encoding"),
                length=response.content_length,
            )

    def read(self, payload: bytes) -> Profile | BadProfile:
        """Read one profile from its bytes, as the list does."""
        return read_profile(element_of(payload), self._fields, self._timezone)

    def media(
        self,
        profile_id: str,
        media_id: str,
        save: Callable[[Response], T],
        deadline: Deadline | None = None,
    ) -> T:
        """Download one media file (S2.2).

        The address is built from the two ids; a profile's `downloadUri` is never requested.

        Args:
            save: called with the answer to read its chunks; called anew for each attempt.

        Returns:
            What `save` returned.

        Raises:
            ApiRefused: 404 and 410 mean that PitchYou does not have it (now).
            ApiUnavailable: no whole answer after all attempts.
        """
        until = deadline or Deadline()
        path = f"{MEDIA}/{_segment(profile_id)}/{_segment(media_id)}"

        def attempt() -> T:
            with self._authorized("GET", path, until) as response:
                require_success(response, "a media file")
                if response.header("content-encoding").lower() not in ("", "identity"):
                    raise ApiUnavailable("a media file came compressed, which was not asked for")
                if response.content_type == "text/html":
                    raise ApiUnavailable("a web page came in place of a media file")
                return save(response)

        return self._retried(attempt, MEDIA_ATTEMPTS, until)

    def confirm(
        self, wire_ids: Sequence[str], deadline: Deadline | None = None, *, attempts: int = CONFIRM_ATTEMPTS
    ) -> None:
        """Acknowledge that profiles were taken over (S2.3). Safe to repeat.

        Args:
            wire_ids: profileIds as JSON text (`'"a1"'`, `'17'`), so that each keeps its own type.

        Raises:
            ApiRefused: PitchYou refused the whole array.
            ApiUnavailable: no clear answer; it may or may not have been applied.
        """
        body = f"[{','.join(wire_ids)}]"
        if self._wrapper:
            body = f"{{{json.dumps(self._wrapper)}:{body}}}"
        until = deadline or Deadline()

        def attempt() -> None:
            with (
                limited(until, SHORT_EXCHANGE, "a confirm") as soon,
                self._authorized("POST", CONFIRM, soon, content=body.encode()) as response,
            ):
                require_success(response, "a confirm")
                if response.content_type == "text/html":
                    raise ApiUnavailable("a web page came in answer to a confirm", status=response.status)

        self._retried(attempt, attempts, until)

    def _retried(self, work: Callable[[], T], attempts: int, deadline: Deadline) -> T:
        self._tokens.current(
            deadline
        )  # first, so that its own retries are not multiplied by those of the call
        return with_retries(work, attempts=attempts, deadline=deadline, on_retry=self._http.count_retry)

    @contextmanager
    def _authorized(
        self, method: str, path: str, deadline: Deadline, content: bytes | None = None
    ) -> Iterator[Response]:
        """Send with the token; on a 401 once more with a new one."""
        token = self._tokens.current(deadline)
        headers = {"Accept": "*/*"}
        if content is not None:
            headers["Content-Type"] = "application/json"
        for last in (False, True):
            headers["Authorization"] = f"Bearer {token}"
            with self._http.send(
                method, path, headers=headers, content=content, deadline=deadline
            ) as response:
                if response.status != 401:
                    yield response
                    return
            if not last:
                token = self._tokens.replacement(token, deadline)
        raise AuthenticationFailed(
            f"PitchYou refuses a token it has just given to client '{self.client_id}' (HTTP 401): "
            "ask PitchYou whether the client may use the API",
            status=401,
        )


def _segment(value: str) -> str:
    """One path segment; a dot alone would be taken as a step in the path, so it is encoded as well."""
    return quote(value, safe="") if value.strip(".") else value.replace(".", "%2E")
