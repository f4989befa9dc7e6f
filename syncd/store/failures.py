"""What an error of Postgres means: whether to retry, and the sentence that the operator reads.

A sentence never quotes the error's own text, which may hold an applicant's data. The exception is a connection that could
not be made: there was no data yet, and only that text says why, in the server's language.
"""

import psycopg
from psycopg.pq.abc import PGconn
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from syncd.errors import DatabaseUnavailable
from syncd.shown import printable, shortened
from syncd.store.engine import BEGIN, BEGIN_SNAPSHOT

# SQLSTATEs: https://www.postgresql.org/docs/current/errcodes-appendix.html
# The SQLSTATE with which the BEGIN of `engine.py` fails on a standby. Other statements may fail with it elsewhere.
_NOT_IN_RECOVERY = "55000"
LOCK_TIMEOUT = "55P03"
# Another transaction or a timeout was in the way; the same work may succeed at once.
_CONFLICTS = frozenset({"40P01", "40001", LOCK_TIMEOUT, "57014", "25P03", "25P04"})
# The server is starting, stopping or out of connections.
_AWAY = frozenset({"57P01", "57P02", "57P03", "53300"})
# The server runs but cannot write: full disk, out of memory, read-only, I/O error.
_CANNOT_WRITE = frozenset({"53100", "53200", "25006", "58030"})
# Classes of errors: wrong login, unknown database, wrong grants or schema.
_NOT_ALLOWED = ("28", "3D", "42")
# Classes of errors: data exception, violated constraint or view, program limit, PL/pgSQL. The driver's own errors have no
# SQLSTATE.
_DATA = ("22", "23", "44", "54", "P0", "")
# The functions of Postgres that report what a trigger raises, with any SQLSTATE, and the row that a policy refuses.
_RULES = ("exec_stmt_raise", "ExecWithCheckOptions")

_BROKEN = "the connection broke or could not be made"
_NO_PRIMARY = "the host of database.url is a standby, which cannot be written to"
# libpq's own words for why it could not connect. Unlike the server's they are never translated.
# The last one must stay last: with several hosts, libpq says it of each standby.
_CONNECTING = (
    (
        "Connection refused",
        "nothing listens at the address of database.url: start Postgres, or correct host and port",
    ),
    ("translate host name", "the host name in database.url cannot be resolved"),
    ("resolve host", "the host name in database.url cannot be resolved"),
    ("timeout", "the host of database.url does not answer"),
    ("server closed the connection", _BROKEN),
    ("hot standby", _NO_PRIMARY),
)
# Each remedy follows libpq's own words, which name the file or the host.
_UNPROVEN = (
    (
        "authentication method requirement",
        "Store the role's password as SCRAM, or see database.tls in docs/configuration.md.",
    ),
    (
        "certificate",
        "Correct sslrootcert and the host in database.url, see database.tls in docs/configuration.md.",
    ),
    ("SSL", "Turn on TLS in Postgres, or see database.tls in docs/configuration.md."),
)
_SAID = {
    "25006": "Postgres is read-only",
    "53100": "the disk of Postgres is full",
    "53200": "Postgres is out of memory",
    "53300": "Postgres has no free connection",
    "57P01": "Postgres ended the connection",
    "57P02": "Postgres crashed",
    "57P03": "Postgres is starting or stopping",
    "58030": "the disk of Postgres fails",
}


def sqlstate(error: DBAPIError) -> str:
    """Returns Postgres' five-letter code, or an empty string if the error did not come from the server."""
    return getattr(error.orig, "sqlstate", None) or ""


def is_conflict(error: DBAPIError) -> bool:
    """Whether another transaction or a timeout was in the way, so that an immediate retry may succeed."""
    return sqlstate(error) in _CONFLICTS


def is_away(error: DBAPIError) -> bool:
    """Whether no primary could be reached. It may be back after a while."""
    state = sqlstate(error)
    if state in _AWAY or state.startswith("08") or is_standby(error):
        return True
    return state == "" and (error.connection_invalidated or isinstance(error, OperationalError))


