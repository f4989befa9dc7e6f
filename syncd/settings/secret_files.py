"""Reads secrets from files: resolves the name, refuses a file that other users can read or change, reads the content."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from syncd.settings.values import parse_secret
from syncd.trust import is_read_only, weakness

STRICT_MODES = "SYNCD_STRICT_MODES"
"""The variable that allows files which other users could change: `no`. It cannot be a key of the file that it is about."""

_MOST_BYTES = 65536


@dataclass(slots=True)
class Folders:
    """The folders of relative paths, and whether files count only if no other user can change them.

    `config` is the configuration file's folder, or the current one without a file.
    """

    config: Path
    credentials: Path | None
    strict: bool = True
    advice: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def resolve(self, name: str) -> Path:
        """Make a path absolute, relative to the configuration file's folder."""
        return (self.config / name).absolute()

    def resolve_secret(self, name: str) -> Path:
        """Make a secret's path absolute. A bare file name is a credential of systemd, if there are any (`LoadCredential=`)."""
        if self.credentials is not None and "/" not in name:
            return self.credentials / name
        return self.resolve(name)

    def read_secret(self, name: str, key: str) -> str:
        """Read the secret in a file, without its last line break. Raises ValueError, which never shows the content.

        Names the file only if it exists: the "name" of any other one may be the secret itself, typed into the wrong key.
        """
        file = self.resolve_secret(name)
        self.require_trusted(file, key)
        try:
            with file.open("rb") as stream:
                self.require_private(file, stat.S_IMODE(os.fstat(stream.fileno()).st_mode), key)
                content = stream.read(_MOST_BYTES + 1)
        except OSError as error:
            shown = file if os.path.lexists(file) else f"the file that it names below {_existing(file)}"
            raise ValueError(
                f"{shown} cannot be read ({error.strerror}); {self._remedy_for_unreadable(name)}"
            ) from None
        if len(content) > _MOST_BYTES:
            raise ValueError(f"{file} is larger than 64 KiB, so it is not a secret; choose the right file")
        try:
            secret = parse_secret(content.decode("utf-8-sig").removesuffix("\n").removesuffix("\r"))
        except UnicodeDecodeError:
            raise ValueError(f"{file} is not UTF-8 text; choose the right file") from None
        except ValueError as error:
            raise ValueError(f"{file} {error}") from None
        if self._only_root_reads(name, file):
            self.advice.append(
                f"{key}: only root can read {file}; if a systemd unit with another User= runs syncd, "
                f"add the line {_credential(name, file)} to it"
            )
        return secret

    def require_trusted(self, file: Path, key: str, *, named: bool = True) -> None:
        """Raise ValueError if another user could change the file, or warn of it where the operator has allowed it.

        Raise it for a named pipe as well: syncd would wait for ever for somebody to write into it.
        """
        if _is_named_pipe(file):
            raise ValueError(f"{file} is a pipe; choose a file")
        problem = weakness(file, named=named)
        if problem and self.strict:
            raise ValueError(problem)
        if problem:
            self.warnings.append(f"{key}: {problem} (allowed by {STRICT_MODES}=no)")

    def require_private(self, file: Path, mode: int, key: str) -> None:
        """Raise ValueError if every user may use a file that contains a secret.

        Only warns if the operator has allowed it, and on a read-only mount: in a container the mode of such a file is
        not ours to choose, and no other users are there.
        """
        if not mode & 0o007:
            return
        problem = (
            f"{file} is open to every user (mode {mode:04o}), but contains a secret; run: chmod o-rwx {file}"
        )
        if self.strict and not is_read_only(file):
            raise ValueError(problem)
        self.warnings.append(f"{key}: {problem}")

    def _remedy_for_unreadable(self, name: str) -> str:
        """Name the line that a systemd unit lacks, if the file lies where the unit would take it from."""
        beside = self.resolve(name)
        if "/" in name or not os.path.lexists(beside):
            return "correct the path or the file's permissions"
        return f"if a systemd unit runs syncd, add the line {_credential(name, beside)} to it"

    def _only_root_reads(self, name: str, file: Path) -> bool:
        return (
            os.geteuid() == 0
            and "/" not in name
            and self.credentials is None
            and not file.stat().st_mode & 0o077
        )


def folders_for(file: Path | None, environ: Mapping[str, str]) -> Folders:
    """Return the folders of relative paths for a configuration file and an environment."""
    credentials = environ.get("CREDENTIALS_DIRECTORY", "")
    config = file.absolute().parent if file is not None else Path.cwd()
    return Folders(config, Path(credentials) if credentials else None, environ.get(STRICT_MODES) != "no")


def _is_named_pipe(file: Path) -> bool:
    """Whether the path is a pipe, but not one that a shell has opened, such as /dev/fd/63."""
    try:
        return stat.S_ISFIFO(file.stat().st_mode) and file.parts[1:2] not in (("dev",), ("proc",))
    except OSError:
        return False


def _credential(name: str, file: Path) -> str:
    """Return the line of a systemd unit that passes this file to the service."""
    return f"LoadCredential={name}:{file}"


def _existing(file: Path) -> Path:
    """Return the longest part of the path that exists as a folder."""
    return next(folder for folder in file.parents if os.path.isdir(folder))  # noqa: PTH112 - also tells of names that are too long
