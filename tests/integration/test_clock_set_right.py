"""The clock of Postgres was ahead, and has been set right: what it was put off to is far away, and is not waited for."""

from __future__ import annotations

from pathlib import Path

from syncd.sandbox import Fault, SandboxConfig
from tests.integration.settling import states
from tests.scene import scene

AHEAD = "now() + interval '30 days'"


def test_what_was_put_off_by_a_clock_a_month_ahead_is_tried_again_when_it_has_been_set_right(
    database_url: str, tmp_path: Path
) -> None:
    config = SandboxConfig(profiles=6, media_per_profile=1.0, bad_confirm_ids=frozenset())
    with scene(database_url, tmp_path, config=config, media_gone_after=3600.0) as s:
        s.sandbox.inject(Fault("media", "status", status=404))
        s.sandbox.inject(Fault("media", "status", status=503, times=3))
        s.sandbox.inject(Fault("confirm", "status", status=422, times=None))
        s.cycle(media_concurrency=1)
        s.sandbox.clear_faults()
        assert states(s)["pending"] > 0
        assert s.value("SELECT count(*) FROM ats.application WHERE confirm_error IS NOT NULL") > 0
        s.execute(
            f"UPDATE ats.media SET next_attempt_at = {AHEAD}, missing_since = {AHEAD} WHERE state = 'pending'"
        )
        s.execute(f"UPDATE ats.application SET confirm_retry_at = {AHEAD} WHERE confirm_error IS NOT NULL")
        s.cycle()
        s.assert_complete()


def test_how_long_a_file_has_been_missing_counts_from_now_when_that_began_in_the_future(
    database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path, config=SandboxConfig(profiles=1, media_gone=1.0)) as s:
        s.cycle()
        assert set(states(s)) == {"pending"}
        s.execute(f"UPDATE ats.media SET next_attempt_at = now(), missing_since = {AHEAD}")
        s.cycle()
        assert s.value("SELECT bool_and(missing_since <= now()) FROM ats.media")
