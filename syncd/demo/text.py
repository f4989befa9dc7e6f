"""Formats the report for people."""

import shlex
from collections.abc import Iterator, Sequence

from syncd.demo.journey import Journey
from syncd.demo.report import Count, Kept, Report, Tried

# Profiles listed by id. The rest is counted.
_NAMED = 5


def as_text(report: Report) -> str:
    """Return the whole report as text for a terminal."""
    return "\n".join(_lines(report))


def _lines(report: Report) -> Iterator[str]:
    totals = report.totals
    yield f"{totals.applications:,} applications with {totals.answers:,} answers are in Postgres."
    yield (
        f"{totals.stored:,} files ({totals.bytes / 1e6:,.1f} MB) are on disk, {totals.late:,} of them after a retry. "
        f"{totals.gone:,} files are gone at PitchYou."
    )
    yield ""
    yield "Cycles"
    cycles = [
        (c.number, c.outcome, f"{c.seconds:.1f} s", c.seen, c.new, c.unchanged, c.media_stored, c.confirmed)
        for c in report.cycles
    ]
    heads = ("cycle", "outcome", "took", "read", "new", "unchanged", "files", "confirmed")
    yield from _table(heads, cycles)
    yield from (f"  cycle {cycle.number}: {cycle.error}" for cycle in report.cycles if cycle.error)
    yield ""
    yield "Applications by job, and by source"
    yield from _side_by_side(_counted("job", report.jobs), _counted("utm_source", report.sources))
    yield ""
    yield f"Confirmed to PitchYou: {totals.confirmed:,} of {totals.applications + _quarantined(report):,} listed"
    if report.gone:
        yield f"  without {totals.gone:,} files that are gone at PitchYou: {_named(report.gone)}"
    yield f"Not confirmed: {len(report.not_confirmed):,}"
    for left in report.not_confirmed[:_NAMED]:
        yield f"  {left.profile_id or 'a profile without an id'}, {left.reason}"
    if len(report.not_confirmed) > _NAMED:
        yield f"  and {len(report.not_confirmed) - _NAMED:,} more"
    yield ""
    yield from _journey(report.journey)
    yield ""
    yield from _audit(report)
    for query in report.queries:
        yield ""
        yield from _query(query)
    yield ""
    yield f"The demo took {report.seconds:.1f} s."
    if report.kept:
        yield from _kept(report.kept)


def _journey(journey: Journey) -> Iterator[str]:
    yield "One application from the job ad to the chat"
    yield f"  template   {journey.template}"
    yield f"  link       {journey.link}"
    yield f"  profile    {journey.profile_id}, {'confirmed' if journey.confirmed else 'NOT CONFIRMED'}"
    yield f"  job        {journey.job or 'NONE'}, {journey.title}"
    yield f"  chat       {journey.chat or 'NOT OPENED'}"


def _quarantined(report: Report) -> int:
    return sum(left.reason.startswith("in quarantine") for left in report.not_confirmed)


def _named(profile_ids: Sequence[str]) -> str:
    more = f" and {len(profile_ids) - _NAMED:,} more" if len(profile_ids) > _NAMED else ""
    return ", ".join(profile_ids[:_NAMED]) + more


def _audit(report: Report) -> Iterator[str]:
    audit = report.audit
    scope = f"{audit.profiles:,} profiles, {audit.files:,} files"
    if not audit.findings:
        yield f"Audit by the simulated PitchYou at each confirm and at the end: {scope}, no errors."
        return
    yield f"Audit by the simulated PitchYou at each confirm and at the end: {scope}, {len(audit.findings)} ERRORS:"
    yield from (f"  {finding}" for finding in audit.findings[:20])


def _query(query: Tried) -> Iterator[str]:
    yield f"Try a query: {query.title}"
    yield from (f"  {line}" for line in query.sql.splitlines())
    yield ""
    yield from _table(query.columns, query.rows)


def _kept(kept: Kept) -> Iterator[str]:
    yield ""
    yield "The database keeps running:"
    yield f"  database  {kept.database_url}"
    yield f"  connect   {shlex.join([str(kept.psql), kept.database_url])}"
    yield f"  files     {kept.media_root}"
    yield f"  log       {kept.log}"
    yield f"  stop      {kept.stop}"
    yield f"  remove    {shlex.join(['rm', '-r', str(kept.folder)])}"


def _counted(head: str, counts: Sequence[Count]) -> list[str]:
    rows = [(count.name or "(none)", count.applications) for count in counts]
    return list(_table((head, "count"), rows))


def _side_by_side(left: list[str], right: list[str]) -> Iterator[str]:
    width = max(map(len, left)) + 4
    for number in range(max(len(left), len(right))):
        first = left[number] if number < len(left) else ""
        second = right[number] if number < len(right) else ""
        yield f"{first:<{width}}{second}".rstrip()


def _table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    """Align the columns. Numbers are right-aligned."""
    cells = [list(heads), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(row[number]) for row in cells) for number in range(len(heads))]
    numeric = [all(isinstance(value, int) for value in column) for column in zip(*rows, strict=True)]
    for row in cells:
        aligned = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric or [False] * len(heads), strict=True)
        )
        yield "  " + "  ".join(aligned).rstrip()


def _cell(value: object) -> str:
    if value is None:
        return "(none)"
    return f"{value:,}" if isinstance(value, int) else str(value)
