"""A client whose base_url leads to another server: the same ids may be other people there, so nothing happens unasked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from syncd.deadline import Deadline
from syncd.errors import AnotherServer
from syncd.pitchyou import PitchYou, server_of
from syncd.recruiting.templates import sync_templates
from syncd.sandbox import Sandbox, SandboxConfig
from syncd.sync.client_cycle import Client, prepare_work
from syncd.sync.dry_run import rehearse
from syncd.sync.retry_quarantine import retry_quarantined
from syncd.sync.verify import repair
from tests.integration.test_chat import chat_with
from tests.scene import Scene, scene
from tests.system.processes import site

CONFIG = SandboxConfig(profiles=4, media_per_profile=1.0, id_type="integer")
STORED = "SELECT profile_id, revision, confirmed_revision, payload_sha256 FROM ats.application ORDER BY 1"


@contextmanager
def elsewhere(s: Scene) -> Iterator[tuple[Sandbox, Client]]:
    """The same client at another server, with other people under the same ids."""
    with (
        Sandbox(replace(CONFIG, seed=CONFIG.seed + 1)) as other,
        PitchYou(CONFIG.client_id, CONFIG.client_secret, base_url=other.url) as api,
    ):
        yield other, replace(s.client, api=api)


@pytest.fixture
def s(database_url: str, tmp_path: Path) -> Iterator[Scene]:
    with scene(database_url, tmp_path / "media", config=CONFIG) as opened:
        assert opened.cycle().error is None
        yield opened


def test_another_server_with_the_same_ids_is_refused_and_nothing_of_it_is_stored(s: Scene) -> None:
    rows, files = s.rows(STORED), s.files()
    with elsewhere(s) as (other, client):
        ended = replace(s, client=client).cycle()
        assert isinstance(ended.error, AnotherServer)
        assert s.sandbox.url in str(ended.error)
        assert other.url in str(ended.error)
        assert "syncd accept-server --client acme" in str(ended.error)
        assert (s.rows(STORED), s.files()) == (rows, files)
        assert other.ledger.requests == []
    s.sandbox.add_profiles(1)
    assert s.cycle().error is None  # back at the right one, all goes on
    s.assert_complete()


def test_nothing_else_asks_another_server_about_these_ids(s: Scene) -> None:
    with elsewhere(s) as (other, client):
        there = replace(s, client=client)
        database = s.outsides.database

        for ask in (
            lambda: rehearse(client, database, Deadline(30)),
            lambda: sync_templates(client.api, database, Deadline(30)),
            lambda: chat_with(there),
            lambda: retry_quarantined(prepare_work(client, s.outsides, s.stop)),
            lambda: repair(prepare_work(client, s.outsides, s.stop), []),
        ):
            with pytest.raises(AnotherServer):
                ask()
        assert other.ledger.requests == []


def test_command_accepts_the_server_of_a_tenant_that_moved(database_url: str, tmp_path: Path) -> None:
    config = SandboxConfig(profiles=2, after_confirm="stay")
    with site(database_url, tmp_path, config) as here:
        assert here.run("sync").returncode == 0
        with Sandbox(config) as moved:
            refused = here.run("sync", BASE_URL=moved.url)
            assert refused.returncode == 4
            assert "syncd accept-server --client acme" in refused.stderr
            checked = here.run("check", BASE_URL=moved.url)
            assert checked.returncode == 4
            assert f"came from {here.sandbox.url}" in checked.stdout
            accepted = here.run("accept-server", BASE_URL=moved.url)
            assert accepted.stdout == f"acme: accepted {moved.url} in place of {here.sandbox.url}.\n"
            assert here.run("check", BASE_URL=moved.url).returncode == 0
            assert here.run("sync", BASE_URL=moved.url).returncode == 0
        assert here.value("SELECT max(revision) FROM ats.application") == 1
        assert here.run("sync").returncode == 4  # the old one is the other one now


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://api.pitchyou.de", "https://API.pitchyou.de:443/", True),
        ("http://127.0.0.1:80", "http://127.0.0.1", True),
        ("https://api.pitchyou.de", "https://test.pitchyou.de", False),
        ("https://api.pitchyou.de", "http://api.pitchyou.de", False),
        ("https://api.pitchyou.de", "https://api.pitchyou.de:8443", False),
        ("https://api.pitchyou.de", "https://api.pitchyou.de/test", False),
    ],
)
def test_server_is_told_by_scheme_host_port_and_path(one: str, other: str, same: bool) -> None:
    assert (server_of(one) == server_of(other)) is same
