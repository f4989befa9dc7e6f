"""Whatever PitchYou answers for good: a cycle fails because of it exactly when `syncd check` does."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncd.sandbox import Fault, SandboxConfig
from syncd.sandbox.faults import KINDS
from tests.system.processes import site

IN_EVERY_RUN = {("token", "html"), ("token", "drop_after"), ("profiles", "short"), ("profiles", "wrong_type")}
LASTING = [
    pytest.param(on, kind, id=f"{on}-{kind}", marks=() if (on, kind) in IN_EVERY_RUN else pytest.mark.proof)
    for on in ("token", "profiles", "any")
    for kind in KINDS
]
# A list or a token that takes longer, or is longer, counts as one that never ends.
LIMITS = {"SYNC__CYCLE_DEADLINE": "5s", "SYNC__MAX_RESPONSE_BYTES": "1MB"}


@pytest.mark.parametrize(("on", "kind"), LASTING)
def test_what_fails_each_cycle_fails_in_check_and_nothing_else_does(
    on: str, kind: str, database_url: str, tmp_path: Path
) -> None:
    config = SandboxConfig(profiles=2, media_per_profile=0.0)
    with site(database_url, tmp_path, config) as here:
        here.sandbox.inject(Fault(on, kind, times=None, seconds_per_byte=0.5, size=2_000_000))
        checked = here.run("check", **LIMITS)
        synced = here.run("sync", **LIMITS)
        assert checked.returncode in (0, 1), checked
        assert bool(checked.returncode) == (synced.returncode not in (0, 3)), (checked, synced)
        assert "crashed" not in synced.stderr
        here.sandbox.clear_faults()
        assert here.run("check").returncode == 0
        assert here.run("sync").returncode in (0, 3)  # what is no profile stays in quarantine
        here.assert_complete()
