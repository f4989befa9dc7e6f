"""Calls the PitchYou API for one client (A1, S1.1, S2.1–S2.3, S3.1). It works without the rest of syncd."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from syncd.deadline import Deadline
from syncd.model import BadProfile, FieldMap, Profile
from syncd.pitchyou.answers import (
    MAX_CONFIRM_ANSWER,
    Peeked,
    require_confirmed,
    require_file,
    require_token,
)
from syncd.pitchyou.arguments import confirm_body, path_segment, require_valid
from syncd.pitchyou.auth import TokenAuth, TokenCache
from syncd.pitchyou.chat import MAX_ANSWER as MAX_TOKEN_ANSWER
from syncd.pitchyou.chat import ChatFormat, chat_request, read_chat_token
from syncd.pitchyou.http import Gathered, Http, Limits, Proxy, Sink, server_of
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
# After these attempts, a later cycle reads the file from the database and retries it.
MEDIA_ATTEMPTS = 3
# In seconds, for a complete confirm, list of templates or chat token request.
SHORT_EXCHANGE = 60.0


class PitchYou:
    """Calls PitchYou for one client. Safe to share between threads. Close it, or use it in a `with`.

    Args:
        client_id: PitchYou's name for the tenant.
        base_url: the only origin that is ever contacted, so that no other origin can see the token.
        token_auth, token_format, confirm_wrapper, chat_format: readings of the API, see docs/configuration.md.
        preferred_language: the language of the templates' descriptions, if there are several.
        fields: where profiles keep the values that the article does not name.
        timezone: applies to times without an offset.
        max_response_bytes: the longest list to accept.
        proxy: the proxy between syncd and PitchYou, if any. Proxies of the environment are not used.
        secret_again: called when PitchYou refuses the secret. If it returns another secret, that one is tried once.

    Raises:
        BadInput: the client_id, the secret or the base_url is not valid, by the rules of docs/configuration.md.
    """

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        *,
        base_url: str = "https://api.pitchyou.de",
        token_auth: TokenAuth = "post",
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
        secret_again: Callable[[], str | None] = lambda: None,
    ) -> None:
        require_valid(client_id, client_secret, base_url)
        self.client_id, self.server = client_id, server_of(base_url)
        self._http = Http(
            base_url,
            pool_size=connections,
            ca_file=ca_file,
            proxy=proxy,
            requests_per_second=max_requests_per_second,
            limits=limits,
        )
        self._tokens = TokenCache(
            self._http,
            client_id,
            client_secret,
            auth=token_auth,
            token_format=token_format,
            secret_again=secret_again,
        )
        self._session = Session(client_id, self._http, self._tokens)
        self._wrapper, self._chat_format = confirm_wrapper, chat_format
        self._language = preferred_language
        self.fields, self._timezone = fields or FieldMap(), ZoneInfo(timezone)
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
        """The number of HTTP requests since this object was created."""
        return self._http.calls

    @property
    def retries(self) -> int:
        """The number of retries since this object was created."""
        return self.retries_by_reason.total()

    @property
    def retries_by_reason(self) -> Counter[str]:
        """The number of retries since this object was created, by a reason of `failures.RETRY_REASONS`."""
        return self._http.retries_by_reason

    def authenticate(self, deadline: Deadline | None = None) -> None:
        """Get a token now, unless there is a valid one (A1).

        Raises:
            AuthenticationFailed: PitchYou refused the credentials.
            ApiUnavailable: PitchYou did not respond.
        """
        self._tokens.current(deadline or Deadline())

    @contextmanager
    def profiles(
        self, deadline: Deadline | None = None, *, before_send: Callable[[], object] = lambda: None
    ) -> Iterator[Listing]:
        """Read the complete list of finished applications (S2.1) before yielding it.

        Args:
            before_send: called right before each attempt. An exception from it ends the call, and nothing is sent.

        Raises:
            ApiUnavailable, ApiRefused, AuthenticationFailed: no response, or a refusal.
            BadAnswer: the response is truncated, too long or not a JSON array.
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
            yield Listing(elements, self.fields, self._timezone)

    def read(self, payload: bytes) -> Profile | BadProfile:
        """Parse one profile from its bytes, as the list does."""
        return read_profile(element_of(payload), self.fields, self._timezone)

    def media(
        self,
        profile_id: str,
        media_id: str,
        sink: Sink,
        deadline: Deadline | None = None,
        *,
        check: Callable[[], object] = lambda: None,
    ) -> None:
        """Download one media file (S2.2).

        The two ids determine the address. A profile's `downloadUri` is never requested.

        Args:
            sink: takes the file. Its `begin` is called for each attempt. Exceptions from the sink are not retried.
            check: called when the sink has the complete body. If it raises `ApiUnavailable`, the download is retried.

        Raises:
            ApiRefused: 404 and 410 mean that PitchYou does not have it (now).
            ApiUnavailable: no complete response after all attempts.
        """
        until = deadline or Deadline()
        path = f"{MEDIA}/{path_segment(profile_id)}/{path_segment(media_id)}"

        peeked = Peeked(sink)

        def attempt() -> None:
            response = self._session.authorized(
                "GET", path, until, accept=require_file, sink=peeked, one_item=True
            )
            require_success(response, "a media file")
            peeked.require_no_page(response)
            check()

        self._session.retried(attempt, MEDIA_ATTEMPTS, until)

    def confirm(
        self,
        wire_ids: Sequence[str],
        deadline: Deadline | None = None,
        *,
        attempts: int = CONFIRM_ATTEMPTS,
        before_send: Callable[[], object] = lambda: None,
    ) -> None:
        """Confirm that profiles were imported (S2.3). Safe to repeat.

        Args:
            wire_ids: profileIds as JSON text (`'"a1"'`, `'17'`), so that each keeps its type.
            before_send: called right before each attempt. An exception from it ends the call, and nothing is sent.

        Raises:
            BadInput: `wire_ids` is one text instead of a sequence, or one of them is not JSON text. Nothing was sent.
            ApiRefused: PitchYou refused the whole array, or one of its ids in the body of a 200.
            ApiUnavailable: no clear response. PitchYou may or may not have applied the confirm.
        """
        body = confirm_body(wire_ids, self._wrapper)
        until = deadline or Deadline()

        def attempt() -> None:
            answer = Gathered(MAX_CONFIRM_ANSWER)
            with limited(until, SHORT_EXCHANGE, "a confirm") as soon:
                response = self._session.authorized(
                    "POST",
                    CONFIRM,
                    soon,
                    body,
                    before_send=before_send,
                    sink=answer,
                    one_item=True,
                )
            require_success(response, "a confirm")
            require_confirmed(bytes(answer.received), response.content_type)

        self._session.retried(attempt, attempts, until)

    def templates(self, deadline: Deadline | None = None) -> TemplateList:
        """Read the interview templates that PitchYou offers (S1.1).

        Raises:
            ApiUnavailable, ApiRefused, AuthenticationFailed: no response, or a refusal.
            BadAnswer: the response is truncated, too long or not a JSON array.
        """
        until = deadline or Deadline()

        def attempt() -> TemplateList:
            what = "the list of templates"
            with (
                limited(until, SHORT_EXCHANGE, what) as soon,
                self._session.array(
                    TEMPLATES, what, soon, MAX_TEMPLATES_ANSWER, "what syncd takes"
                ) as elements,
            ):
                return read_templates(elements, self._language, elements.more)

        return self._session.retried(attempt, LIST_ATTEMPTS, until)

    def chat_token(
        self, wire_id: str, recruiter_name: str | None = None, deadline: Deadline | None = None
    ) -> str:
        """Request a new token, which opens one chat with one applicant (S3.1, S3.3). `chat_url` turns it into an address.

        Args:
            wire_id: the profileId as JSON text, as in `confirm`.
            recruiter_name: the sender that the applicant sees.

        Raises:
            BadInput: `wire_id` is not JSON text, or the name cannot be shown.
            ApiRefused: PitchYou refuses a chat with this applicant, for example with 404 for an unknown id.
            ApiUnavailable: no clear response.
            BadAnswer: the response cannot be part of an address.
        """
        content, content_type = chat_request(wire_id, recruiter_name, self._chat_format)
        until = deadline or Deadline()

        def attempt() -> str:
            what, token = "the request for a chat token", Gathered(MAX_TOKEN_ANSWER)
            with limited(until, SHORT_EXCHANGE, what) as soon:
                response = self._session.authorized(
                    "POST",
                    CHAT_TOKEN,
                    soon,
                    content,
                    content_type,
                    accept=require_token,
                    sink=token,
                    one_item=True,
                )
            require_success(response, what)
            return read_chat_token(bytes(token.received))

        return self._session.retried(attempt, CHAT_ATTEMPTS, until)
