"""Reads secrets from files: resolves the name, reads the content, and warns if other users can use the file."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from syncd.settings.values import parse_secret

_MOST_BYTES = 65536


@dataclass(slots=True)
class Folders:
    """The folders of relative paths. `config` is the configuration file's folder, or the current one without a file."""

    config: Path
    credentials: Path | None
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
        """Read the secret in a file, without its last line break. Raises ValueError that names the file, never its content."""
        file = self.resolve_secret(name)
        try:
            with file.open("rb") as stream:
                mode = stat.S_IMODE(file.stat().st_mode)
                content = stream.read(_MOST_BYTES + 1)
        except OSError as error:
            raise ValueError(
                f"{file} cannot be read ({error.strerror}); correct the path or the file's permissions"
            ) from None
        if len(content) > _MOST_BYTES:
            raise ValueError(f"{file} is larger than 64 KiB, so it is not a secret; choose the right file")
        try:
            secret = parse_secret(content.decode("utf-8-sig").removesuffix("\n").removesuffix("\r"))
        except UnicodeDecodeError:
            raise ValueError(f"{file} is not UTF-8 text; choose the right file") from None
        except ValueError as error:
            raise ValueError(f"{file} {error}") from None
        self.warn_if_open(file, mode, key)
        return secret

    def warn_if_open(self, file: Path, mode: int, key: str) -> None:
        """Add a warning if every user of the machine may use a file that contains a secret."""
        if mode & 0o007:
            self.warnings.append(
                f"{key}: {file} is open to every user (mode {mode:04o}); run: chmod o-rwx {file}"
            )


def folders_for(file: Path | None, environ: Mapping[str, str]) -> Folders:
    """Return the folders of relative paths for a configuration file and an environment."""
    credentials = environ.get("CREDENTIALS_DIRECTORY", "")
    config = file.absolute().parent if file is not None else Path.cwd()
    return Folders(config, Path(credentials) if credentials else None)
