"""For each alert: series that it must stay quiet about until a limit, and must fire for beyond it.

Series are in the notation of `promtool test rules`, with one value each minute. Two replicas export each client.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Case:
    """One alert. `quiet_at` and `fires_at` are moments after the first value."""

    alert: str
    severity: str
    series: dict[str, str]
    quiet_at: str
    fires_at: str
    summary: str
    labels: dict[str, str] = field(default_factory=dict)


ACME = {"client_id": "acme"}


def of_acme(metric: str, first: str, second: str) -> dict[str, str]:
    """The series of a client, as two replicas export it."""
    return {
        f'{metric}{{client_id="acme",instance="a",job="syncd"}}': first,
        f'{metric}{{client_id="acme",instance="b",job="syncd"}}': second,
    }


def of_both(metric: str, first: str, second: str) -> dict[str, str]:
    """The series of two replicas."""
    return {
        f'{metric}{{instance="{name}",job="syncd"}}': values for name, values in (("a", first), ("b", second))
    }


CASES = [
    Case(
        "SyncdDown",
        "page",
        of_both("up", "1x10 0x20", "0x30"),
        "14m",
        "17m",
        "no syncd answers",
        {"job": "syncd"},
    ),
    Case(
        "SyncdDatabaseDown",
        "page",
        of_both("syncd_database_up", "1x10 0x30", "0x40"),
        "19m",
        "22m",
        "syncd cannot use its database",
        {"job": "syncd"},
    ),
    Case(
        "SyncdCycleStalled",
        "page",
        of_acme("syncd_cycle_stalled", "0x10 1x20", "0x30"),
        "11m",
        "14m",
        "client acme: a cycle stands still",
        ACME,
    ),
    Case(
        "SyncdCycleOverdue",
        "page",
        of_acme("syncd_cycle_overdue", "0x10 1x20", "0x30"),
        "14m",
        "17m",
        "client acme: a cycle is due and does not begin",
        ACME,
    ),
    Case(
        "SyncdNobodyWorks",
        "page",
        of_acme("syncd_lease_held", "1x10 0x30", "0x40"),
        "19m",
        "22m",
        "client acme: no process works for it",
        ACME,
    ),
    Case(
        "SyncdCyclesFail",
        "ticket",
        of_acme("syncd_consecutive_failures", "0+1x9", "0+1x9"),
        "2m",
        "3m",
        "client acme: 3 cycles have failed in a row",
        ACME,
    ),
    Case(
        "SyncdNoGoodCycle",
        "page",
        of_acme("syncd_last_good_cycle_age_seconds", "0+3600x40", "0+3600x40"),
        "26m",
        "27m",
        "client acme: no good cycle for 1d 3h 0m 0s",
        ACME,
    ),
    Case(
        "SyncdUnconfirmed",
        "ticket",
        of_acme("syncd_oldest_unconfirmed_age_seconds", "0x20", "0+3600x20"),
        "6m",
        "7m",
        "client acme: an application has waited 7h 0m 0s for its confirm",
        ACME,
    ),
    Case(
        "SyncdUnconfirmedForDays",
        "page",
        of_acme("syncd_oldest_unconfirmed_age_seconds", "0x60", "0+3600x60"),
        "48m",
        "49m",
        "client acme: an application has waited 2d 1h 0m 0s for its confirm",
        ACME,
    ),
    Case(
        "SyncdMediaLate",
        "ticket",
        of_acme("syncd_oldest_pending_media_age_seconds", "0x20", "0+3600x20"),
        "12m",
        "13m",
        "client acme: a file has not come for 13h 0m 0s",
        ACME,
    ),
    Case(
        "SyncdQuarantine",
        "ticket",
        of_acme("syncd_quarantined_profiles", "0x5 2x10", "0x15"),
        "5m",
        "7m",
        "client acme: 2 profiles cannot be read",
        ACME,
    ),
    Case(
        "SyncdMediaDiskFull",
        "ticket",
        of_both("syncd_media_free_bytes", "100000000000x60", "6000000000x10 4000000000x50"),
        "24m",
        "27m",
        "the disk of the files at b is full, or will be within a day",
        {"instance": "b"},
    ),
    Case(
        "SyncdMediaDiskFull",
        "ticket",
        # It loses 25 GB within six hours.
        {'syncd_media_free_bytes{instance="a",job="syncd"}': "90000000000x30 90000000000-70000000x400"},
        "20m",
        "6h",
        "the disk of the files at a is full, or will be within a day",
        {"instance": "a"},
    ),
    Case(
        "SyncdTemporaryDiskFull",
        "ticket",
        of_both("syncd_tmp_free_bytes", "9000000000x60", "2000000000x10 500000000x50"),
        "24m",
        "27m",
        "the disk for temporary files at b is full",
        {"instance": "b"},
    ),
]
