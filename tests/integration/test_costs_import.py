"""Taking in what sources cost: all of it or nothing, only what differs, and never two currencies as one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from syncd.errors import BadInput
from syncd.recruiting.costs import Imported, RemovedCost, import_costs
from syncd.store.database import Database
from tests.integration.job_lists import BERLIN, rows

STORED = "SELECT month, source, currency, amount FROM ats.cost WHERE client_id = 'acme' ORDER BY 1, 2, 3"
VERSIONS = "SELECT c.xmin::text, c.ctid::text, c.* FROM ats.cost c ORDER BY 1, 2"
OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database(database_url) as opened:
        yield opened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "costs.csv"


def take_in(database: Database, path: Path, content: str, *, client: str = "acme", **how: Any) -> Imported:
    path.write_text(content, encoding="utf-8")
    return import_costs(database, client, path, timezone=BERLIN, **how)


def counts(imported: Imported) -> tuple[int, int, int, int, int]:
    return imported.read, imported.new, imported.changed, imported.unchanged, imported.removed


def test_costs_come_in_as_controllers_write_them_and_a_second_time_nothing_is_written(
    database: Database, path: Path
) -> None:
    german = "Monat;Quelle;Betrag;Währung\n11.2026; Indeed ;1.234,50;\nNov 26;INDEED;10;CHF\nOktober 2026;plakat;-20,00 €;\n"
    dry = take_in(database, path, german, dry_run=True)
    assert rows(database, "SELECT * FROM ats.client") == []
    first = take_in(database, path, german)
    assert first == dry
    assert counts(first) == (3, 3, 0, 0, 0)
    assert first.notes == (
        "1 amount is not in EUR but in CHF. Reports do not add up different currencies.",
        "line 4: the amount is negative; it counts as a credit",
    )
    stored = [
        (OCTOBER, "plakat", "EUR", Decimal("-20.00")),
        (NOVEMBER, "indeed", "CHF", Decimal("10.00")),
        (NOVEMBER, "indeed", "EUR", Decimal("1234.50")),
    ]
    assert rows(database, STORED) == stored
    before = rows(database, VERSIONS)
    assert counts(take_in(database, path, german)) == (3, 0, 0, 3, 0)
    assert rows(database, VERSIONS) == before
    # Another spelling of the same source, another amount, and a row that is not in the file.
    english = "month,source,amount\n2026-11,indeed,99\n2026-11,(none),5\n"
    take_in(database, path, english, client="beta")
    assert counts(take_in(database, path, english)) == (2, 1, 1, 0, 0)
    assert rows(database, STORED)[-1] == (NOVEMBER, "indeed", "EUR", Decimal("99.00"))
    imported_again = "SELECT source FROM ats.cost WHERE imported_at > (SELECT min(imported_at) FROM ats.cost) AND client_id = 'acme' ORDER BY 1"
    assert rows(database, imported_again) == [("(none)",), ("indeed",)]


def test_a_complete_list_removes_what_it_lacks_of_its_own_months(database: Database, path: Path) -> None:
    take_in(database, path, "month;source;amount\n2026-10;a;1\n2026-11;a;1\n2026-11;b;2\n")
    take_in(database, path, "month;source;amount\n2026-11;b;2\n", client="beta")
    november = "month;source;amount\n2026-11;A;1\n"
    assert counts(take_in(database, path, november)) == (1, 0, 0, 1, 0)
    dry = take_in(database, path, november, complete=True, dry_run=True)
    assert len(rows(database, STORED)) == 3
    assert take_in(database, path, november, complete=True) == dry
    assert dry.removed_costs == (RemovedCost(NOVEMBER, "b", "EUR"),)
    assert [row[:2] for row in rows(database, STORED)] == [(OCTOBER, "a"), (NOVEMBER, "a")]
    assert len(rows(database, "SELECT FROM ats.cost")) == 3


def test_a_file_with_mistakes_writes_nothing_and_names_all_of_them(database: Database, path: Path) -> None:
    lines = [
        "2026-11;indeed;1;",
        "2026-11; Indeed;2;eur",
        "soon;indeed;1;",
        "1999-12;indeed;1;",
        "2999-01;indeed;1;",
        "2026-11;;1;",
        f"2026-11;{'ä' * 513};1;",
        "2026-11;x;1.234;",
        "2026-11;y;1 a;Taler",
        "2026-11;z;1 €;CHF",
        "2026-11;max@example.com;1;",
        "2026-11;+49 151 2345678;1;",
        "2026-11;few",
    ]
    hidden = (
        "the source holds an address or a number to call, which reports show as (personal); write (personal) for the costs "
        "of all such sources"
    )
    months = "write a month like 2026-11 or 11.2026"
    with pytest.raises(BadInput) as caught:
        take_in(database, path, "month;source;amount;currency\n" + "\n".join(lines), complete=True)
    assert caught.value.problems == (
        "line 3: duplicate of the month, source and currency in line 2",
        f"line 4: the month is 'soon'; {months}",
        f"line 5: the month is '1999-12'; {months}",
        "line 6: the month 2999-01 is in the future",
        "line 7: the source is empty; write (none) for the costs of applications without a source",
        "line 8: the source is longer than 1024 bytes",
        "line 9: the amount '1.234' is ambiguous; write 1234 if it has thousands, and at most two decimal places otherwise",
        "line 10: the amount is '1 a'; write an amount like 1234.56, 1234,56, 1.234,56 or 1,234.56",
        "line 10: the currency is 'Taler'; write a code of three letters, such as EUR or CHF",
        "line 11: the amount is in EUR, but the currency is CHF",
        f"line 12: {hidden}",
        f"line 13: {hidden}",
        "line 14: the header has 4 fields, but this line has 2",
    )
    assert rows(database, "SELECT FROM ats.cost") == []
    with pytest.raises(BadInput) as caught:
        take_in(database, path, "month;source;amuont\n2026-11;a;1\n")
    assert caught.value.problems == (
        "the header has 'amuont'; did you mean amount?",
        "the header has no column amount",
    )
    with pytest.raises(BadInput) as caught:
        take_in(database, path, "month;source;amount\n" + "2026-11;max@example.com;1\n" * 1100)
    assert (len(caught.value.problems), caught.value.problems[-1]) == (1001, "and 100 more errors")
