"""Interview templates (S1.1): synced, kept when they are removed, and never removed by an answer nobody can believe."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from syncd.deadline import Deadline
from syncd.errors import ApiError, DeadlineExceeded
from syncd.pitchyou import PitchYou
from syncd.recruiting.templates import sync_templates
from syncd.sandbox import Fault, Sandbox, SandboxConfig, Tenant
from tests.integration.test_commands_terminal import HOSTILE, STEERING, on_a_terminal
from tests.scene import Scene, scene
from tests.system.processes import MANY, site

NONE = SandboxConfig(profiles=0)


def offered(s: Scene) -> list[str]:
    return [
        row["template_key"]
        for row in s.rows("SELECT template_key FROM ats.job_template WHERE removed_at IS NULL ORDER BY 1")
    ]


def synced(s: Scene, seconds: float = 30) -> Any:
    return sync_templates(s.client.api, s.outsides.database, Deadline(seconds))


@pytest.mark.parametrize(
    ("shape", "descriptions"),
    [
        ("string", "Azubi-Interview mit Schulzeugnis"),
        ("list", ["Azubi-Interview mit Schulzeugnis", "Interview for apprentices"]),
        ("map", {"de": "Azubi-Interview mit Schulzeugnis", "en": "Interview for apprentices"}),
    ],
)
def test_descriptions_are_kept_as_they_come_and_one_is_shown(
    shape: Any, descriptions: object, database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path, config=SandboxConfig(profiles=0, descriptions=shape)) as s:
        assert synced(s).listed == 8
        [row] = s.rows("SELECT description, descriptions FROM ats.job_template WHERE template_key = 'azubi'")
        assert row == {"description": "Azubi-Interview mit Schulzeugnis", "descriptions": descriptions}


def test_the_preferred_language_decides_where_there_is_a_choice(database_url: str, tmp_path: Path) -> None:
    config = SandboxConfig(profiles=0, descriptions="map")
    with scene(database_url, tmp_path, config=config, api={"preferred_language": "en"}) as s:
        synced(s)
        assert (
            s.value("SELECT description FROM ats.job_template WHERE template_key = 'azubi'")
            == "Interview for apprentices"
        )


def test_what_is_removed_stays_and_what_returns_is_offered_again(database_url: str, tmp_path: Path) -> None:
    with scene(database_url, tmp_path, config=NONE) as s:
        synced(s)
        before = offered(s)
        s.sandbox.withdraw_template("azubi")
        assert synced(s).recorded.removed == 1
        assert offered(s) == [key for key in before if key != "azubi"]
        removed_at = s.value("SELECT removed_at FROM ats.job_template WHERE template_key = 'azubi'")
        assert synced(s).recorded.removed == 0
        assert s.value("SELECT removed_at FROM ats.job_template WHERE template_key = 'azubi'") == removed_at
        s.sandbox.restore_template("azubi")
        assert synced(s).recorded.returned == 1
        assert offered(s) == before


@pytest.mark.parametrize("kind", ["html", "garbage", "object", "truncate", "trailing", "empty", "short"])
def test_a_broken_answer_removes_nothing(kind: str, database_url: str, tmp_path: Path) -> None:
    with scene(database_url, tmp_path, config=NONE) as s:
        synced(s)
        before = s.rows("SELECT * FROM ats.job_template ORDER BY 2")
        s.sandbox.withdraw_template("azubi")
        s.sandbox.inject(Fault("templates", kind, times=MANY))
        with pytest.raises((ApiError, DeadlineExceeded)):  # the time may end in the middle of the next try
            synced(s, seconds=0.5)
        assert s.rows("SELECT * FROM ats.job_template ORDER BY 2") == before


@pytest.mark.parametrize(
    "elements", [[], [{"descriptions": "no key"}], [{"templateKey": "azubi"}, "no object"], [None]]
)
def test_an_empty_or_partly_unreadable_answer_removes_nothing(
    elements: list[Any], database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path, config=NONE) as s:
        synced(s)
        before = offered(s)
        s.sandbox.set_templates(elements)
        result = synced(s)
        assert (result.whole, result.recorded.removed) == (False, 0)
        assert offered(s) == before


def test_an_answer_nested_without_end_is_one_unreadable_element(database_url: str, tmp_path: Path) -> None:
    with scene(database_url, tmp_path, config=NONE) as s:
        s.sandbox.inject(Fault("templates", "nested", times=1))
        assert (synced(s).listed, offered(s)) == (0, [])


def test_a_change_is_taken_over_and_counted(database_url: str, tmp_path: Path) -> None:
    with scene(database_url, tmp_path, config=NONE) as s:
        s.sandbox.set_templates([{"templateKey": "a", "descriptions": "x"}, {"templateKey": 7}])
        assert synced(s).recorded.new == 2
        s.sandbox.set_templates([{"templateKey": "a", "descriptions": "y", "more": [1]}, {"templateKey": 7}])
        assert synced(s).recorded.changed == 1
        [row] = s.rows("SELECT description, raw FROM ats.job_template WHERE template_key = 'a'")
        assert row == {"description": "y", "raw": {"templateKey": "a", "descriptions": "y", "more": [1]}}


def test_two_at_once_come_to_the_same(database_url: str, tmp_path: Path) -> None:
    with scene(database_url, tmp_path, config=NONE) as s:
        problems: list[BaseException] = []

        def work() -> None:
            try:
                synced(s)
            except BaseException as error:
                problems.append(error)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert problems == []
        assert len(offered(s)) == 8


def test_the_client_alone_lists_them_without_a_database() -> None:
    with (
        Sandbox(NONE) as sandbox,
        PitchYou("acme", sandbox.config.client_secret, base_url=sandbox.url) as api,
    ):
        assert [template.template_key for template in api.templates().templates][:2] == [
            "standard",
            "pflege-standard",
        ]


def test_the_command_syncs_and_lists_for_people_and_for_machines(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=0)) as here:
        listed = here.run("templates")
        assert (listed.returncode, listed.stderr) == (0, "")
        assert "acme  azubi  Azubi-Interview mit Schulzeugnis\n" in listed.stdout
        here.sandbox.withdraw_template("azubi")
        entries = json.loads(here.run("templates", "--json").stdout)["templates"]
        assert [entry["template_key"] for entry in entries if entry["removed_at"]] == ["azubi"]
        requests = len(here.sandbox.ledger.requests)
        assert (
            "azubi  Azubi-Interview mit Schulzeugnis  [removed 20"
            in here.run("templates", "--no-sync").stdout
        )
        assert len(here.sandbox.ledger.requests) == requests


def test_the_command_says_when_the_answer_was_incomplete_or_none(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=0)) as here:
        here.sandbox.set_templates([])
        empty = here.run("templates")
        assert (empty.returncode, empty.stdout) == (3, "No templates.\n")
        assert "listed 0 templates" in empty.stderr
        here.sandbox.inject(Fault("templates", "status", status=403, times=MANY))
        refused = here.run("templates")
        assert refused.returncode == 1
        assert refused.stderr == "syncd: acme: PitchYou refused the list of templates with HTTP 403\n"


def test_one_client_that_fails_keeps_no_other_from_its_templates(database_url: str, tmp_path: Path) -> None:
    config = SandboxConfig(profiles=0, tenants=(Tenant("beta", "right", 0),))
    with site(database_url, tmp_path, config) as here:
        result = here.run("templates", CLIENTS__1__CLIENT_SECRET="wrong")
        assert result.returncode == 3
        assert "syncd: beta: " in result.stderr
        assert here.rows("SELECT DISTINCT client_id FROM ats.job_template") == [("acme",)]


def test_a_hostile_description_cannot_steer_the_terminal(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=0)) as here:
        here.sandbox.set_templates(
            [{"templateKey": HOSTILE, "descriptions": HOSTILE + "<script>" + "x" * 10_000}]
        )
        code, written = on_a_terminal(here, "templates")
        assert code == 0
        assert "owned" in written
        assert not STEERING.search(written.replace("\r\n", "\n"))
