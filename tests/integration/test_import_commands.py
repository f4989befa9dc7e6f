"""`syncd costs` and `syncd outcomes`: import from a file or a pipe, what they print, and how they end."""

from __future__ import annotations

import json
from pathlib import Path

from syncd.sandbox import SandboxConfig, Tenant
from tests.integration.test_commands_terminal import HOSTILE, STEERING
from tests.integration.test_jobs_commands import piped
from tests.system.processes import Site, site


def imported(here: Site, command: str, content: str, *options: str, code: int = 0) -> tuple[str, list[str]]:
    """Import from a pipe; what it prints, and the lines on stderr."""
    result = piped(here, content.encode(), command, "import", "-", *options)
    assert result.returncode == code, result.stderr
    return result.stdout, result.stderr.splitlines()


def test_costs_are_imported_corrected_listed_and_removed(database_url: str, tmp_path: Path) -> None:
    config = SandboxConfig(profiles=0, tenants=(Tenant("beta", "beta-secret", 0),))
    with site(database_url, tmp_path, config) as here:
        assert here.run("costs", "list").stdout == "No costs.\n"
        _, refused = imported(here, "costs", "month,source,amount\n", code=2)
        assert "choose a client with --client: acme, beta" in refused[-1]
        acme = ("--client", "acme")
        german = (
            "Monat;Quelle;Betrag (EUR);Währung;Konto\n2026-10;Indeed;1.234,50;;1\n2026-10;plakat;-5;CHF;1\n"
        )
        dry, _ = imported(here, "costs", german, *acme, "--dry-run")
        assert dry == "acme: 2 costs read: 2 new (dry run: nothing was written)\n"
        out, notes = imported(here, "costs", german, *acme)
        assert out == "acme: 2 costs read: 2 new\n"
        assert notes == [
            "syncd: the column 'Konto' is unknown and was ignored",
            "syncd: 1 amount is not in EUR but in CHF. Reports do not add up different currencies.",
            "syncd: line 3: the amount is negative; it counts as a credit",
        ]
        listed = here.run("costs", "list")
        assert listed.stdout == "acme  2026-10  indeed  1,234.50 EUR\nacme  2026-10  plakat  -5.00 CHF\n"
        assert here.run("costs", "list", "--client", "beta").stdout == "No costs.\n"
        corrected = "month,source,amount\n2026-10,indeed,1300\n"
        facts = json.loads(imported(here, "costs", corrected, *acme, "--complete", "--dry-run", "--json")[0])
        assert facts == {
            "client_id": "acme",
            "dry_run": True,
            "read": 1,
            "new": 0,
            "changed": 1,
            "unchanged": 0,
            "removed": 1,
            "removed_costs": [{"month": "2026-10-01", "source": "plakat", "currency": "CHF"}],
            "notes": [],
        }
        out, _ = imported(here, "costs", corrected, *acme, "--complete")
        assert out == (
            "acme: 1 costs read: 1 changed, 1 removed (not in the file)\n  removed: 2026-10  plakat  CHF\n"
        )
        (cost,) = json.loads(here.run("costs", "list", "--json").stdout)["costs"]
        assert (cost["month"], cost["amount"], cost["currency"]) == ("2026-10-01", 1300.0, "EUR")
        _, refused = imported(
            here, "costs", f'month,source,amount\n2026-10,"{HOSTILE}",1.234\n', *acme, code=2
        )
        assert refused == [
            "syncd: line 2: the amount '1.234' is ambiguous; write 1234 if it has thousands, and at most two decimal places "
            "otherwise"
        ]
        imported(here, "costs", f'month,source,amount\n2026-10,"{HOSTILE}",1\n', *acme)
        assert STEERING.search(here.run("costs", "list").stdout) is None


def test_outcomes_reach_the_reports_with_the_next_cycle(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=4, media_per_profile=0.0)) as here:
        assert here.run("sync").returncode == 0
        one, other, *_ = sorted(profile["profileId"] for profile in here.sandbox.expected("acme"))
        today = here.value("SELECT (now() AT TIME ZONE 'Europe/Berlin')::date::text")
        content = f"Profil-ID;Stufe;Datum\n{one};Einstellung;{today}\n{other};Absage;{today}\n'{HOSTILE}';hired;{today}\n".replace(
            "'", '"'
        )
        out, notes = imported(here, "outcomes", content)
        first, name = out.splitlines()
        assert (first, notes) == ("acme: 3 outcomes read: 2 new, 1 not stored (no such application)", [])
        assert name.startswith("  no application: '")
        assert STEERING.search(out) is None
        assert here.value("SELECT count(*) FROM report.application WHERE hired_date IS NOT NULL") == 0
        assert here.run("sync").returncode == 0
        shown = here.rows(
            "SELECT profile_id, hired_date::text, rejected_date::text FROM report.application "
            "WHERE coalesce(hired_date, rejected_date) IS NOT NULL ORDER BY rejected_date NULLS FIRST"
        )
        assert shown == [(one, today, None), (other, None, today)]
        rest = f"profile_id,stage,date\n{one},hired,{today}\n"
        facts = json.loads(imported(here, "outcomes", rest, "--complete", "--json")[0])
        assert (facts["unchanged"], facts["removed"], facts["unknown"]) == (1, 1, 0)
        assert facts["removed_outcomes"] == [{"profile_id": other, "stage": "rejected"}]
        _, refused = imported(here, "outcomes", f"profile_id,stage,date\n{one},Neu,{today}\n", code=2)
        assert refused == [
            "syncd: line 2: the stage is 'Neu'; write screened, interviewed, offered, hired, rejected or withdrawn"
        ]
        assert here.run("sync").returncode == 0
        assert here.value("SELECT sum(rejected) FROM report.funnel") == 0
