"""Names the sessions that keep syncd waiting for a lock, so that somebody can end them."""

from sqlalchemy import Connection, text

from syncd.shown import quoted

_SESSIONS = text(
    """
    SELECT DISTINCT pid, usename
    FROM pg_locks JOIN pg_stat_activity USING (pid) JOIN pg_class ON pg_class.oid = relation
    WHERE granted AND pid != pg_backend_pid() AND datname = current_database()
    AND relnamespace IN (to_regnamespace('ats'), to_regnamespace('ops'), to_regnamespace('report'))
    AND (:readers OR mode != 'AccessShareLock')
    ORDER BY pid LIMIT 3
    """
)


def describe(connection: Connection, *, readers: bool = False) -> str:
    """Returns a sentence that names up to three sessions which hold locks on syncd's tables, or an empty string.

    Args:
        readers: also name sessions that only read. They block nobody but a migration.
    """
    sessions = connection.execute(_SESSIONS, {"readers": readers}).all()
    if not sessions:
        return ""
    named = ", ".join(f"{each.pid} of role {quoted(each.usename)}" for each in sessions)
    return (
        f"Sessions with locks: {named}. End their transactions, or end them with pg_terminate_backend(PID)."
    )
