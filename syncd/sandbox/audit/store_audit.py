"""Audits whether what the client confirms is in its database and on its disk. Uses its own SQL and connection.

The audit runs before the sandbox answers a confirm, so that it notices a client that confirms too early (invariants I1
to I4 of the design). It shares no code with the client.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from syncd.sandbox.audit.checks import (
    CONTACT,
    PASSED_THROUGH,
    MediaRow,
    Scene,
    Stored,
    check_id,
    check_profile,
)
from syncd.sandbox.audit.side_tables import check_side_tables
from syncd.sandbox.config import SandboxConfig
from syncd.sandbox.content.population import Entry, Population
from syncd.sandbox.ledger import Ledger, typed

if TYPE_CHECKING:
    import psycopg

_T = TypeVar("_T")
_PATIENCE = 10.0  # seconds to wait for a database that restarts
_BATCH = 500


class AuditUnavailable(Exception):
    """The audit could not read the client's database, so it has no result."""


@dataclass
class AuditReport:
    """The number of profiles and media files that were checked, and all findings."""

    profiles: int = 0
    media: int = 0
    findings: list[str] = field(default_factory=list)


def audit_confirm(
    config: SandboxConfig, population: Population, ledger: Ledger, ids: Sequence[Any]
) -> list[str]:
    """Returns the findings about one confirm, each with its id; none if everything confirmed is durable.

    Checks only the ids themselves without `database_url`. Raises AuditUnavailable if the database cannot be read for
    ten seconds.
    """
    scene = Scene(config, population, ledger)
    findings = []
    good: dict[str, Any] = {}
    for each in ids:
        wrong = check_id(scene, each)
        if wrong:
            findings.append(wrong)
        elif str(each) in good:
            findings.append(f"{each!r}: twice in one confirm")
        else:
            good[str(each)] = each
    if config.database_url is None:
        return findings
    stored = _read(config.database_url, partial(_stored, client=scene.client, ids=list(good)))
    for text, each in good.items():
        findings += check_profile(scene, each, stored[text])
        findings += [
            f"{each!r}: confirmed, though media {media!r} was rejected"
            for media, rows in stored[text].media.items()
            if rows[0].state == "rejected"
        ]
        held = {media for media, rows in stored[text].media.items() if rows[0].state == "stored"}
        ledger.kept.update((scene.client, text, media) for media in held)
    return findings


def audit_store(
    config: SandboxConfig,
    populations: Mapping[str, Population],
    ledger: Ledger,
    *,
    confirmed_once: bool = False,
) -> AuditReport:
    """Audits the whole store at the end of a scenario.

    Every profile of a complete answer must have exactly one row, of its newest version, with its answers and files, and
    must be confirmed with its JSON type. The store must hold nothing that was never listed. Raw elements must be stored
    or in quarantine, with their bytes, once. Each job must be one that an application names. The media root must hold
    exactly the stored files. With `confirmed_once`, a second confirm of an unchanged profile is a finding.

    Raises ValueError without `database_url` and `media_root`, AuditUnavailable if the database cannot be read for ten
    seconds.
    """
    if config.database_url is None or config.media_root is None:
        raise ValueError("the audit of the store needs database_url and media_root")
    scenes = [Scene(config, population, ledger) for population in populations.values()]
    report, paths = _read(config.database_url, partial(_audit_tables, scenes=scenes, once=confirmed_once))
    on_disk = set(_files_below(config.media_root))
    report.findings += [f"{path}: a file that no row of ats.media names" for path in sorted(on_disk - paths)]
    return report


def _audit_tables(
    connection: "psycopg.Connection[Any]", scenes: Sequence[Scene], once: bool
) -> tuple[AuditReport, set[str]]:
    """Returns the findings about all clients, and the paths of the stored files."""
    report = AuditReport()
    paths: set[str] = set()
    for scene in scenes:
        _audit_client(connection, scene, report, once)
        stored = _stored_paths(connection, scene.client)
        report.media += len(stored)
        paths.update(stored)
    return report, paths


def _stored_paths(connection: "psycopg.Connection[Any]", client: str) -> list[str]:
    rows = connection.execute(
        "SELECT storage_path FROM ats.media WHERE client_id = %s AND state = 'stored'", (client,)
    )
    return [str(path) for (path,) in rows]


def _files_below(root: Path) -> Iterator[str]:
    paths = (path.relative_to(root) for path in root.rglob("*") if path.is_symlink() or not path.is_dir())
    # What the client's repair found without a row, and the client's own marks, are kept there on purpose.
    return (str(path) for path in paths if path.parts[0] not in (".lost", ".syncd-store"))


def _audit_client(
    connection: "psycopg.Connection[Any]", scene: Scene, report: AuditReport, once: bool
) -> None:
    last: dict[str, Entry] = {}
    for entry in scene.population.entries():
        if entry.taken >= 0:
            last[str(entry.profile_id)] = entry
    confirms = scene.ledger.times_confirmed(scene.client)
    keys = iter(last)
    while batch := list(islice(keys, _BATCH)):
        stored = _stored(connection, scene.client, batch)
        for text in batch:
            entry = last[text]
            if entry.raw is None or stored[text].revisions:
                report.findings += check_profile(scene, entry.profile_id, stored[text], newest=True)
                report.findings += _check_confirmed(scene, entry, stored[text], confirms, once=once)
    report.profiles += len(last)
    listed = {str(entry.profile_id) for entry in scene.population.entries() if entry.listed}
    report.findings += _surplus(connection, scene.client, listed)
    report.findings += _lost_raw(connection, scene)
    report.findings += check_side_tables(connection, scene)


