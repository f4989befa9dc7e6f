"""Notes which fields of the payload syncd does not know. Nothing that is stored or confirmed depends on it."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection

from syncd.errors import DatabaseUnavailable, DataRefused
from syncd.logs import get_logger
from syncd.pitchyou.drift import FURTHER, MAX_FIELDS, UnknownFields
from syncd.store import drift
from syncd.sync.client_store import ClientStore

P = ParamSpec("P")
T = TypeVar("T")
log = get_logger(__name__)


def note_drift(store: ClientStore, unknown: UnknownFields) -> None:
    """Adds what was counted to `ops.schema_drift`, and logs how many paths are new there.

    The paths themselves stay in the database: a payload may have a first name for a key.
    """
    if found := unknown.take():
        new = _write(store, drift.note, found, MAX_FIELDS, FURTHER)
        if new:
            log.info("drift_found", client_id=store.client_id, new=new)


def begin_recount(store: ClientStore) -> None:
    """Prepares for counting the fields of all stored profiles."""
    _write(store, drift.begin_recount)


def end_recount(store: ClientStore) -> None:
    """Forgets the fields that no stored profile has any more, such as those that are mapped now."""
    _write(store, drift.end_recount)


def _write(
    store: ClientStore,
    statements: Callable[Concatenate[Connection, str, P], T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T | None:
    """Writes as `store.write` does. A failure costs the note only: if Postgres is away, the next stage finds out."""
    try:
        return store.write(statements, *args, **kwargs)
    except (DataRefused, DatabaseUnavailable) as error:
        log.warning("drift_not_noted", client_id=store.client_id, error=error)
        return None
