"""Tests whether the media root takes what a cycle does with it, and leaves nothing behind: for `syncd check`."""

import errno
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from syncd.errors import MediaStoreFailed
from syncd.media.beneath import Root
from syncd.media.disk import disk_errors, fsync_folder
from syncd.media.folding import require_distinct_names
from syncd.media.vault import TEMPORARY, Vault


def probe(vault: Vault, client_ids: Iterable[str]) -> None:
    """Write, fsync, rename and remove a test file as a cycle would.

    If the root does not exist yet, does so in the folder in which a cycle would create it. If root runs syncd for
    another user, does so with the rights of that user.

    Raises:
        MediaStoreFailed: a cycle could not store files; the message says why.
    """
    vault.require_ours()
    with disk_errors, _acting_as(vault.beneath.owner):
        clients = [client for client in client_ids if vault.has_folder(client)]
        if os.path.lexists(vault.root / TEMPORARY):
            with vault.beneath.folder(TEMPORARY):
                pass
        with _test_folder(_where(vault.root)) as folder:
            _store_a_file(folder)
            require_distinct_names(folder, "Folding")
            for client in clients:
                _move_into(vault.beneath, client, folder / "inner")


@contextmanager
def _acting_as(owner: tuple[int, int] | None) -> Iterator[None]:
    if owner is None:
        yield
        return
    groups, gid = os.getgroups(), os.getegid()
    os.setgroups([owner[1]])
    os.setegid(owner[1])
    os.seteuid(owner[0])
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(gid)
        os.setgroups(groups)


def _where(root: Path) -> Path:
    """Return the folder for the test: the one for partial files, or the closest one above it that exists."""
    folders = (root / TEMPORARY, root, *root.parents)
    return next(folder for folder in folders if os.path.lexists(folder))


@contextmanager
def _test_folder(above: Path) -> Iterator[Path]:
    """Create a folder with a folder in it, and remove both at the end."""
    folder = above / f".syncd-check.{secrets.token_hex(8)}"
    try:
        folder.mkdir(mode=0o700)
        (folder / "inner").mkdir(mode=0o700)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _store_a_file(folder: Path) -> None:
    with (folder / "file").open("xb") as file:
        file.write(b"syncd")
        file.flush()
        os.fsync(file.fileno())
    (folder / "file").rename(folder / "inner" / "file")
    for path in (folder / "inner", folder, folder.parent):
        fsync_folder(Root(path))


def _move_into(root: Root, client_id: str, inner: Path) -> None:
    """Move a folder into the client's and back. A folder, since `syncd verify` would report a file."""
    name = f".syncd-check.{secrets.token_hex(8)}"
    with root.folder(client_id) as descriptor:
        os.fsync(descriptor)
        try:
            os.rename(inner, name, dst_dir_fd=descriptor)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            raise MediaStoreFailed(
                f"the folder {root.path / client_id} is a mount of its own, so that no file can be moved into it. "
                "Mount the disk at the media root instead"
            ) from None
        os.rename(name, inner, src_dir_fd=descriptor)