def _check_confirmed(
    scene: Scene, entry: Entry, stored: Stored, confirms: Mapping[Any, int], *, once: bool
) -> list[str]:
    name = repr(entry.profile_id)
    if str(entry.profile_id) in scene.config.bad_confirm_ids:
        return []
    times = confirms.get(typed(entry.profile_id), 0)
    findings = [] if times else [f"{name}: served, but never confirmed as {type(entry.profile_id).__name__}"]
    if times and entry.confirmed < entry.taken:
        findings.append(f"{name}: version {entry.taken} was served, but never confirmed")
    if once and times > 1 + entry.version:
        findings.append(f"{name}: confirmed {times} times for {1 + entry.version} version(s)")
    for revision, confirmed in stored.revisions:
        if revision != confirmed:
            findings.append(
                f"{name}: revision {revision} is stored, but revision {confirmed} is marked confirmed"
            )
    return findings


def _surplus(connection: "psycopg.Connection[Any]", client: str, listed: set[str]) -> list[str]:
    rows = connection.execute("SELECT profile_id FROM ats.application WHERE client_id = %s", (client,))
    return [f"{profile!r}: stored, but it was never listed" for (profile,) in rows if profile not in listed]


_DOWNLOAD_URI = re.compile(rb'"downloadUri"\s*:\s*"(?:[^"\\]|\\.)*"')
_PAYLOADS = """
    SELECT payload FROM ops.quarantine WHERE client_id = %(client)s AND error <> ''
    UNION ALL
    SELECT payload FROM ats.application_raw WHERE client_id = %(client)s
    """


def _lost_raw(connection: "psycopg.Connection[Any]", scene: Scene) -> list[str]:
    raw = [entry for entry in scene.population.entries() if entry.raw is not None and entry.taken >= 0]
    if not raw:
        return []
    kept = {bytes(payload).strip() for (payload,) in connection.execute(_PAYLOADS, {"client": scene.client})}
    alike = {_DOWNLOAD_URI.sub(b"", payload) for payload in kept}
    findings = []
    for entry in raw:
        sent = (entry.raw or b"").strip()
        if entry.profile_id is None:
            # Of those without an id that differ in addresses alone, the newest is enough.
            superseded = _DOWNLOAD_URI.sub(b"", sent) in alike
        else:
            superseded = scene.population.find(entry.profile_id)[-1] is not entry
        if not superseded and sent not in kept:
            findings.append(f"{entry.profile_id!r}: a raw element is neither stored nor in quarantine")
    return findings


_APPLICATIONS = f"""
    SELECT t.profile_id, t.revision, t.confirmed_revision, r.payload, {", ".join(PASSED_THROUGH)}
    FROM ats.application t LEFT JOIN ats.application_raw r USING (client_id, profile_id, revision)
    WHERE t.client_id = %s AND t.profile_id = ANY(%s)
    """
_CONTACTS = f"""
    SELECT profile_id, extra, {", ".join(CONTACT)} FROM ats.application_contact
    WHERE client_id = %s AND profile_id = ANY(%s)
    """
_ANSWERS = """
    SELECT profile_id, step_no, question, answer, answer_json FROM ats.answer
    WHERE client_id = %s AND profile_id = ANY(%s)
    """
_MEDIA = """
    SELECT profile_id, media_id, state, size_bytes, sha256, storage_path, mime_type, file_name FROM ats.media
    WHERE client_id = %s AND profile_id = ANY(%s)
    """
_ATTACHMENTS = """
    SELECT profile_id, role, step_no, ordinal, media_id FROM ats.attachment
    WHERE client_id = %s AND profile_id = ANY(%s)
    """


def _stored(connection: "psycopg.Connection[Any]", client: str, ids: list[str]) -> dict[str, Stored]:
    found = {each: Stored() for each in ids}
    rows = connection.execute(_APPLICATIONS, (client, ids))
    for profile, revision, confirmed, payload, *passed in rows:
        found[profile].revisions.append((revision, confirmed))
        found[profile].payload = payload
        found[profile].passed_through = dict(zip(PASSED_THROUGH, passed, strict=True))
    rows = connection.execute(_CONTACTS, (client, ids))
    for profile, *columns in rows:
        found[profile].contact = dict(zip(("extra", *CONTACT), columns, strict=True))
    rows = connection.execute(_ANSWERS, (client, ids))
    for profile, step_no, *answer in rows:
        found[profile].answers.setdefault(step_no, []).append((answer[0], answer[1], answer[2]))
    rows = connection.execute(_MEDIA, (client, ids))
    for profile, media_id, *columns in rows:
        found[profile].media.setdefault(media_id, []).append(MediaRow(*columns))
    rows = connection.execute(_ATTACHMENTS, (client, ids))
    for profile, role, step_no, ordinal, media_id in rows:
        found[profile].attachments.append((role, step_no, ordinal, media_id))
    return found


def _read(url: str, query: "Callable[[psycopg.Connection[Any]], _T]") -> _T:
    """Runs a query in one snapshot, and waits for a database that restarts."""
    # Only the audit needs a driver; a sandbox must start without one.
    import psycopg

    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            with psycopg.connect(url.replace("+psycopg", "", 1), connect_timeout=5) as connection:
                connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                connection.read_only = True
                return query(connection)
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                raise AuditUnavailable(f"no answer from the database: {type(error).__name__}") from error
            time.sleep(0.2)
        except psycopg.Error as error:
            raise AuditUnavailable(f"the database refused the audit's query: {error}") from error
