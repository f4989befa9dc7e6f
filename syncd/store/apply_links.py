"""Apply links: each is stored once, with its job, so that links issued and applications received can be compared."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from operator import attrgetter

from sqlalchemy import Connection, text

from syncd.store import clients


@dataclass(frozen=True, slots=True)
class Parts:
    """What an apply link is made of (S1.2)."""

    job: str
    template_key: str | None = None
    title: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_content: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link(Parts):
    """An apply link and what it was made of."""

    url: str


# The ATS names the job by making a link for it; a list that is imported later knows more and wins.
_ADD_JOB = text(
    "INSERT INTO ats.job AS known (client_id, external_reference_id, title, origin) "
    "VALUES (:client_id, :job, :title, 'link') "
    "ON CONFLICT (client_id, external_reference_id) DO UPDATE SET origin = 'link', "
    "title = coalesce(known.title, excluded.title) "
    "WHERE known.origin = 'stub' OR known.origin = 'link' AND known.title IS NULL AND excluded.title IS NOT NULL"
)
_ADD_LINK = text(
    "INSERT INTO ats.apply_link (client_id, url, job, template_key, title, utm_source, utm_medium, utm_campaign, "
    "utm_content) VALUES (:client_id, :url, :job, :template_key, :title, :utm_source, :utm_medium, :utm_campaign, "
    ":utm_content) ON CONFLICT (client_id, url) DO NOTHING"
)


def add(connection: Connection, client_id: str, links: Iterable[Link]) -> None:
    """Store the links that are not there yet, and the jobs they name."""
    clients.lock(connection, client_id)
    # Sorted by job, so that two transactions meet in one order; of several links the first given names the job.
    rows = [{"client_id": client_id} | asdict(link) for link in sorted(links, key=attrgetter("job"))]
    if rows:
        connection.execute(_ADD_JOB, rows)
        connection.execute(_ADD_LINK, rows)
