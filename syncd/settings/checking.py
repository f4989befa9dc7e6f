"""Turns collected entries into checked sections. Notes each mistake and continues, so that all are found at once."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from syncd.model import FieldMap
from syncd.settings.addresses import has_password, has_user, with_password
from syncd.settings.keys import KEYS, SECRET_KEYS, variables
from syncd.settings.libpq import verified
from syncd.settings.secret_files import Folders
from syncd.settings.sections import (
    ClientSettings,
    DatabaseSettings,
    MediaSettings,
    Secret,
    SyncSettings,
    WebSettings,
)
from syncd.settings.sources import FILE, Collected, KeyPath, canonical, written


@dataclass(slots=True)
class Checker:
    """Checks one collected configuration. Use the sections it returns only if `problems` stays empty."""

    collected: Collected
    folders: Folders
    environ: Mapping[str, str]
    need_clients: bool
    problems: list[str] = field(default_factory=list)

    def plain(self, *above: str) -> dict[str, Any]:
        """Return the valid values of one table by name. Leaves out secrets, and the names of files, which need resolving."""
        values: dict[str, Any] = {}
        for path in self.collected.entries:
            if path[:-1] == above and canonical(path) not in SECRET_KEYS and not path[-1].endswith("_file"):
                self._add(values, path)
        return values

    def database(self) -> DatabaseSettings | None:
        """Check the database section. Unless it says otherwise, a server beyond this host must prove who it is."""
        found = self._database()
        tls = self._value(("database", "tls"))
        if found is None or tls == "unverified":
            return found and replace(found, tls="unverified")
        try:
            return replace(found, url=verified(found.url, self.environ))
        except ValueError as error:
            self._wrong(("database", "url"), str(error))
            return None

    def _database(self) -> DatabaseSettings | None:
        """Check the URL, and the password from any of its three sources."""
        place = ("database", "url")
        if place not in self.collected.entries:
            self._missing("database.url", 'write url = "postgresql://USER@HOST/DATABASE" under [database]')
        url = self._value(place)
        password_path, password = self._secret(("database", "password"))
        if not isinstance(url, str) or password_path is None or password is None:
            return DatabaseSettings(url) if isinstance(url, str) else None
        entry, own = self.collected.entries[password_path], self.collected.entries[place]
        if has_password(url):
            if entry.layer == own.layer:
                self._wrong(
                    password_path, "is set, but database.url contains a password too; keep one of the two"
                )
            if entry.layer < own.layer:
                return DatabaseSettings(url)
        elif not has_user(url):
            self._wrong(
                password_path,
                "is set, but database.url does not name a user; write postgresql://USER@HOST/DATABASE",
            )
            return None
        return DatabaseSettings(with_password(url, password), self._kept(("database", "password"), password))

    def media(self, *, look: bool) -> MediaSettings:
        """Check the media section. With `look`, no part of the root's path may be something other than a folder."""
        values = self.plain("media")
        if "root" in values:
            values["root"] = self.folders.resolve(values["root"])
        media = MediaSettings(**values)
        blocking = next(
            (p for p in (media.root, *media.root.parents) if os.path.lexists(p) and not p.is_dir()), None
        )
        if look and blocking is not None:
            source = self._place(("media", "root"))
            self.problems.append(
                f"media.root ({source}): {blocking} is not a folder; choose a folder for the files"
            )
        return media

    def sync(self) -> SyncSettings:
        """Check the sync section, with the proxy of all clients."""
        return SyncSettings(**self.plain("sync"), proxy_credentials=self._proxy_credentials(("sync",)))

    def web(self) -> WebSettings:
        """Check the web section. Reads the token's file if the clients' secrets are read too."""
        values = self.plain("web")
        path = ("web", "token_file")
        name = self._value(path)
        if isinstance(name, str):
            values["token_file"] = self.folders.resolve_secret(name)
            if self.need_clients and (token := self._read(path, name)):
                values["token"] = Secret(token)
        return WebSettings(**values)

    def clients(self) -> tuple[ClientSettings, ...]:
        """Check all clients. Each id may occur once."""
        found = [self._client(number) for number in range(self.collected.clients)]
        clients = [client for client in found if client is not None]
        for number, client in enumerate(found):
            if client and any(other and other.client_id == client.client_id for other in found[:number]):
                path = ("clients", str(number), "client_id")
                self._wrong(
                    path, f'"{client.client_id}" is used by an earlier client; configure each client once'
                )
        if self.need_clients and not self.collected.clients:
            self._missing(
                "clients",
                "write [[clients]] with client_id and client_secret_file, or set SYNCD_CLIENT_ID "
                "and SYNCD_CLIENT_SECRET_FILE",
            )
        return tuple(clients)

    def require_private(self, file: Path | None) -> None:
        """Refuse a configuration file that contains a secret and that every user of the machine may use."""
        if file is None or self.collected.broken:
            return
        url = self.collected.entries.get(("database", "url"))
        open_url = (
            url is not None
            and url.layer == FILE
            and isinstance(url.value, str)
            and _carries_password(url.value)
        )
        in_file = [canonical(p) for p, e in self.collected.entries.items() if e.layer == FILE]
        keys = [key for key in in_file if key in SECRET_KEYS] + ["database.url"] * open_url
        if keys:
            try:
                self.folders.require_private(file, stat.S_IMODE(file.stat().st_mode), keys[0])
            except ValueError as error:
                self.problems.append(f"{keys[0]} ({file}): {error}")

    def unused(self) -> Iterator[str]:
        """Describe each key that is set but does nothing yet."""
        for path, entry in self.collected.entries.items():
            if reserved := KEYS[canonical(path)].reserved:
                yield f"{written(path)} ({entry.place}): is reserved and does nothing yet; {reserved}"

    def _client(self, number: int) -> ClientSettings | None:
        above = ("clients", str(number))
        values = self.plain(*above)
        paths = self.plain(*above, "fields")
        ca_file = (*above, "ca_file")
        name = self._value(ca_file)
        if isinstance(name, str):
            values["ca_file"] = self.folders.resolve(name)
            if self.need_clients:
                self._check_ca_file(ca_file, values["ca_file"])
        secret = self._client_secret(above)
        self._check_retention(above, values)
        if (*above, "client_id") not in self.collected.entries:
            self._missing(
                written((*above, "client_id")),
                "write the client_id that PitchYou gave you",
                "clients.client_id",
            )
        if "client_id" not in values:
            return None
        return ClientSettings(
            client_secret=secret,
            proxy_credentials=self._proxy_credentials(above),
            fields=FieldMap(**paths),
            **values,
        )

    def _check_ca_file(self, path: KeyPath, file: Path) -> None:
        try:
            self.folders.require_trusted(file, written(path))
        except ValueError as error:
            self._wrong(path, str(error))
        if not os.access(file, os.R_OK) or file.is_dir():
            self._wrong(path, f"{file} cannot be read; correct the path or the file's permissions")

    def _proxy_credentials(self, above: KeyPath) -> Secret | None:
        """Check the credentials for the proxy of the same table. Reads their file if the clients' secrets are read too."""
        path = (*above, "proxy_credentials")
        in_file = (*above, "proxy_credentials_file")
        given = [place for place in (path, in_file) if place in self.collected.entries]
        if not given:
            return None
        if self._value((*above, "proxy")) is None:
            self._wrong(given[0], f"is set, but {written((*above, 'proxy'))} is not; set both or none")
        if not self.need_clients:
            return Secret(None)
        found, secret = self._secret(path)
        if found is not None and secret is not None and ":" not in secret:
            self._wrong(found, "must be USER:PASSWORD")
        return self._kept(path, secret)

    def _client_secret(self, above: KeyPath) -> Secret:
        path = (*above, "client_secret")
        if not self.need_clients:
            return Secret(None)
        found, secret = self._secret(path)
        if found is None:
            self._missing(
                written(path),
                "write client_secret_file with the name of a file that contains it",
                "clients.client_secret_file",
            )
        return self._kept(path, secret)

    def _kept(self, path: KeyPath, secret: str | None) -> Secret:
        """Wrap a secret, with the way to read its file again if it came from one."""
        in_file = (*path[:-1], f"{path[-1]}_file")
        name = self._value(in_file)
        if not isinstance(name, str):
            return Secret(secret)
        return Secret(secret, partial(self.folders.read_secret, name, written(in_file)))

    def _check_retention(self, above: KeyPath, values: dict[str, Any]) -> None:
        days = values.get("retention_days", KEYS["clients.retention_days"].default)
        raw_days = values.get("raw_retention_days")
        if days is not None and raw_days is not None and raw_days > days:
            path = (*above, "raw_retention_days")
            self._wrong(
                path, f"{raw_days} is more than retention_days, which is {days}; write at most {days}"
            )

    def _secret(self, path: KeyPath) -> tuple[KeyPath | None, str | None]:
        """Find the key that sets a secret, itself or its `_file`, and return the secret if it is valid."""
        in_file = (*path[:-1], f"{path[-1]}_file")
        given = [place for place in (path, in_file) if place in self.collected.entries]
        if len(given) == 2:
            self._wrong(path, f"is set together with {path[-1]}_file; keep one of the two")
        if not given:
            return None, None
        value = self._value(given[0])
        if given[0] == in_file and isinstance(value, str):
            value = self._read(in_file, value)
        return given[0], value if isinstance(value, str) else None

    def _read(self, path: KeyPath, name: str) -> str | None:
        try:
            return self.folders.read_secret(name, written(path))
        except ValueError as error:
            self._wrong(path, str(error))
            return None

    def _value(self, path: KeyPath) -> object:
        values: dict[str, Any] = {}
        if path in self.collected.entries:
            self._add(values, path)
        return values.get(path[-1])

    def _add(self, values: dict[str, Any], path: KeyPath) -> None:
        try:
            values[path[-1]] = KEYS[canonical(path)].kind.parse(self.collected.entries[path].value)
        except ValueError as error:
            self._wrong(path, str(error))

    def _wrong(self, path: KeyPath, what: str) -> None:
        self.problems.append(f"{written(path)} ({self._place(path)}): {what}")

    def _missing(self, name: str, what: str, key: str | None = None) -> None:
        if not self.collected.broken:
            variable = f", or set {variables(key or name)[0]}" if (key or name) in KEYS else ""
            self.problems.append(f"{name}: is missing; {what}{variable}")

    def _place(self, path: KeyPath) -> str:
        entry = self.collected.entries.get(path)
        return entry.place if entry else "default"


def _carries_password(url: str) -> bool:
    try:
        return has_password(url)
    except ValueError:
        return False
