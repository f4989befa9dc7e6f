"""Secrets that are kept in files: where a name leads, what the file says, and who else could read it."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from syncd.settings.values import parse_secret

_MOST_BYTES = 65536


@dataclass(slots=True)
class Folders:
    """Where relative names lead. `config` is the folder of the configuration file, or the current one without a file."""

    config: Path
    credentials: Path | None
    warnings: list[str] = field(default_factory=list)

    def resolve(self, name: str) -> Path:
        """A path as it was written, made absolute from the configuration file's folder."""
        return (self.config / name).absolute()

    def resolve_secret(self, name: str) -> Path:
        """The same, but a bare file name is one of systemd's credentials where there are any (`LoadCredential=`)."""
        if self.credentials is not None and "/" not in name:
            return self.credentials / name
        return self.resolve(name)

    def read_secret(self, name: str, key: str) -> str:
        """The secret in a file, without its last line break. Raises ValueError that names the file, never its content."""
        file = self.resolve_secret(name)
        try:
            with file.open("rb") as stream:
                mode = stat.S_IMODE(file.stat().st_mode)
                content = stream.read(_MOST_BYTES + 1)
        except OSError as error:
            raise ValueError(
                f"{file} cannot be read ({error.strerror}); correct the path or its permissions"
            ) from None
        if len(content) > _MOST_BYTES:
            raise ValueError(f"{file} is over 64 KiB, so it is no secret; name the right file")
        try:
            secret = parse_secret(content.decode("utf-8-sig").removesuffix("\n").removesuffix("\r"))
        except UnicodeDecodeError:
            raise ValueError(f"{file} is not UTF-8 text; name the right file") from None
        except ValueError as error:
            raise ValueError(f"{file} {error}") from None
        self.warn_if_open(file, mode, key)
        return secret

    def warn_if_open(self, file: Path, mode: int, key: str) -> None:
        """Remember a warning when every user of the machine may use a file that holds a secret."""
        if mode & 0o007:
            self.warnings.append(
                f"{key}: {file} is open to every user (mode {mode:04o}); run: chmod o-rwx {file}"
            )


def folders_for(file: Path | None, environ: Mapping[str, str]) -> Folders:
    """The folders that relative names lead to, for a configuration file and an environment."""
    credentials = environ.get("CREDENTIALS_DIRECTORY", "")
    config = file.absolute().parent if file is not None else Path.cwd()
    return Folders(config, Path(credentials) if credentials else None)
