"""The chat token (S3.1) and the address it becomes a part of (S3.2)."""

import json
import re
from typing import Literal
from urllib.parse import urlencode

from syncd.errors import BadAnswer, BadInput

PITCHYOU_CHAT_URL = "https://chat.pitchyou.de"
MAX_ANSWER = 16 * 1024
MAX_TOKEN = 2048
MAX_NAME = 100  # characters of a recruiter's name

# One path segment that means nothing else: no slash, no scheme, no blank, no query, no escape, no step in the path.
# JSON's words are an answer without a token.
_TOKEN = re.compile(rf"(?!\.+\Z|null\Z|true\Z|false\Z)[A-Za-z0-9._~+=-]{{4,{MAX_TOKEN}}}")

ChatFormat = Literal["json", "form"]


def chat_request(wire_id: str, recruiter_name: str | None, chat_format: ChatFormat) -> tuple[bytes, str]:
    """The body of the request for a token, and its media type.

    Args:
        wire_id: the profileId as JSON text, so that it keeps its own type.

    Raises:
        BadInput: it is no JSON text, or the name cannot be shown.
    """
    name = checked_name(recruiter_name)
    try:
        fields = {"profileId": json.loads(wire_id)} | ({"recruiterName": name} if name else {})
    except ValueError:
        raise BadInput("wire_id is not the profileId as JSON text, such as '\"a1\"' or '17'") from None
    if chat_format == "form":
        return urlencode(fields).encode(), "application/x-www-form-urlencoded"
    return json.dumps(fields).encode(), "application/json"


def checked_name(name: str | None) -> str | None:
    """The recruiter's name without blanks around it; None where there is none.

    Raises:
        BadInput: it is too long, or holds what cannot be shown (line breaks, marks that turn the writing direction).
    """
    name = (name or "").strip()
    if len(name) > MAX_NAME:
        raise BadInput(f"the recruiter's name has {len(name)} characters, at most {MAX_NAME} are shown")
    if not name.isprintable():
        raise BadInput(
            "the recruiter's name holds a control character or a mark that cannot be seen: remove it"
        )
    return name or None


def read_chat_token(body: bytes) -> str:
    """The token of an answer: a JSON string or plain text, trimmed.

    Raises:
        BadAnswer: it is nothing that may become part of an address. The message does not show it.
    """
    text = body.decode("utf-8", "replace").strip().removeprefix("\ufeff")
    if text.startswith('"'):
        try:
            text = str(json.loads(text)).strip()
        except ValueError:
            raise BadAnswer("PitchYou's answer to the request for a chat token is broken JSON") from None
    if not _TOKEN.fullmatch(text):
        raise BadAnswer(
            f"PitchYou's chat token has {len(text)} characters and cannot be part of an address "
            f"(4 to {MAX_TOKEN} letters, digits and . _ ~ + = -): no chat was opened"
        )
    return text


def chat_url(token: str, base: str = PITCHYOU_CHAT_URL) -> str:
    """The address of the chat (S3.2). Whoever has it can write to the applicant.

    Args:
        token: as `PitchYou.chat_token` returns it.
        base: PitchYou's chat, or its free test environment.

    Raises:
        BadInput: the token is nothing that may become part of an address.
    """
    if not _TOKEN.fullmatch(token):
        raise BadInput(f"a chat token of {len(token)} characters cannot be part of an address")
    return f"{base.rstrip('/')}/{token}"