def is_standby(error: DBAPIError) -> bool:
    """Whether the server is a standby, which only the question at the begin of a transaction shows."""
    return sqlstate(error) == _NOT_IN_RECOVERY and error.statement in (BEGIN, BEGIN_SNAPSHOT)


def cannot_write(state: str | None) -> bool:
    """Whether the SQLSTATE means that the server runs, but cannot write."""
    return state in _CANNOT_WRITE


def refuses_data(error: DBAPIError) -> bool:
    """Whether single data caused the error, so that other data may be accepted.

    An error with a context happened while Postgres worked on a row: in a trigger, or in a line of COPY.
    """
    diagnostics = getattr(error.orig, "diag", None)
    if getattr(diagnostics, "source_function", None) in _RULES:
        return True
    if (
        is_conflict(error)
        or is_away(error)
        or cannot_write(sqlstate(error))
        or isinstance(error, InterfaceError)
    ):
        return False
    return sqlstate(error)[:2] in _DATA or bool(getattr(diagnostics, "context", None))


def why_away(error: DBAPIError) -> str:
    """Returns why the server cannot be reached or cannot write."""
    state = sqlstate(error)
    if is_standby(error):
        return _NO_PRIMARY
    if state:
        return f"{_SAID[state]} (SQLSTATE {state})" if state in _SAID else f"SQLSTATE {state}"
    words = str(error.orig)
    known = next((reason for sign, reason in _CONNECTING if sign in words), None)
    connection = _failed_connection(error)
    if known or connection is None:
        return known or _BROKEN
    if connection.needs_password:
        return "database.url has no password, and the server requires one"
    remedies = [remedy for sign, remedy in _UNPROVEN if sign in words]
    if not remedies and connection.used_password:
        remedies = ["Check the user, the password and the database in database.url."]
    return ". ".join([_libpq_words(connection), *remedies[:1]])


def is_lasting(error: DBAPIError) -> bool:
    """Whether no server can be reached for a reason that usually stays until somebody acts."""
    connection = _failed_connection(error)
    logged_in = connection is not None and (connection.needs_password or connection.used_password)
    return logged_in or is_standby(error)


def _failed_connection(error: DBAPIError) -> PGconn | None:
    """Returns what libpq knows of a connection that could not be made, or None if there was one."""
    return error.orig.pgconn if isinstance(error.orig, psycopg.Error) else None


def _libpq_words(connection: PGconn) -> str:
    """Returns what libpq and the server said before the first query, when neither knew any applicant's data."""
    lines = connection.error_message.decode(errors="replace").splitlines() or [_BROKEN]
    # What follows is advice, such as not to verify the server.
    said = [line for line in lines if line.startswith("connection to server")] or lines[:1]
    text = " ".join(" ".join(said).split())
    password = (connection.password or b"").decode(errors="replace")
    return shortened(printable(text.replace(password, "***") if password else text), 500)


def explained(error: DBAPIError) -> DatabaseUnavailable:
    """Returns what to raise for an error that will not be retried, with a sentence for the operator."""
    state = sqlstate(error)
    if cannot_write(state):
        reason = (
            f"Postgres cannot write (SQLSTATE {state}). "
            "Free disk space, leave read-only mode, or point database.url at the primary."
        )
    elif is_conflict(error):
        reason = f"other transactions keep blocking (SQLSTATE {state})"
    elif state[:2] in _NOT_ALLOWED or isinstance(error, InterfaceError):
        reason = (
            f"Postgres does not let syncd work (SQLSTATE {state or 'none'}). "
            "Check database.url, the password, the role's grants and `syncd db current`."
        )
    elif is_away(error):
        reason = f"Postgres is away: {why_away(error)}"
    else:
        reason = (
            f"Postgres refuses a statement of syncd (SQLSTATE {state or 'none'}). "
            "Run `syncd check`. If it finds nothing, look for the reason in the log of Postgres."
        )
    return DatabaseUnavailable(reason, sqlstate=state, logged=cannot_write(state) or is_away(error))
