"""Decides whether a 2xx response is the answer that was asked for. Its bytes decide, not its Content-Type."""

import json
import re
from http import HTTPStatus

from syncd.errors import ApiRefused, ApiUnavailable, BadAnswer
from syncd.markup import HTML, JSON, XML, text_type
from syncd.model import Json
from syncd.pitchyou.failures import web_page
from syncd.pitchyou.http import Response, Sink

MAX_CONFIRM_ANSWER = 4 * 1024 * 1024
_START = 4096
# Deeper inside, an answer may repeat what an applicant wrote.
_DEPTH = 4

_CONTROLS = re.compile(rb"[\0-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_XML_ERROR = re.compile(
    rb"<(?:\w+:)?(?:error|fault|exception)|<(?:\w+:)?(?:is)?success>\s*(?:false|0)\s*<", re.IGNORECASE
)
# Keys, in lower case and with letters only, of which a value other than "nothing" means a refusal.
_REFUSING = re.compile(
    r"errors?$|error(?:code|message|description)|exception|fail|reject|refus|invalid|denied"
    r"|(?:not|un)(?:found|confirmed|processed|accepted)|(?:missing|unknown|skipped|ignored)(?:(?:profile)?ids?|profiles)?$"
)
_NOTHING = ("", "0", "false", "none", "null", "no", "ok", "success")
_SUCCESS = frozenset(
    {
        "success",
        "succeeded",
        "successful",
        "issuccess",
        "issuccessful",
        "ok",
        "accepted",
        "confirmed",
        "acknowledged",
    }
)
# The others may count the ids that were not confirmed before.
_FLAGS = frozenset({"success", "issuccess", "issuccessful", "ok"})
_STATUS = frozenset({"status", "state", "result", "outcome", "code", "statuscode"})
_BAD_STATUS = re.compile(
    r"error|fail|reject|refus|invalid|denied|exception|abort|nok|ko$|forbidden"
    r"|(?:not|un)(?:ok|found|confirmed|authori|allowed|accepted|process)"
)


def require_file(response: Response) -> None:
    """Raise `ApiUnavailable` unless the status says that the body is a file."""
    # For example, 202 means that the file is not ready yet.
    if response.status != HTTPStatus.OK:
        raise ApiUnavailable(
            f"PitchYou answered with HTTP {response.status} instead of a media file", status=response.status
        )


def require_token(response: Response) -> None:
    """Raise `BadAnswer` for a web page in place of a chat token."""
    if response.content_type == HTML:
        raise BadAnswer("PitchYou sent a web page instead of a chat token. Check base_url.")


class Peeked:
    """A sink that hands everything on, and keeps the first bytes."""

    def __init__(self, sink: Sink) -> None:
        self._sink, self._start = sink, b""

    def begin(self, length: int | None) -> None:
        """Start a body, see `Sink`."""
        self._start = b""
        self._sink.begin(length)

    def write(self, data: bytes) -> None:
        """Hand on the next bytes."""
        if len(self._start) < _START:
            self._start += data[:_START]
        self._sink.write(data)

    def require_no_page(self, response: Response) -> None:
        """Raise `ApiUnavailable` for a text that the server calls a web page. Some servers call every file so."""
        if response.content_type == HTML and (not self._start or text_type(self._start)):
            raise web_page("a media file", response.status)


def require_confirmed(body: bytes, content_type: str) -> None:
    """Check the body of a 2xx response to a confirm. An empty body confirms, and so does one that says nothing against it.

    Raises:
        ApiUnavailable: a web page, or bytes that are not text. It is not clear who answered.
        ApiRefused: the body refuses the confirm, or one of its ids.
    """
    if not body.strip():
        return
    if _CONTROLS.search(body):
        raise ApiUnavailable("PitchYou's response to a confirm is neither JSON nor text", kind="unclear")
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        kind = text_type(body[:_START])
        if kind == HTML or content_type == HTML:
            raise web_page("the response to a confirm", HTTPStatus.OK) from None
        if kind == JSON:
            raise ApiUnavailable(
                "PitchYou's response to a confirm is not valid JSON", kind="unclear"
            ) from None
        refused = kind == XML and bool(_XML_ERROR.search(body[:_START]))
    else:
        refused = answer is False or _refuses(answer, _DEPTH)
    if refused:
        raise ApiRefused("PitchYou answered a confirm with HTTP 200, but its body refuses the confirm")


def _refuses(answer: Json, depth: int) -> bool:
    """Whether JSON says that something went wrong: `success: false`, an error, or a status of one."""
    if depth == 0:
        return False
    if isinstance(answer, list):
        return any(_refuses(each, depth - 1) for each in answer)
    if not isinstance(answer, dict):
        return False
    return any(_says_no(key, value) or _refuses(value, depth - 1) for key, value in answer.items())


def _says_no(key: str, value: Json) -> bool:
    name = re.sub("[^a-z]", "", key.lower())
    if name in _SUCCESS:
        return value is False or str(value).lower() in (
            ("false", "no", "n", "0") if name in _FLAGS else ("false", "no")
        )
    if name in _STATUS:
        if isinstance(value, str) and not value.isdecimal():
            return bool(_BAD_STATUS.match(re.sub("[^a-z]", "", value.lower())))
        return str(value).isdecimal() and 400 <= int(str(value)[:9]) < 600
    return bool(_REFUSING.match(name)) and bool(value) and str(value).strip().lower() not in _NOTHING
