"""A confirmed application that is still listed: it costs nothing, until the operator asks to confirm it again (ADR 31)."""

from pathlib import Path

import pytest

from syncd.model import Outcome
from syncd.sandbox import Fault, SandboxConfig
from tests.integration.settling import CONFIRM, assert_idle, calls, confirmed, settle
from tests.scene import scene
from tests.system.processes import site


@pytest.mark.parametrize("signed", [False, True])
def test_what_is_still_listed_is_confirmed_again_once_when_asked(
    signed: bool, database_url: str, tmp_path: Path
) -> None:
    """Also if its bytes differ in each response, so that it is parsed; and however many polls the cycle has."""
    config = SandboxConfig(profiles=6, after_confirm="stay", signed_uris=signed)
    with scene(database_url, tmp_path / "m", config=config, batch_size=2) as s:
        settle(s)
        gone = next(s.sandbox.expected())["profileId"]
        s.sandbox.withdraw_profile(gone)
        before = confirmed(s)
        ended = s.cycle(confirm_again=True)
        assert (ended.outcome, ended.tally.confirmed, ended.tally.changed) == (Outcome.OK, 5, 0)
        again = confirmed(s) - before
        assert (len(again), set(again.values())) == (5, {1})
        assert gone not in {value for _, value in again}
        assert s.value("SELECT count(*) FROM ats.application WHERE revision > confirmed_revision") == 0
        assert s.value("SELECT max(revision) FROM ats.application") == 1
        assert_idle(s)


def test_a_confirm_that_fails_then_is_made_up_for_by_the_next_cycle(
    database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=3, after_confirm="stay")) as s:
        settle(s)
        s.sandbox.inject(Fault("confirm", "drop_before", times=None))
        assert s.cycle(confirm_again=True).outcome is Outcome.FAILED
        s.sandbox.clear_faults()
        assert s.cycle().tally.confirmed == 3
        assert_idle(s)


@pytest.mark.parametrize("status", [404, 409])
def test_pitchyou_may_answer_that_it_has_the_confirm_already(
    status: int, database_url: str, tmp_path: Path
) -> None:
    config = SandboxConfig(profiles=3, after_confirm="stay", confirm_again_status=status)
    with scene(database_url, tmp_path / "m", config=config) as s:
        settle(s)
        asked = len(calls(s, CONFIRM))
        assert s.cycle(confirm_again=True).outcome is Outcome.OK
        assert len(calls(s, CONFIRM)) > asked
        assert_idle(s)


def test_the_command_confirms_again_and_refuses_options_that_contradict_it(
    database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=2, after_confirm="stay")) as here:
        assert here.run("sync").returncode == 0
        again = here.run("sync", "--confirm-again")
        assert (again.returncode, "2 confirmed" in again.stdout) == (0, True)
        for option in ("--dry-run", "--no-confirm"):
            refused = here.run("sync", "--confirm-again", option)
            assert (refused.returncode, "--confirm-again confirms" in refused.stderr) == (2, True)
