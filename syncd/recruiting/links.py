"""Issue apply links (S1.2): for templates that PitchYou offers only, and each stored once."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Connection

from syncd.deadline import Deadline
from syncd.errors import BadInput
from syncd.pitchyou import apply_link
from syncd.store import apply_links, templates
from syncd.store.apply_links import Link
from syncd.store.engine import Database


@dataclass(frozen=True, slots=True)
class Wanted:
    """A link to be made, part by part as in `apply_link`. `where` begins the messages about it, such as `line 7: `."""

    job: str
    template_key: str | None = None
    title: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_content: str | None = None
    where: str = ""


def issue_links(
    database: Database, client_id: str, wanted: Sequence[Wanted], *, apply_url: str, deadline: Deadline
) -> list[Link]:
    """Make the links and store them, in one transaction.

    Args:
        wanted: in any number; the links come back in this order.
        apply_url: as in `apply_link`.

    Raises:
        BadInput: every mistake in every one of them; then nothing was stored.
        DatabaseUnavailable: nothing was stored.
    """

    def issue(connection: Connection) -> list[Link]:
        offered = templates.known_keys(connection, client_id)
        links: list[Link] = []
        problems: list[str] = []
        for each in wanted:
            parts = {
                name: value or None for name, value in asdict(each).items() if name not in ("job", "where")
            }
            try:
                url = apply_link(client_id, each.job, apply_url=apply_url, **parts)
                links.append(Link(url, each.job, **parts))
            except BadInput as error:
                problems += [each.where + problem for problem in error.problems]
            if each.template_key and (problem := _problem_of_template(each.template_key, offered)):
                problems.append(each.where + problem)
        if problems:
            raise BadInput(*problems)
        apply_links.add(connection, client_id, links)
        return links

    return database.transact(issue, deadline)


def _problem_of_template(key: str, offered: Mapping[str, bool]) -> str | None:
    if offered.get(key):
        return None
    if not offered:
        return "no templates are known yet: run `syncd templates`, or leave the template out"
    now = [each for each, there in offered.items() if there]
    near = difflib.get_close_matches(key, now, n=3, cutoff=0.4)
    what = "was removed at PitchYou" if key in offered else "is not known"
    names = ", ".join(repr(each) for each in near or sorted(now)[:5])
    return f"the template {key[:80]!r} {what}; {'near it' if near else 'there'} is: {names or 'none'} (`syncd templates` lists all)"
