"""Tells whether another user of this machine could change a file or folder that syncd relies on.

The rule is OpenSSH's StrictModes (ADR 22): a path counts if it, each folder above it and each symbolic link on the way
belongs to root or to us, and nobody else can write to it.
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

_MOST_LINKS = 40


def weakness(path: Path, *, named: bool = True, trusted: int | None = None) -> str | None:
    """Return who else could change what is at `path`, and the remedy; None if only root and we can.

    Nobody can replace our entry in a sticky folder such as /tmp, and nobody can write to a read-only mount. With
    `named=False`, neither helps: nobody named this file, it was only found in the current folder.

    A path that does not exist has no weakness of its own; the folders above it may have one.

    Args:
        trusted: a user who may change it too.
    """
    found_in = None if named else path.absolute().parent
    for at, state in _walk(path.absolute()):
        problem = _problem(at, state, trusted, sticky_helps=at != found_in)
        if problem and at == found_in:
            return f"{path} was only found here, where others can put files; if it is yours, name it with --config"
        if problem and not (named and _is_read_only(at, state)):
            return problem
    return None


def weakness_of(at: Path | str, state: os.stat_result, *, trusted: int | None = None) -> str | None:
    """Return who else could change this one file or folder, and the remedy, whatever the folders above it are."""
    return _problem(at, state, trusted, sticky_helps=False)


def is_read_only(path: Path) -> bool:
    """Whether the path lies on a read-only mount, such as a volume of Kubernetes or Docker."""
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)


def user_name(uid: int) -> str:
    """Return the name of a user, or the number if the user has no name here."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _walk(path: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield each folder and symbolic link from / to `path`, and `path` itself. Ends where we cannot go on."""
    at, names, links = Path("/"), list(reversed(path.parts[1:])), 0
    try:
        yield at, at.lstat()
        while names:
            name = names.pop()
            if name == "..":
                at = at.parent
                continue
            here = at / name
            # The kernel's own links, such as /proc/self/fd/3, do not lead to a path.
            state = here.stat() if at.parts[1:2] == ("proc",) else here.lstat()
            yield here, state
            if not stat.S_ISLNK(state.st_mode):
                at = here
                continue
            links += 1
            if links > _MOST_LINKS:
                return
            target = here.readlink()
            at = Path("/") if target.is_absolute() else at
            names += reversed(target.parts[1:] if target.is_absolute() else target.parts)
    except OSError:
        return


def _problem(at: Path | str, state: os.stat_result, trusted: int | None, *, sticky_helps: bool) -> str | None:
    mode, users = state.st_mode, {0, os.geteuid(), trusted}
    if state.st_uid not in users:
        owner = user_name(state.st_uid)
        return (
            f"{at} belongs to user {owner}, who could change it; run: chown -h {user_name(os.geteuid())} {at}"
        )
    if stat.S_ISLNK(mode) or (sticky_helps and stat.S_ISDIR(mode) and mode & stat.S_ISVTX):
        return None
    if mode & stat.S_IWOTH:
        who = "every user"
    elif mode & stat.S_IWGRP and not _is_our_own(state.st_gid, at, users):
        who = f"group {_group_name(state.st_gid)}"
    else:
        return None
    return f"{at} can be changed by {who} (mode {stat.S_IMODE(mode):04o}); run: chmod go-w {at}"


def _is_our_own(gid: int, at: Path | str, users: set[int | None]) -> bool:
    """Whether the group has no member but these users, as on systems that give each user a group of the same name.

    A group without a name is one that a container was started with, such as `fsGroup` of Kubernetes.
    """
    if _has_access_list(at):
        return False
    try:
        group = grp.getgrgid(gid)
    except KeyError:
        return gid == os.getegid() or gid in os.getgroups()
    members = {user.pw_uid for user in pwd.getpwall() if user.pw_gid == gid or user.pw_name in group.gr_mem}
    return members <= users


def _has_access_list(at: Path | str) -> bool:
    """Whether users beyond owner and group have rights of their own (POSIX ACL); the group's bits then stand for them."""
    try:
        return bool(os.getxattr(at, "system.posix_acl_access"))
    except OSError:
        return False


def _group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def _is_read_only(at: Path, state: os.stat_result) -> bool:
    return is_read_only(at.parent if stat.S_ISLNK(state.st_mode) else at)
