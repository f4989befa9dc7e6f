"""Parses apply links (contract S1.2): the client, the job and the interview."""

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote_to_bytes

PREFIX = "/go/"


class BadLink(Exception):
    """The address or form is invalid; the error page shows `status` and the text."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True, slots=True)
class ApplyLink:
    """The parts of an apply link, unchanged. None: the link has no such part."""

    reference: str
    template_key: str | None = None
    title: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_content: str | None = None


def tenant_of(host: str | None, clients: Collection[str]) -> str:
    """Returns the client in the first label of a Host header, or else the first client."""
    label = (host or "").partition(":")[0].partition(".")[0].lower()
    return next((client for client in clients if client.lower() == label), next(iter(clients)))


def read_link(path: str, query: str) -> ApplyLink:
    """Parses the address, whose bytes are given as latin-1.

    Raises BadLink: 404 if the address has no job or a further segment, 400 if it is not UTF-8.
    """
    segment = path.removeprefix(PREFIX)
    if not segment or "/" in segment:
        raise BadLink(404, "Diese Adresse nennt keine Stelle.")
    try:
        reference = unquote_to_bytes(segment.encode("latin-1")).decode()
    except UnicodeDecodeError:
        raise BadLink(400, "Die Stelle in dieser Adresse ist kein UTF-8.") from None
    given = form_fields(query.encode("latin-1"))
    return ApplyLink(
        reference,
        given.get("jkey") or None,
        given.get("title"),
        *(given.get(f"utm_{part}") for part in ("source", "medium", "campaign", "content")),
    )


def form_fields(raw: bytes) -> dict[str, str]:
    """Returns the fields of a query or form body, the first one of each name. Raises BadLink."""
    try:
        pairs = parse_qsl(raw.decode(), True, errors="strict", max_num_fields=100)
    except ValueError:
        raise BadLink(400, "Die Angaben sind keine Formulardaten in UTF-8.") from None
    return dict(reversed(pairs))
