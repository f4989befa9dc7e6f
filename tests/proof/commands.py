"""Kills the commands other than a usual sync at each system call: a first sync, migrations, and all that write."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from syncd.sandbox import SandboxConfig
from syncd.store import migrate
from tests.proof.summary import NOT_REACHED
from tests.proof.traced import traced
from tests.proof.world import (
    EMPTY,
    SMALL_STEPS,
    SMALL_STEPS_ENVIRON,
    TEMPLATE,
    busy,
    cycle,
    installation,
)
from tests.system.processes import Site

SEED = 11
_JOBS = "SELECT external_reference_id, title, origin, closed_at IS NULL FROM ats.job ORDER BY 1"
_LINKS = "SELECT url FROM ats.apply_link ORDER BY 1"
_TEMPLATES = "SELECT template_key, description, removed_at IS NULL FROM ats.job_template ORDER BY 1"
_REFUSES = "ALTER TABLE ats.application ADD CONSTRAINT refuses CHECK (utm_source <> 'no')"


@dataclass(frozen=True)
class Scenario:
    """A command, the installation that it starts in, and what must hold when it was run again after the kill.

    `atomic` is a query whose result a kill leaves as it was, or as the complete command makes it.
    """

    command: tuple[str, ...]
    ready: Callable[[], AbstractContextManager[Site]]
    code: int = 0
    atomic: str = ""
    check: Callable[[Site], None] = lambda here: None


@contextmanager
def _new(template: str = TEMPLATE) -> Iterator[Site]:
    config = SandboxConfig(profiles=6, seed=SEED)
    with installation(config, template=template, **SMALL_STEPS_ENVIRON) as here:
        here.sandbox.put_raw_profile(b'{"profileId": "broken", "answers": NaN}')
        yield here


@contextmanager
def _synced() -> Iterator[Site]:
    with installation(SandboxConfig(profiles=6, seed=SEED), **SMALL_STEPS_ENVIRON) as here:
        cycle(here, **SMALL_STEPS)
        yield here


@contextmanager
def _old_schema() -> Iterator[Site]:
    with busy(SEED) as here:
        migrate.downgrade(here.database_url, "0002")
        # That version wrote no marks.
        shutil.rmtree(here.media_root / ".syncd-store")
        yield here


@contextmanager
def _with_jobs() -> Iterator[Site]:
    with _synced() as here:
        known = here.value("SELECT min(external_reference_id) FROM ats.job")
        lines = ["reference,title", f"{known},Koch", *(f"new-{number},Fahrer" for number in range(5))]
        (here.folder / "jobs.csv").write_text("\n".join(lines))
        here.execute(
            "INSERT INTO ats.job (client_id, external_reference_id, origin) VALUES ('acme', 'old', 'import')"
        )
        yield here


@contextmanager
def _with_quarantine() -> Iterator[Site]:
    with _synced() as here:
        here.execute(_REFUSES)
        for number in range(3):
            here.sandbox.put_raw_profile(b'{"profileId": "q%d", "utmSource": "no", "steps": []}' % number)
        cycle(here, **SMALL_STEPS)
        here.execute("ALTER TABLE ats.application DROP CONSTRAINT refuses")
        yield here


@contextmanager
def _with_damaged_files() -> Iterator[Site]:
    with _synced() as here:
        damaged, missing, *_ = sorted(
            path for path in (here.media_root / "acme").rglob("*") if path.is_file()
        )
        damaged.write_bytes(b"damaged")
        shutil.rmtree(missing.parent)
        yield here


def _has_no_entry(here: Site) -> None:
    assert here.value("SELECT count(*) FROM ops.quarantine WHERE resolved_at IS NULL") == 0
    assert here.value("SELECT count(*) FROM ats.application WHERE utm_source = 'no'") == 3


def _has_one_link(here: Site) -> None:
    assert here.value("SELECT count(*) FROM ats.apply_link") == 1


def _has_recorded_every_chat(here: Site) -> None:
    """A token that was issued before the kill may be lost; one that was printed is recorded."""
    assert here.value("SELECT count(*) FROM ats.chat_request") in (1, 2)


SCENARIOS = {
    "first sync": Scenario(("sync", "--json"), _new, code=3),
    "first migration": Scenario(("db", "upgrade"), lambda: _new(EMPTY)),
    "migration of a store in use": Scenario(("db", "upgrade"), _old_schema),
    "jobs import": Scenario(("jobs", "import", "jobs.csv", "--complete"), _with_jobs, atomic=_JOBS),
    "templates": Scenario(("templates",), _synced, atomic=_TEMPLATES),
    "apply-link": Scenario(
        ("apply-link", "--job", "J-1", "--title", "Koch"), _synced, atomic=_LINKS, check=_has_one_link
    ),
    "chat": Scenario(("chat", "PROFILE"), _synced, check=_has_recorded_every_chat),
    "quarantine retry": Scenario(("quarantine", "retry"), _with_quarantine, check=_has_no_entry),
    "verify --repair": Scenario(("verify", "--repair"), _with_damaged_files),
}


def points() -> Iterator[str]:
    """Lists all points, as `scenario:number` of the call, from one run of each command that nothing kills."""
    for name, scenario in SCENARIOS.items():
        with scenario.ready() as here:
            calls, code = _traced(here, scenario)
            assert code == scenario.code, (name, code)
        yield from (f"{name}:{number}" for number in range(1, len(calls) + 1))


def summary(held: Mapping[str, str]) -> str:
    """Returns what was really done, for the report."""
    kills = sum(words != NOT_REACHED for words in held.values())
    return f"{kills:,} kills of {len({point.partition(':')[0] for point in held})} commands"


def prove(point: str) -> str:
    """Kills a command at one point, runs it again, and asks the oracle. Returns the call that the kill prevented."""
    name, _, number = point.rpartition(":")
    scenario = SCENARIOS[name]
    with scenario.ready() as here:
        before = here.rows(scenario.atomic) if scenario.atomic else []
        calls, code = _traced(here, scenario, kill_at=("", int(number)))
        killed = here.rows(scenario.atomic) if scenario.atomic else []
        again = here.run(*_arguments(here, scenario))
        assert again.returncode == scenario.code, again.stderr
        complete = here.rows(scenario.atomic) if scenario.atomic else []
        assert killed in (before, complete), "the command was done in part"
        scenario.check(here)
        cycle(here, **SMALL_STEPS)
        here.assert_complete()
        assert here.value("SELECT count(*) FROM ats.application WHERE revision > confirmed_revision") == 0
        assert here.value("SELECT count(*) FROM ops.client_state WHERE is_running") == 0
    return calls[-1] if code == -9 else NOT_REACHED


def _traced(here: Site, scenario: Scenario, kill_at: tuple[str, int] | None = None) -> tuple[list[str], int]:
    return traced(*_arguments(here, scenario), environ=here.environ, root=here.media_root, kill_at=kill_at)


def _arguments(here: Site, scenario: Scenario) -> list[str]:
    """Returns the command with the file and the id of this installation in it."""
    places = {"jobs.csv": str(here.folder / "jobs.csv")}
    if "PROFILE" in scenario.command:
        places["PROFILE"] = here.value("SELECT min(profile_id) FROM ats.application")
    return [places.get(each, each) for each in scenario.command]
