"""Invents costs and outcomes for a ledger, writes them as files, and computes their figures without any SQL."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from statistics import median_low
from zoneinfo import ZoneInfo

from syncd.model import Stage
from tests.integration.report_figures import Figures, Ledger, shown
from tests.integration.report_ledger import ZONES, Entry

Outcomes = Mapping[tuple[str, str], Mapping[Stage, date]]
Costs = Mapping[tuple[str, date, str, str], Decimal]
WORDS = {
    Stage.SCREENED: ["screened", "Gesichtet"],
    Stage.INTERVIEWED: ["interviewed", "Vorstellungsgespräch"],
    Stage.OFFERED: ["Offered", "Angebot"],
    Stage.HIRED: ["hired", "eingestellt"],
    Stage.REJECTED: ["rejected", "Absage"],
    Stage.WITHDRAWN: ["withdrawn", "zurückgezogen"],
}


def zone(client_id: str) -> ZoneInfo:
    """The time zone of a client."""
    return ZoneInfo(ZONES[client_id])


def source(entry: Entry) -> str:
    """The source as reports show it."""
    return shown(entry.source).lower()


def invented_outcomes(ledger: Iterable[Entry], seed: int) -> Outcomes:
    """What became of three quarters of the applications: some days later, and not in the future."""
    rng = random.Random(seed)
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    found = {}
    for entry in ledger:
        day, reached = entry.day, {}
        for stage in rng.sample(list(Stage), rng.choice([0, 1, 2, 4])):
            day += timedelta(days=rng.choice([0, 1, 9, 40]))
            if day <= yesterday:
                reached[stage] = day
        found[entry.key] = reached
    return found


def invented_costs(ledger: Ledger, seed: int) -> Costs:
    """What most sources cost in a month, some in two currencies, and one that brought nothing."""
    rng = random.Random(seed)
    today = datetime.now(UTC).date()
    found = {}
    groups = sorted({(entry.client_id, entry.month, source(entry)) for entry in ledger.entries})
    for client_id, month, name in groups:
        for currency in rng.choice([(), ("EUR",), ("EUR",), ("EUR", "CHF")]):
            if month < today.replace(day=1):
                found[client_id, month, name, currency] = Decimal(rng.randrange(-1000, 500_000)) / 100
    return found | {("acme", date(2025, 1, 1), "nothing came", "EUR"): Decimal("12.50")}


def outcomes_file(outcomes: Outcomes, client_id: str, seed: int) -> str:
    """The outcomes of a client as an ATS exports them, in no order."""
    rng = random.Random(seed)
    lines = [
        f'"{profile_id}";{rng.choice(WORDS[stage])};{day:{rng.choice(["%Y-%m-%d", "%d.%m.%Y"])}}'
        for (client, profile_id), reached in outcomes.items()
        for stage, day in reached.items()
        if client == client_id
    ]
    rng.shuffle(lines)
    return "\n".join(["Profil-ID;Stufe;Datum", *lines])


def costs_file(costs: Costs, client_id: str, seed: int) -> str:
    """The costs of a client as controllers write them."""
    rng = random.Random(seed)
    lines = ["Monat;Quelle;Betrag;Währung"]
    for (client, month, name, currency), amount in costs.items():
        if client == client_id:
            written = f"{amount:,.2f}"
            german = written.translate(str.maketrans(",.", ".,"))
            spelled = name if name.startswith("(") else rng.choice([name.upper(), f" {name} "])
            lines.append(
                f"{month:{rng.choice(['%Y-%m', '%m.%Y'])}};{spelled};{rng.choice([written, german])};"
                f"{rng.choice(['', currency]) if currency == 'EUR' else currency}"
            )
    return "\n".join(lines)


def files(outcomes: Outcomes, costs: Costs) -> dict[str, tuple[str, str]]:
    """For each client, the file of costs and the file of outcomes."""
    return {each: (costs_file(costs, each, 5), outcomes_file(outcomes, each, 5)) for each in ZONES}


def funnel(ledger: Ledger, outcomes: Outcomes) -> Figures:
    def of(group: list[Entry]) -> tuple[object, ...]:
        reached = [outcomes[entry.key] for entry in group]
        ends = {Stage.HIRED, Stage.REJECTED, Stage.WITHDRAWN}
        return (
            len(group),
            *(sum(stage in each for each in reached) for stage in Stage),
            sum(not ends & each.keys() for each in reached),
        )

    return ledger.figures(lambda entry: (entry.month, source(entry)), of)


def days_to_hire(entry: Entry, outcomes: Outcomes) -> int | None:
    """Days from the application to the hire, if both are known."""
    hired = outcomes[entry.key].get(Stage.HIRED)
    return (hired - entry.day).days if hired and entry.applied else None


def time_to_hire(ledger: Ledger, outcomes: Outcomes) -> Figures:
    groups = defaultdict(list)
    for entry in ledger.entries:
        if hired := outcomes[entry.key].get(Stage.HIRED):
            groups[entry.client_id, hired.replace(day=1), source(entry)].append(days_to_hire(entry, outcomes))
    figures: Figures = {}
    for key, found in groups.items():
        days = [each for each in found if each is not None]
        figures[key] = (
            len(found),
            len(days),
            sum(days) if days else None,
            median_low(days) if days else None,
        )
    return figures


def cost_performance(ledger: Ledger, outcomes: Outcomes, costs: Costs) -> Figures:
    groups = ledger.grouped(lambda entry: (entry.month, source(entry)))
    figures: Figures = {}
    with_costs = {key[:3] for key in costs}
    for key in groups.keys() - with_costs:
        hires = sum(Stage.HIRED in outcomes[entry.key] for entry in groups[key])
        figures[*key, None] = (None, len(groups[key]), None, hires, None)
    for (*where, currency), amount in costs.items():
        group = groups.get(tuple(where), [])
        hires = sum(Stage.HIRED in outcomes[entry.key] for entry in group)
        each, hire = (round(float(amount) / n, 6) if n else None for n in (len(group), hires))
        figures[*where, currency] = (float(amount), len(group), each, hires, hire)
    return figures
