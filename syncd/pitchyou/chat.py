"""Requests and checks the chat token (S3.1), and builds the address of the chat from it (S3.2)."""

import json
import re
from typing import Literal
from urllib.parse import urlencode

from syncd.errors import BadAnswer, BadInput

PITCHYOU_CHAT_URL = "https://chat.pitchyou.de"
MAX_ANSWER = 16 * 1024
MAX_TOKEN = 2048
# In characters, for a recruiter's name.
MAX_NAME = 100

# Matches one path segment without a special meaning: no slash, scheme, blank, query, escape or dot segment. A response of
# null, true or false contains no token.
_TOKEN = re.compile(rf"(?!\.+\Z|null\Z|true\Z|false\Z)[A-Za-z0-9._~+=-]{{4,{MAX_TOKEN}}}")

ChatFormat = Literal["json", "form"]


def chat_request(wire_id: str, recruiter_name: str | None, chat_format: ChatFormat) -> tuple[bytes, str]:
    """Return the body of the token request, and its media type.

    Args:
        wire_id: the profileId as JSON text, so that it keeps its type.

    Raises:
        BadInput: `wire_id` is not JSON text, or the name cannot be shown.
    """
    name = checked_name(recruiter_name)
    fields = {"profileId": checked_wire_id(wire_id)} | ({"recruiterName": name} if name else {})
    if chat_format == "form":
        return urlencode(fields).encode(), "application/x-www-form-urlencoded"
    return json.dumps(fields).encode(), "application/json"


def checked_wire_id(wire_id: str) -> str | int:
    """Return the profileId that this JSON text holds. Raises BadInput if it is not the text of a string or an integer."""
    try:
        profile_id = json.loads(wire_id) if isinstance(wire_id, str) else None
    except (ValueError, RecursionError):
        profile_id = None
    if isinstance(profile_id, bool) or not isinstance(profile_id, str | int) or profile_id == "":
        raise BadInput("wire_id is not the profileId as JSON text, such as '\"a1\"' or '17'")
    return profile_id


def checked_name(name: str | None) -> str | None:
    """Return the recruiter's name without surrounding blanks, or None if it is missing.

    Raises:
        BadInput: the name is too long, or contains unprintable characters (line breaks, marks of the writing direction).
    """
    name = (name or "").strip()
    if len(name) > MAX_NAME:
        raise BadInput(f"the recruiter's name has {len(name)} characters. Shorten it to at most {MAX_NAME}.")
    if not name.isprintable():
        raise BadInput("the recruiter's name contains a control character or an invisible mark. Remove it.")
    return name or None


def read_chat_token(body: bytes) -> str:
    """Return the token of a response, trimmed. The response is a JSON string or plain text.

    Raises:
        BadAnswer: the token cannot be part of an address. The message does not show the token.
    """
    text = body.decode("utf-8", "replace").strip().removeprefix("\ufeff")
    if text.startswith('"'):
        try:
            text = str(json.loads(text)).strip()
        except ValueError:
            raise BadAnswer("PitchYou's response to the chat token request is not valid JSON") from None
    if not _TOKEN.fullmatch(text):
        raise BadAnswer(
            f"PitchYou's chat token has {len(text)} characters and cannot be part of an address "
            f"(4 to {MAX_TOKEN} letters, digits and . _ ~ + = -). No chat was opened."
        )
    return text


def chat_url(token: str, base: str = PITCHYOU_CHAT_URL) -> str:
    """Return the address of the chat (S3.2). Anyone who has the address can write to the applicant.

    Args:
        token: a token from `PitchYou.chat_token`.
        base: PitchYou's chat, or its free test environment.

    Raises:
        BadInput: the token cannot be part of an address.
    """
    if not _TOKEN.fullmatch(token):
        raise BadInput(f"a chat token of {len(token)} characters cannot be part of an address")
    return f"{base.rstrip('/')}/{token}"
