"""Checks what a program passes to `PitchYou`, and writes it as PitchYou reads it."""

import json
from collections.abc import Sequence
from urllib.parse import quote

from syncd.errors import BadInput
from syncd.model import CLIENT_ID, CLIENT_ID_RULE
from syncd.pitchyou.chat import checked_wire_id
from syncd.settings.addresses import parse_base_url
from syncd.settings.values import parse_secret
from syncd.shown import quoted


def require_valid(client_id: str, client_secret: str, base_url: str) -> None:
    """Raise BadInput with all problems, unless the three are valid by the rules of docs/configuration.md."""
    problems = []
    if not CLIENT_ID.fullmatch(client_id):
        problems.append(f"client_id {quoted(client_id)} is not valid; it has {CLIENT_ID_RULE}")
    for name, check, value in (
        ("client_secret", parse_secret, client_secret),
        ("base_url", parse_base_url, base_url),
    ):
        try:
            check(value)
        except ValueError as error:
            problems.append(f"{name} {error}")
    if problems:
        raise BadInput(*problems)


def path_segment(value: str) -> str:
    """Encode one path segment. Also encode a segment of dots only, which would change the path."""
    return quote(value, safe="") if value.strip(".") else value.replace(".", "%2E")


def confirm_body(wire_ids: Sequence[str], wrapper: str | None) -> bytes:
    """Return the JSON array of the ids; with `wrapper`, in an object that has the array below this key.

    Raises:
        BadInput: `wire_ids` is one text instead of a sequence, or one of them is not JSON text.
    """
    if isinstance(wire_ids, str | bytes):
        raise BadInput("wire_ids is a single text. Pass a list of the profiles' wire_id values.")
    ids = list(wire_ids)
    for wire_id in ids:
        checked_wire_id(wire_id)
    array = f"[{','.join(ids)}]"
    return (f"{{{json.dumps(wrapper)}:{array}}}" if wrapper else array).encode()
