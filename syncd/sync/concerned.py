"""Names the applications that a database and a media root of different ages do not share. Reads names, and no bytes."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Connection

from syncd.deadline import Deadline
from syncd.media.confirmed import confirmed
from syncd.media.paths import has_digest, key_at, path_of, profile_at
from syncd.media.vault import Vault
from syncd.model import MediaKey
from syncd.store import marks, stored_files
from syncd.sync.client_store import ClientReader

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Concerned:
    """The applications that only one of the two knows.

    Attributes:
        without_row: the ids of applications that have files, but no row for them.
        unnamed: the number of files without a row whose path does not tell the application.
        only_confirmed: the ids of other applications that PitchYou was told are stored, in a revision that the database
            does not have.
        without_file: the ids of applications whose rows name files that are missing; confirmed ones first.
    """

    without_row: list[str]
    unnamed: int
    only_confirmed: list[str]
    without_file: list[str]


def concerned(store: ClientReader, vault: Vault, deadline: Deadline) -> Concerned:
    """Looks for each stored file on disk, and for the row of each file. Takes no lease."""
    missing: dict[str, bool] = {}
    after = MediaKey("", "")
    while rows := store.read(marks.files_after, after, _CHUNK):
        deadline.check()
        missing |= {key.profile_id: confirmed for key, path, confirmed in rows if not vault.has_file(path)}
        after = rows[-1][0]
    owners = [profile_at(path) for path in without_row(store, vault, deadline)]
    with_files = {owner for owner in owners if owner is not None}
    return Concerned(
        sorted(with_files),
        owners.count(None),
        sorted(set(_only_confirmed(store, vault, deadline)) - with_files),
        sorted(missing, key=lambda profile_id: (not missing[profile_id], profile_id)),
    )


def _only_confirmed(store: ClientReader, vault: Vault, deadline: Deadline) -> Iterator[str]:
    listed = confirmed(vault.beneath, store.client_id)
    while chunk := list(islice(listed, _CHUNK)):
        deadline.check()
        yield from store.read(marks.not_stored, chunk)


def without_row(store: ClientReader, vault: Vault, deadline: Deadline) -> Iterator[str]:
    """Gives the paths of the client's files that belong to no row."""
    paths = vault.files(store.client_id)
    while chunk := list(islice(paths, _CHUNK)):
        deadline.check()
        known = store.read(with_row, chunk)
        yield from (path for path in chunk if path not in known)


def with_row(connection: Connection, client_id: str, paths: list[str]) -> set[str]:
    """Returns those of `paths` that belong to a row: the row names the path, or a crash came before it could.

    syncd's own paths are ASCII. Others cannot belong to a row, and Postgres takes no name that is not UTF-8.
    """
    own = [path for path in paths if path.isascii() and path.isprintable()]
    keys = [key for path in own if (key := key_at(path))]
    rows = stored_files.rows_of(connection, client_id, keys, [path for path in own if has_digest(path)])
    return {path or path_of(client_id, key) for key, path in rows}.intersection(paths)
