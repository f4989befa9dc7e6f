"""Load the settings: find the file, lay the environment over it, check every key, and report all mistakes at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from syncd.errors import ConfigurationError
from syncd.settings.checking import Checker
from syncd.settings.secret_files import folders_for
from syncd.settings.sections import LogSettings, Settings, SyncSettings
from syncd.settings.sources import collect

SEARCHED = (Path("syncd.toml"), Path("/etc/syncd/syncd.toml"))


def load_settings(
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    need_clients: bool = True,
    need_media: bool = True,
) -> Settings:
    """Load and check the whole configuration.

    The file is `path`, else `SYNCD_CONFIG`, else `./syncd.toml`, else `/etc/syncd/syncd.toml`; the last two may be
    absent. The environment (default: the process's own) beats the file. With `need_clients=False` there may be no
    client and no secret of one is read (`Secret.reveal` then raises); with `need_media=False` the media root is not
    looked at.

    Raises ConfigurationError with every mistake found, each naming the key, its source and what to write.
    """
    environ = os.environ if environ is None else environ
    file = _find_file(path, environ)
    collected = collect(file, environ)
    folders = folders_for(file, environ)
    checker = Checker(collected, folders, need_clients)
    database = checker.database()
    media = checker.media(look=need_media)
    sync = SyncSettings(**checker.plain("sync"))
    log = LogSettings(**checker.plain("log"))
    web = checker.web()
    clients = checker.clients()
    checker.warn_about(file)
    problems = list(dict.fromkeys([*collected.problems, *checker.problems]))
    if problems or database is None:
        raise ConfigurationError(problems)
    return Settings(database, media, sync, log, web, clients, file, tuple(folders.warnings))


def _find_file(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    """The file to read. One that was named is returned even when it is missing, so that this is reported."""
    if path is not None:
        return path
    if named := environ.get("SYNCD_CONFIG"):
        return Path(named)
    return next((file for file in SEARCHED if os.path.lexists(file)), None)
