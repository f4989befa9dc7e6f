"""Checks the tables beside the applications: entries in quarantine, and the jobs that applications name."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from syncd.sandbox.audit.checks import Scene, clean, kept_of, versions_listed
from syncd.sandbox.content.population import Entry

if TYPE_CHECKING:
    import psycopg

_DOUBLED = """
    SELECT min(profile_id), count(*) FROM ops.quarantine
    WHERE client_id = %s AND resolved_at IS NULL
    GROUP BY payload HAVING count(*) > 1
    """
_JOBLESS = """
    SELECT a.profile_id FROM ats.application a
    LEFT JOIN ats.job j USING (client_id, external_reference_id)
    WHERE a.client_id = %s AND a.external_reference_id IS NOT NULL AND j.client_id IS NULL
    """
_STUBS = "SELECT external_reference_id FROM ats.job WHERE client_id = %s AND origin = 'stub'"


def check_side_tables(connection: "psycopg.Connection[Any]", scene: Scene) -> list[str]:
    """Returns the findings about one client: doubled entries in quarantine, missing jobs, and jobs from nowhere."""
    doubled = connection.execute(_DOUBLED, (scene.client,))
    findings = [
        f"{profile!r}: {count} entries in quarantine with the same bytes" for profile, count in doubled
    ]
    jobless = connection.execute(_JOBLESS, (scene.client,))
    findings += [f"{profile!r}: no row in ats.job for its reference" for (profile,) in jobless]
    named = {text for entry in scene.population.entries() for text in _references(scene, entry)}
    stubs = {str(reference) for (reference,) in connection.execute(_STUBS, (scene.client,))}
    return findings + [f"job {job!r}: no profile that was listed names it" for job in sorted(stubs - named)]


def _references(scene: Scene, entry: Entry) -> Iterator[str]:
    """Returns the references in all listed versions of an entry, as text."""
    for version in versions_listed(entry):
        profile: Any = scene.population.at(entry, version)
        if entry.raw is not None and version == 0:
            try:
                # A number counts as it was written: 1e5 is no 100000.0.
                profile = json.loads(entry.raw, parse_int=str, parse_float=str)
            except (ValueError, RecursionError):
                profile = None
        value = profile.get("externalReferenceId") if isinstance(profile, dict) else None
        if value is not None:
            yield kept_of(clean(value) if isinstance(value, str) else json.dumps(value))
