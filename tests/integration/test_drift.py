"""`ops.schema_drift` and `syncd drift`: what the payload holds beyond what syncd knows, noted once and without values."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from syncd.deadline import Deadline
from syncd.model import Outcome
from syncd.sandbox import SandboxConfig, Tenant
from syncd.store import drift
from syncd.store.database import Database
from tests.integration.settling import assert_idle
from tests.integration.test_rules_of_the_house import trigger
from tests.scene import Scene, scene
from tests.system.processes import Site, site
from tests.unit.log_lines import logging_to

CANARY = "Kanarienvogel"


def put(s: Scene | Site, profile_id: str, client: str | None = None, **values: Any) -> None:
    s.sandbox.put_raw_profile(json.dumps({"profileId": profile_id, **values}).encode(), client)


def noted(s: Scene) -> dict[str, int]:
    return {row["path"]: row["seen"] for row in s.rows("SELECT path, seen FROM ops.schema_drift")}


def test_a_field_is_noted_once_and_counted_afterwards_and_a_failure_of_it_fails_no_cycle(
    database_url: str, tmp_path: Path
) -> None:
    log = StringIO()
    with (
        scene(database_url, tmp_path, config=SandboxConfig(profiles=0)) as s,
        logging_to(log, "json", "info"),
    ):

        def events(name: str) -> list[dict[str, Any]]:
            found = [json.loads(line) for line in log.getvalue().splitlines()]
            return [each for each in found if each["event"] == name]

        for number in range(3):
            put(s, f"P{number}", mood=CANARY, steps=[{"question": "?", "stars": 5}] * 4)
        s.cycle()
        assert noted(s) == {"$.mood": 3, "$.steps[*].stars": 3}
        assert_idle(s)
        odd: dict[str, Any] = {f"{CANARY}@example.org": {CANARY + "1234567": 1}}
        put(s, "P3", mood=CANARY, **odd)
        odd = {CANARY: 1, "nested": {CANARY: {CANARY: 1}}}
        put(s, "P3a", **odd)
        s.cycle()
        # Nobody can tell that these are personal.
        names = {f"$.{CANARY}": 1, f"$.nested.{CANARY}.{CANARY}": 1}
        assert noted(s) == {"$.mood": 4, "$.steps[*].stars": 3, "$.*.*": 1, **names}
        assert [event["new"] for event in events("drift_found")] == [2, 3]
        values = s.rows("SELECT * FROM ops.schema_drift WHERE NOT path = ANY(:names)", names=list(names))
        assert CANARY not in str(values) + log.getvalue()

        for statement in trigger("RAISE 'house rule';", table="ops.schema_drift"):
            s.execute(statement)
        put(s, "P4", weather="fine")
        ended = s.cycle()
        assert (ended.outcome, ended.tally.new, ended.tally.confirmed) == (Outcome.OK, 1, 1)
        assert [event["error"] for event in events("drift_not_noted")] == [["syncd.errors.DataRefused"]]
        assert "$.weather" not in noted(s)


def test_the_table_is_bounded_and_each_client_has_its_own_fields(database_url: str) -> None:
    further = ("*", "any")

    def note(connection: Connection, client: str, *names: str) -> int:
        found = {(f"$.{name}", "string"): 2 for name in names}
        return drift.note(connection, client, found, 3, further)

    with Database(database_url) as database:

        def work(connection: Connection) -> None:
            assert note(connection, "acme", "a", "b") == 2
            assert note(connection, "acme", "b", "c", "d", "e") == 1
            assert note(connection, "acme", "a", "f") == 0
            assert note(connection, "globex", "a") == 1

        database.transact(work, Deadline(30))
        found = database.transact(lambda c: drift.listed(c, ["acme", "globex"]), Deadline(30))
    assert [(each.client_id, each.path, each.seen) for each in found] == [
        *(("acme", "$.a", 4), ("acme", "$.b", 4), ("acme", "$.c", 2), ("acme", "*", 4)),
        ("globex", "$.a", 2),
    ]


def test_the_command_lists_the_fields_of_each_client_and_those_that_are_mapped_now(
    database_url: str, tmp_path: Path
) -> None:
    config = SandboxConfig(profiles=0, tenants=(Tenant("globex", "also-secret", 0),))
    with site(database_url, tmp_path, config) as here:
        assert here.run("drift").stdout.startswith("No unknown fields.")
        put(here, "P1", "acme", mobile="1", mood=None)
        put(here, "P1", "globex", mood=7)
        assert here.run("sync").returncode == 0
        mapped = {"CLIENTS__0__FIELDS__PHONE": "mobile"}
        lines = here.run("drift", **mapped).stdout.splitlines()
        assert [line.split("  ")[:4] for line in lines] == [
            ["acme", "$.mobile", "string", lines[0].split("  ")[3]],
            ["acme", "$.mood", "null", lines[1].split("  ")[3]],
            ["globex", "$.mood", "number", lines[2].split("  ")[3]],
        ]
        assert lines[0].endswith("mapped to phone; run `syncd replay`")
        assert lines[1].split("  ")[3].startswith("1 profile, ")
        [entry] = json.loads(here.run("drift", "--client", "globex", "--json").stdout)["drift"]
        assert (entry["path"], entry["type"], entry["seen"], entry["mapped_to"]) == (
            "$.mood",
            "number",
            1,
            None,
        )
