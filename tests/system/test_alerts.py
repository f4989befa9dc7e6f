"""The alert rules: each fires when it should and not before, and has a runbook. test_web.py knows what is exported."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from syncd.settings import StatusSettings
from tests.system.alert_cases import CASES

ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "config" / "alerts.yaml"
PROMTOOL = shutil.which("promtool")
_ALERT = re.compile(r"^ +- alert: (\w+)$", re.MULTILINE)

needs_promtool = pytest.mark.skipif(
    PROMTOOL is None and "CI" not in os.environ,
    reason="promtool is not on this machine; on Debian: apt-get install prometheus",
)


def promtool(*arguments: str | Path) -> None:
    assert PROMTOOL is not None, "promtool is missing; on Debian: apt-get install prometheus"
    result = subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@needs_promtool
def test_each_alert_fires_beyond_its_limit_and_not_before(tmp_path: Path) -> None:
    promtool("check", "rules", ALERTS)
    tests = [
        {
            "interval": "1m",
            "input_series": [{"series": series, "values": values} for series, values in case.series.items()],
            "alert_rule_test": [
                {"eval_time": case.quiet_at, "alertname": case.alert, "exp_alerts": []},
                {
                    "eval_time": case.fires_at,
                    "alertname": case.alert,
                    "exp_alerts": [
                        {
                            "exp_labels": {"severity": case.severity, **case.labels},
                            "exp_annotations": {
                                "summary": case.summary,
                                "runbook": f"docs/operating.md#{case.alert.lower()}",
                            },
                        }
                    ],
                },
            ],
        }
        for case in CASES
    ]
    cases = tmp_path / "cases.yaml"  # JSON is YAML
    cases.write_text(json.dumps({"rule_files": [str(ALERTS)], "evaluation_interval": "1m", "tests": tests}))
    promtool("test", "rules", cases)
    assert {case.alert for case in CASES} == set(_ALERT.findall(ALERTS.read_text()))


def test_each_alert_has_a_runbook_at_the_place_that_it_names() -> None:
    page = (ROOT / "docs" / "operating.md").read_text()
    names = _ALERT.findall(ALERTS.read_text())
    assert len(set(names)) == len(names) > 10
    assert re.findall(r"^### (Syncd\w+)$", page, re.MULTILINE) == names
    runbooks = re.findall(r'runbook: "docs/operating.md#(\w+)"', ALERTS.read_text())
    assert runbooks == [name.lower() for name in names]


def test_the_limits_are_those_of_syncd_status_check() -> None:
    text, limits = ALERTS.read_text(), StatusSettings()

    def limits_of(metric: str) -> list[float]:
        return [float(number) for number in re.findall(rf"{metric}\) >=? (\d+)", text)]

    assert [3600 * hours for hours in limits_of("oldest_unconfirmed_age_seconds")] == [
        limits.unconfirmed_warning,
        limits.unconfirmed_critical,
    ]
    assert [3600 * hours for hours in limits_of("oldest_pending_media_age_seconds")] == [limits.media_warning]
    assert limits_of("consecutive_failures") == [limits.failures_warning]
    assert [1 + number for number in limits_of("quarantined_profiles")] == [limits.quarantine_warning]
