"""Loads the settings: finds the file, overlays the environment, checks every key, and reports all mistakes at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from syncd.config_file import find_file
from syncd.errors import ConfigurationError
from syncd.settings.checking import Checker
from syncd.settings.secret_files import folders_for
from syncd.settings.sections import LogSettings, Settings, StatusSettings
from syncd.settings.sources import collect


def load_settings(
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    need_clients: bool = True,
    need_media: bool = True,
) -> Settings:
    """Load and check the whole configuration.

    The file is `path`, else `SYNCD_CONFIG`, else `./syncd.toml`, else `/etc/syncd/syncd.toml`; the last two may be
    absent. The file, the secrets' files and the CA files count only if no other user can change them (ADR 22). The
    environment (default: the process's own) beats the file. With `need_clients=False`, clients may be
    absent and their secrets are not read (`Secret.reveal` then raises). With `need_media=False`, the media root is not
    checked.

    Raises ConfigurationError with every mistake. Each names the key, its source and what to write.
    """
    environ = os.environ if environ is None else environ
    _require_current_folder()
    file, named = find_file(path, environ)
    folders = folders_for(file, environ)
    collected = collect(
        file, environ, lambda file: folders.require_trusted(file, "configuration", named=named)
    )
    checker = Checker(collected, folders, environ, need_clients)
    database = checker.database()
    media = checker.media(look=need_media)
    sync = checker.sync()
    log = LogSettings(**checker.plain("log"))
    status = StatusSettings(**checker.plain("status"))
    web = checker.web()
    clients = checker.clients()
    checker.require_private(file)
    problems = list(dict.fromkeys([*collected.problems, *checker.problems]))
    if problems or database is None:
        raise ConfigurationError(problems)
    return Settings(
        database,
        media,
        sync,
        log,
        status,
        web,
        clients,
        source=file,
        strict_modes=folders.strict,
        warnings=tuple(folders.warnings),
        unused=tuple(checker.unused()),
        advice=tuple(folders.advice),
    )


def _require_current_folder() -> None:
    try:
        os.getcwd()  # noqa: PTH109 - pathlib would do the same
    except OSError as error:
        raise ConfigurationError(
            [f"the current folder cannot be used ({error.strerror}); change to another one"]
        ) from None
