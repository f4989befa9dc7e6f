"""The PitchYou API for one client (A1, S1.1, S2.1–S2.3, S3.1), usable without the rest of syncd."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo

from syncd.deadline import Deadline
from syncd.errors import ApiUnavailable, BadAnswer
from syncd.model import BadProfile, FieldMap, Profile
from syncd.pitchyou.auth import TokenCache
from syncd.pitchyou.chat import MAX_ANSWER as MAX_TOKEN_ANSWER
from syncd.pitchyou.chat import ChatFormat, chat_request, read_chat_token
from syncd.pitchyou.failures import web_page
from syncd.pitchyou.http import Gathered, Http, Limits, Proxy, Response, Sink
from syncd.pitchyou.listing import Listing
from syncd.pitchyou.payloads import read_profile
from syncd.pitchyou.retry import limited, require_success
from syncd.pitchyou.session import Session
from syncd.pitchyou.spool import element_of
from syncd.pitchyou.templates import MAX_ANSWER as MAX_TEMPLATES_ANSWER
from syncd.pitchyou.templates import TemplateList, read_templates

PROFILES = "/api/applicant/v1/profiles"
CONFIRM = "/api/applicant/v1/confirm"
MEDIA = "/api/media/v1/download"
TEMPLATES = "/api/jobtemplates/v1/gettemplates"
CHAT_TOKEN = "/api/chattoken/v1"

LIST_ATTEMPTS = 4
CONFIRM_ATTEMPTS = 4
CHAT_ATTEMPTS = 3
MEDIA_ATTEMPTS = 3  # what still fails then is tried again by a later cycle, from the database
SHORT_EXCHANGE = 60.0  # seconds for a whole confirm, list of templates or request for a chat token


class PitchYou:
    """One client's view of PitchYou. Safe to share between threads; close it, or use it in a `with`.

    Args:
        client_id: the tenant, as PitchYou names it.
        base_url: the only origin that is ever contacted, so the only one that can see the token.
        token_auth, token_format, confirm_wrapper, chat_format: readings of the API, see docs/configuration.md.
        preferred_language: of the templates' descriptions, where there is a choice.
        fields: where profiles keep what the article does not name.
        timezone: of times without an offset.
        max_response_bytes: the longest list to accept.
        proxy: the way to PitchYou, if there is no direct one; proxies of the environment are not used.
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
        chat_format: ChatFormat = "json",
        preferred_language: str = "de",
        fields: FieldMap | None = None,
        timezone: str = "Europe/Berlin",
        max_response_bytes: int = 2 * 10**9,
        max_requests_per_second: float | None = None,
        connections: int = 18,
        ca_file: Path | None = None,
        proxy: Proxy | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.client_id = client_id
        self._http = Http(
            base_url,
            pool_size=connections,
            ca_file=ca_file,
            proxy=proxy,
            requests_per_second=max_requests_per_second,
            limits=limits,
        )
        self._tokens = TokenCache(
            self._http, client_id, client_secret, auth=token_auth, token_format=token_format
        )
        self._session = Session(client_id, self._http, self._tokens)
        self._wrapper, self._chat_format = confirm_wrapper, chat_format
        self._language = preferred_language
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
    def profiles(
        self, deadline: Deadline | None = None, *, before_send: Callable[[], object] = lambda: None
    ) -> Iterator[Listing]:
        """Read the list of finished applications (S2.1), whole, before the first one is given.

        Args:
            before_send: called right before each try; what it raises ends the call, and nothing is sent.

        Raises:
            ApiUnavailable, ApiRefused, AuthenticationFailed: no answer, or a refusal.
            BadAnswer: the answer is truncated, too long or not a JSON array.
        """
        until = deadline or Deadline()
        read = partial(
            self._session.array,
            PROFILES,
            "the list of profiles",
            until,
            self._max_response_bytes,
            "sync.max_response_bytes",
            before_send,
        )
        with self._session.retried(read, LIST_ATTEMPTS, until) as elements:
            yield Listing(elements, self._fields, self._timezone)

    def read(self, payload: bytes) -> Profile | BadProfile:
        """Read one profile from its bytes, as the list does."""
        return read_profile(element_of(payload), self._fields, self._timezone)

    def media(
        self,
        profile_id: str,
        media_id: str,
        sink: Sink,
        deadline: Deadline | None = None,
    ) -> None:
        """Download one media file (S2.2).

        The address is built from the two ids; a profile's `downloadUri` is never requested.

        Args:
            sink: takes the file. Its `begin` is called for each attempt; what it raises is not retried.

        Raises:
            ApiRefused: 404 and 410 mean that PitchYou does not have it (now).
            ApiUnavailable: no complete response after all attempts.
        """
        until = deadline or Deadline()
        path = f"{MEDIA}/{_segment(profile_id)}/{_segment(media_id)}"

        def attempt() -> None:
            response = self._session.authorized("GET", path, until, accept=_require_file, sink=sink)
            require_success(response, "a media file")

        self._session.retried(attempt, MEDIA_ATTEMPTS, until)

    def confirm(
        self,
        wire_ids: Sequence[str],
        deadline: Deadline | None = None,
        *,
        attempts: int = CONFIRM_ATTEMPTS,
        before_send: Callable[[], object] = lambda: None,
    ) -> None:
        """Acknowledge that profiles were taken over (S2.3). Safe to repeat.

        Args:
            wire_ids: profileIds as JSON text (`'"a1"'`, `'17'`), so that each keeps its own type.
            before_send: called right before each try; what it raises ends the call, and nothing is sent.

        Raises:
            ApiRefused: PitchYou refused the whole array.
            ApiUnavailable: no clear answer; it may or may not have been applied.
        """
        body = f"[{','.join(wire_ids)}]"
        if self._wrapper:
            body = f"{{{json.dumps(self._wrapper)}:{body}}}"
        until = deadline or Deadline()

        def attempt() -> None:
            with limited(until, SHORT_EXCHANGE, "a confirm") as soon:
                response = self._session.authorized(
                    "POST", CONFIRM, soon, body.encode(), before_send=before_send, accept=_require_no_page
                )
            require_success(response, "a confirm")

        self._session.retried(attempt, attempts, until)

    def templates(self, deadline: Deadline | None = None) -> TemplateList:
        """Read the interview templates that PitchYou offers (S1.1).

        Raises:
            ApiUnavailable, ApiRefused, AuthenticationFailed: no answer, or a refusal.
            BadAnswer: the answer is truncated, too long or not a JSON array.
        """
        until = deadline or Deadline()

        def attempt() -> TemplateList:
            what = "the list of templates"
            with (
                limited(until, SHORT_EXCHANGE, what) as soon,
                self._session.array(TEMPLATES, what, soon, MAX_TEMPLATES_ANSWER, "syncd takes") as elements,
            ):
                return read_templates(elements, self._language)

        return self._session.retried(attempt, LIST_ATTEMPTS, until)

    def chat_token(
        self, wire_id: str, recruiter_name: str | None = None, deadline: Deadline | None = None
    ) -> str:
        """Ask for a new token, which opens one chat with one applicant (S3.1, S3.3). `chat_url` makes it an address.

        Args:
            wire_id: the profileId as JSON text, as in `confirm`.
            recruiter_name: whom the applicant sees as the sender.

        Raises:
            BadInput: `wire_id` is no JSON text, or the name cannot be shown.
            ApiRefused: PitchYou opens no chat with this applicant, such as 404 for an id it does not know.
            ApiUnavailable: no clear answer.
            BadAnswer: the answer is nothing that may become part of an address.
        """
        content, content_type = chat_request(wire_id, recruiter_name, self._chat_format)
        until = deadline or Deadline()

        def attempt() -> str:
            what, token = "the request for a chat token", Gathered(MAX_TOKEN_ANSWER)
            with limited(until, SHORT_EXCHANGE, what) as soon:
                response = self._session.authorized(
                    "POST", CHAT_TOKEN, soon, content, content_type, accept=_require_token, sink=token
                )
            require_success(response, what)
            return read_chat_token(bytes(token.received))

        return self._session.retried(attempt, CHAT_ATTEMPTS, until)


def _require_file(response: Response) -> None:
    if response.status != HTTPStatus.OK:  # 202, say: not ready yet
        raise ApiUnavailable(
            f"PitchYou answered with HTTP {response.status} instead of a media file", status=response.status
        )
    if response.content_type == "text/html":
        raise web_page("a media file", response.status)


def _require_no_page(response: Response) -> None:
    if response.content_type == "text/html":
        raise web_page("the answer to a confirm", response.status)


def _require_token(response: Response) -> None:
    if response.content_type == "text/html":
        raise BadAnswer("PitchYou sent a web page instead of a chat token; check base_url")


def _segment(value: str) -> str:
    """One path segment; a dot alone would be taken as a step in the path, so it is encoded as well."""
    return quote(value, safe="") if value.strip(".") else value.replace(".", "%2E")
