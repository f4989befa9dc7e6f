"""Apply links: each is stored once, with its job, so that reports can compare links with the applications received."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from operator import attrgetter

from sqlalchemy import Connection, text

from syncd.store import clients


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of an apply link (S1.2)."""

    job: str
    template_key: str | None = None
    title: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_content: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link(Parts):
    """An apply link and its parts."""

    url: str


# The ATS names the job by making a link for it. A job list that is imported later knows more, so it wins.
_ADD_JOB = text(
    """
    INSERT INTO ats.job AS known (client_id, external_reference_id, title, origin)
    VALUES (:client_id, :job, :title, 'link')
    ON CONFLICT (client_id, external_reference_id) DO UPDATE
        SET origin = 'link', title = coalesce(known.title, excluded.title)
        WHERE known.origin = 'stub'
        OR known.origin = 'link' AND known.title IS NULL AND excluded.title IS NOT NULL
    """
)
_ADD_LINK = text(
    """
    INSERT INTO ats.apply_link (
        client_id, url, job, template_key, title, utm_source, utm_medium, utm_campaign, utm_content
    )
    VALUES (
        :client_id, :url, :job, :template_key, :title, :utm_source, :utm_medium, :utm_campaign, :utm_content
    )
    ON CONFLICT (client_id, url) DO NOTHING
    """
)


def add(connection: Connection, client_id: str, links: Iterable[Link]) -> None:
    """Stores the links that are not stored yet, and the jobs that they name."""
    clients.lock(connection, client_id)
    # Sorted by job, so that two transactions lock rows in the same order. The first link of a job names it.
    rows = [{"client_id": client_id} | asdict(link) for link in sorted(links, key=attrgetter("job"))]
    if rows:
        connection.execute(_ADD_JOB, rows)
        connection.execute(_ADD_LINK, rows)
