"""The keys that tell the applicants of a client apart, see `syncd.persons`."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, text

from syncd.model import Profile
from syncd.persons import person_key

_SECRET = text("SELECT value FROM ops.secret WHERE name = 'person_key'")


def person_keys(
    connection: Connection, client_id: str, profiles: Iterable[Profile], region: str
) -> dict[str, str | None]:
    """Returns the key of each profile's person by the profile's id; None if it has neither phone nor e-mail.

    Args:
        region: the country of phone numbers without a country code.
    """
    secret = _secret(connection)
    return {
        profile.profile_id: person_key(
            secret, client_id, profile.contact.phone, profile.contact.email, region
        )
        for profile in profiles
    }


def _secret(connection: Connection) -> bytes:
    return bytes(connection.execute(_SECRET).scalar_one())


_WITHOUT_KEY = text(
    """
    SELECT a.profile_id, k.phone, k.email
    FROM unnest(CAST(:ids AS text[])) AS asked(id)
    CROSS JOIN LATERAL (
        SELECT profile_id FROM ats.application
        WHERE client_id = :client_id AND profile_id = asked.id AND person_key IS NULL AND erased_at IS NULL
        LIMIT 1
    ) AS a
    CROSS JOIN LATERAL (
        SELECT phone, email FROM ats.application_contact
        WHERE client_id = :client_id AND profile_id = a.profile_id AND (phone <> '' OR email <> '')
        LIMIT 1
    ) AS k
    """
)
# Why ANY and IS TRUE, here and below: see `report_erasure.py`.
_ADD_KEYS = text(
    """
    UPDATE ats.application a SET person_key = found.person_key
    FROM unnest(CAST(:ids AS text[]), CAST(:keys AS text[])) AS found(profile_id, person_key)
    WHERE a.client_id = :client_id AND a.profile_id = ANY(:ids) AND a.profile_id = found.profile_id
    """
)


def add_missing_keys(connection: Connection, client_id: str, ids: Sequence[str], region: str) -> None:
    """Tells the persons of applications apart that have not been told apart yet."""
    rows = connection.execute(_WITHOUT_KEY, {"client_id": client_id, "ids": list(ids)}).all()
    if not rows:
        return
    secret = _secret(connection)
    keys = {row.profile_id: person_key(secret, client_id, row.phone, row.email, region) for row in rows}
    found = {profile_id: key for profile_id, key in keys.items() if key}
    if found:
        connection.execute(
            _ADD_KEYS, {"client_id": client_id, "ids": list(found), "keys": list(found.values())}
        )


_NUMBER = text(
    """
    WITH n AS MATERIALIZED (
        SELECT
            application_key,
            row_number() OVER person + max(erased_before) OVER person AS no,
            applied_date - greatest(lag(applied_date) OVER person, max(erased_previous_date) OVER person) AS days
        FROM unnest(CAST(:persons AS text[])) AS asked(key)
        CROSS JOIN LATERAL (
            SELECT application_key, person_key, applied_at, profile_id, applied_date, erased_before, erased_previous_date
            FROM report_data.application
            WHERE person_key = asked.key AND (client_id = :client_id) IS TRUE
            OFFSET 0
        ) AS x
        WINDOW person AS (PARTITION BY person_key ORDER BY applied_at, profile_id)
    )
    UPDATE report_data.application r SET application_no = n.no, days_since_previous = n.days
    FROM n
    WHERE r.application_key = n.application_key AND r.application_key = ANY(ARRAY(SELECT application_key FROM n))
    AND (r.application_no, r.days_since_previous) IS DISTINCT FROM (n.no, n.days)
    """
)


def number(connection: Connection, client_id: str, persons: Sequence[str]) -> None:
    """Numbers the applications of each of these persons in the order in which they came."""
    connection.execute(_NUMBER, {"client_id": client_id, "persons": list(persons)})
