"""Checks whether the role of `database.url` may do what a cycle does, and whether Postgres takes it."""

import secrets

from sqlalchemy import Connection, text

from syncd.errors import SyncdError

# What a cycle does with each table. Other commands need more; `syncd db roles` grants all of it.
_NEEDED = {
    "ats.client": "SELECT, INSERT, UPDATE",
    "ats.job": "SELECT, INSERT",
    "ats.application": "SELECT, INSERT, UPDATE",
    "ats.application_contact": "SELECT, INSERT, DELETE",
    "ats.application_raw": "SELECT, INSERT",
    "ats.answer": "SELECT, INSERT, DELETE",
    "ats.attachment": "SELECT, INSERT, DELETE",
    "ats.media": "SELECT, INSERT, UPDATE, DELETE",
    "ats.cost": "SELECT",
    "ats.outcome": "SELECT",
    "ops.lease": "SELECT, INSERT, UPDATE",
    "ops.client_state": "SELECT, INSERT, UPDATE",
    "ops.cycle": "SELECT, INSERT, DELETE",
    "ops.quarantine": "SELECT, INSERT, UPDATE",
    "ops.media_removal": "SELECT, INSERT, DELETE",
    "ops.secret": "SELECT",
    "ops.schema_drift": "SELECT, INSERT, UPDATE",
    "ops.store_mark": "SELECT, INSERT, UPDATE",
    "report_data.due": "SELECT, INSERT, DELETE",
    "report_data.application": "SELECT, INSERT, UPDATE",
    "report_data.placeholder_cv": "SELECT, INSERT",
    "report_data.question": "SELECT, INSERT, UPDATE",
    "report_data.question_check": "SELECT, INSERT, UPDATE",
    "report_data.option": "SELECT, INSERT",
    "report_data.option_count": "SELECT, INSERT, UPDATE, DELETE",
    "ops.alembic_version": "SELECT",
}

# The catalogs can be read without rights to the schema, unlike with to_regclass().
_MISSING = text(
    """
    SELECT name, required
    FROM unnest(CAST(:names AS text[]), CAST(:rights AS text[])) AS needed (name, required)
    JOIN pg_namespace n ON n.nspname = split_part(name, '.', 1)
    JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = split_part(name, '.', 2)
    WHERE NOT (has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, required))
    ORDER BY name, required
    """
)
_FILTERED = text(
    """
    SELECT name
    FROM unnest(CAST(:names AS text[])) AS needed (name)
    JOIN pg_namespace n ON n.nspname = split_part(name, '.', 1)
    JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = split_part(name, '.', 2)
    WHERE row_security_active(c.oid)
    ORDER BY name
    """
)
_READ_ONLY = text("SELECT current_setting('transaction_read_only') = 'on'")
_PROBE = text(
    """
    INSERT INTO ops.quarantine (client_id, stage, error, fingerprint, payload)
    VALUES ('', 'read', 'a test of syncd check', :fingerprint, :payload)
    """
)
_PROBE_BYTES = 64 * 1024
_ROLE = text(
    """
    SELECT current_user AS name,
           (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS is_superuser,
           (SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('ats.application')) AS is_owner
    """
)


def require_rights(connection: Connection) -> None:
    """Raise `SyncdError` with every right that a cycle needs and the role lacks, or if the database is read-only."""
    if connection.execute(_READ_ONLY).scalar_one():
        raise SyncdError(
            "transactions of this role are read-only. Set default_transaction_read_only = off for the role and the database"
        )
    pairs = [(name, each) for name, rights in _NEEDED.items() for each in rights.split(", ")]
    names, rights = zip(*pairs, strict=True)
    missing = connection.execute(_MISSING, {"names": list(names), "rights": list(rights)}).all()
    if missing:
        lacking = ", ".join(f"{row.required} on {row.name}" for row in missing)
        raise SyncdError(f"the role lacks {lacking}. Run the SQL that `syncd db roles` prints")
    filtered = connection.execute(_FILTERED, {"names": list(_NEEDED)}).scalars().all()
    if filtered:
        raise SyncdError(
            f"row level security hides rows of {', '.join(filtered)} from the role. "
            "Grant the role BYPASSRLS, or disable row level security for these tables"
        )


def require_room(connection: Connection) -> None:
    """Write a row as long as a profile, and take it back. Raise as Postgres does if it cannot write."""
    # Random bytes, so that Postgres cannot compress them.
    values = {"fingerprint": secrets.token_bytes(32), "payload": secrets.token_bytes(_PROBE_BYTES)}
    attempt = connection.begin_nested()
    connection.execute(_PROBE, values)
    attempt.rollback()


def advice(connection: Connection) -> list[str]:
    """Return what works, but would be safer otherwise."""
    role = connection.execute(_ROLE).one()
    if role.is_superuser:
        what = "is a superuser"
    elif role.is_owner:
        what = "owns the tables"
    else:
        return []
    return [
        f"database.url: role '{role.name}' {what}; a role that may only change rows is safer: see `syncd db roles`"
    ]
