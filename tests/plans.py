"""Plans for tests: as the settings' defaults have them, with some fields replaced."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from syncd.cli.wiring import plan_of
from syncd.settings import ClientSettings, DatabaseSettings, Secret, Settings
from syncd.sync.work import Plan


def plan_for(client_id: str, **fields: Any) -> Plan:
    """Make the plan of a client for which only the required keys are configured, and replace these fields."""
    client = ClientSettings(client_id, Secret(None))
    return replace(plan_of(Settings(DatabaseSettings("")), client), **fields)
