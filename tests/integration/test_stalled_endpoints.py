"""An endpoint that hangs costs its own exchange, never the stages that could do without it."""

from pathlib import Path

import pytest

from syncd.errors import ApiUnavailable
from syncd.pitchyou import client
from syncd.sandbox import Fault, SandboxConfig
from syncd.sync import confirm
from tests.scene import scene


@pytest.mark.long
def test_confirm_endpoint_that_drips_for_ever_does_not_keep_new_applications_from_landing(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "SHORT_EXCHANGE", 0.5)
    monkeypatch.setattr(confirm, "ATTEMPTS", 1)
    with scene(database_url, tmp_path, config=SandboxConfig(profiles=4)) as world:
        world.cycle(confirm=False)
        world.sandbox.add_profiles(3)
        world.sandbox.inject(Fault("confirm", "endless_headers", times=None))

        ended = world.cycle()

        assert isinstance(ended.error, ApiUnavailable)
        assert world.value("SELECT count(*) FROM ats.application") == 7
        assert world.value("SELECT count(*) FROM ats.media WHERE state <> 'stored'") == 0

        world.sandbox.clear_faults()
        assert world.cycle().error is None
        world.assert_complete()
