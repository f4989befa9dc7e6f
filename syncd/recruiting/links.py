"""Creates apply links (S1.2), only for templates that PitchYou offers, and stores each link once."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Connection

from syncd.deadline import Deadline
from syncd.errors import BadInput
from syncd.pitchyou import apply_link
from syncd.recruiting.csv_files import MAX_NOTES, Mistakes
from syncd.recruiting.spreadsheet_damage import note_damage, note_similar
from syncd.shown import quoted
from syncd.store import apply_links, similar_jobs, templates
from syncd.store.apply_links import Link, Parts
from syncd.store.database import Database


@dataclass(frozen=True, slots=True)
class Wanted(Parts):
    """A requested link. `line_no` is its line in a file, or 0."""

    line_no: int = 0


def issue_links(
    database: Database,
    client_id: str,
    wanted: Sequence[Wanted],
    *,
    apply_url: str,
    deadline: Deadline,
    mistakes: Mistakes | None = None,
) -> list[Link]:
    """Create the links and store them in one transaction.

    Args:
        wanted: the requested links. The result is in this order.
        apply_url: as in `apply_link`.
        mistakes: errors already found in the file. If there are any, nothing is stored and all errors are raised
            together. Gets notes about references that a spreadsheet seems to have changed.

    Raises:
        BadInput: every error in every link. Nothing was stored.
        DatabaseUnavailable: nothing was stored.
    """

    problems = mistakes or Mistakes()

    def issue(connection: Connection) -> tuple[list[Link], int, list[similar_jobs.Similar]]:
        offered = templates.known_keys(connection, client_id)
        links = [link for each in wanted if (link := _link(client_id, each, offered, apply_url, problems))]
        problems.raise_any()
        references = [(each.line_no, each.job) for each in wanted]
        total, similar = similar_jobs.similar_to(connection, client_id, references, MAX_NOTES)
        apply_links.add(connection, client_id, links)
        return links, total, similar

    links, total, similar = database.transact(issue, deadline)
    for each in wanted:
        note_damage(problems, each.line_no, each.job)
    note_similar(problems, total, similar)
    return links


def link_of(client_id: str, wanted: Wanted, apply_url: str) -> Link:
    """Create the link without checking its template and without storing it. Raises BadInput as `apply_link` does."""
    parts = {name: value or None for name, value in asdict(wanted).items() if name not in ("job", "line_no")}
    url = apply_link(client_id, wanted.job, apply_url=apply_url, **parts)
    return Link(wanted.job, **parts, url=url)


def _link(
    client_id: str, wanted: Wanted, offered: Mapping[str, bool], apply_url: str, problems: Mistakes
) -> Link | None:
    if wanted.template_key and (problem := _problem_of_template(wanted.template_key, offered)):
        problems.add(wanted.line_no, problem)
    try:
        return link_of(client_id, wanted, apply_url)
    except BadInput as error:
        for problem in error.problems:
            problems.add(wanted.line_no, problem)
        return None


def _problem_of_template(key: str, offered: Mapping[str, bool]) -> str | None:
    if offered.get(key):
        return None
    if not offered:
        return "no templates are known yet. Run `syncd templates`, or omit the template."
    now = [each for each, there in offered.items() if there]
    near = difflib.get_close_matches(key, now, n=3, cutoff=0.4)
    what = "was removed at PitchYou" if key in offered else "is unknown"
    names = " or ".join(quoted(each, 80) for each in near)
    hint = f"; did you mean {names}?" if near else "."
    return f"template {quoted(key, 80)} {what}{hint} Run `syncd templates` to list all templates."
