"""Reads the TOML file and the environment into one flat mapping, in which the environment replaces the file.

Checks only the names of keys. Each value keeps its place, which messages name.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from syncd.settings.keys import KEYS, SECRET_KEYS, SECTIONS, suggestion, variables
from syncd.settings.secret_files import STRICT_MODES
from syncd.settings.values import in_quotes, leftover, nearest
from syncd.shown import printable, quoted

KeyPath = tuple[str, ...]
"""`("sync", "batch_size")`. A client's keys contain its number: `("clients", "0", "fields", "email")`."""

# The higher layer beats the lower one.
FILE, ENVIRONMENT = 0, 1

_SECRETS = [key.rpartition(".")[2] for key in SECRET_KEYS]
_COUNTERPART = {name: f"{name}_file" for name in _SECRETS} | {f"{name}_file": name for name in _SECRETS}

_NOT_KEYS = ("SYNCD_CONFIG", STRICT_MODES)

# Kubernetes sets these variables in every pod for each service of the namespace, so also for one called "syncd".
_KUBERNETES_NAME = re.compile(
    r"SYNCD_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_\w+)?)?)"
)
_KUBERNETES_VALUE = re.compile(r"(tcp|udp|sctp)://\S+|(tcp|udp|sctp|TCP|UDP|SCTP)|[0-9]+|[0-9a-fA-F.:]+")


@dataclass(frozen=True, slots=True)
class Entry:
    """A value as it was written, its layer, and its place as messages name it."""

    value: object
    layer: int
    place: str


@dataclass(slots=True)
class Collected:
    """The entries of all sources. `broken`: the file could not be read, so a missing key is not a mistake."""

    entries: dict[KeyPath, Entry] = field(default_factory=dict)
    clients: int = 0
    problems: list[str] = field(default_factory=list)
    broken: bool = False


def canonical(path: KeyPath) -> str:
    """Spell the key as `KEYS` does: without the client's number."""
    return ".".join((path[0], *path[2:]) if path[0] == "clients" else path)


def written(path: KeyPath) -> str:
    """Spell the key as messages do: `sync.batch_size`, `clients[0].schedule`."""
    return f"clients[{path[1]}].{'.'.join(path[2:])}" if path[0] == "clients" else ".".join(path)


def collect(
    file: Path | None, environ: Mapping[str, str], require_trusted: Callable[[Path], None]
) -> Collected:
    """Read the file, if there is one, and overlay the environment.

    Reads nothing of a file for which `require_trusted` raises ValueError.
    """
    collected = Collected()
    if file is not None:
        try:
            require_trusted(file)
        except ValueError as error:
            collected.problems.append(f"{file}: {error}")
            collected.broken = True
        else:
            _read_file(file, collected)
    _read_environment(environ, collected)
    return collected


def _read_file(file: Path, into: Collected) -> None:
    try:
        # Editors on Windows write a byte order mark first, which TOML does not allow.
        document = tomllib.loads(file.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        into.problems.append(
            f"{printable(str(file))}: cannot be read ({error.strerror}); correct the path or the file's permissions"
        )
    except UnicodeDecodeError as error:
        into.problems.append(f"{file}: is not UTF-8 (byte {error.start}); save it as UTF-8")
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        into.problems.append(
            f"{file}: is not valid TOML: {_without_content(error)}; write texts between quotes, tables between brackets"
        )
    else:
        for name, value in document.items():
            _read_table(file, name, value, into)
        return
    into.broken = True


def _without_content(error: Exception) -> str:
    """Return what a parser says, without the texts of the file that it quotes: they may be secrets."""
    return re.sub(r"""(['"]).{2,}\1""", "…", str(error))


def _read_table(file: Path, name: str, value: object, into: Collected) -> None:
    if name == "clients":
        if not isinstance(value, list) or not all(isinstance(client, dict) for client in value):
            into.problems.append(
                f"clients ({file}): is not a list of tables; write [[clients]], with two brackets"
            )
            into.broken = True
            return
        for number, client in enumerate(value):
            _read_keys(file, ("clients", str(number)), client, into)
        into.clients = len(value)
    elif name not in SECTIONS:
        hint = nearest(name, (*SECTIONS, "clients"))
        hint_text = f"did you mean [{hint}]?" if hint else suggestion(name)
        into.problems.append(f"{_key_name(name)} ({file}): is not a known key; {hint_text}")
    elif not isinstance(value, dict):
        into.problems.append(
            f"{name} ({file}): is not a table; write [{name}] on its own line and its keys below"
        )
    else:
        _read_keys(file, (name,), value, into)


def _read_keys(file: Path, above: KeyPath, table: Mapping[str, object], into: Collected) -> None:
    for name, value in table.items():
        path = (*above, name)
        if canonical(path) == "clients.fields":
            if isinstance(value, dict):
                _read_keys(file, path, value, into)
            else:
                into.problems.append(f"{written(path)} ({file}): is not a table; write [clients.fields]")
        elif canonical(path) in KEYS:
            into.entries[path] = Entry(value, FILE, str(file))
        else:
            shown_path = written((*above, _key_name(name)))
            into.problems.append(f"{shown_path} ({file}): is not a known key; {suggestion(canonical(path))}")


def _read_environment(environ: Mapping[str, str], into: Collected) -> None:
    numbered: dict[KeyPath, Entry] = {}
    short: dict[KeyPath, Entry] = {}
    for name, value in sorted(environ.items()):
        if not name.startswith("SYNCD_") or _is_kubernetes(name, value):
            continue
        if in_quotes(value):
            into.problems.append(
                f"{name} (environment): has quotes around its value; remove them, since an env file keeps them"
            )
            continue
        if name in _NOT_KEYS:
            into.problems += _problems_of_special(name, value)
            continue
        levels = tuple(name.removeprefix("SYNCD_").lower().split("__"))
        entry = Entry(value, ENVIRONMENT, f"environment {name}")
        if name != name.upper():
            into.problems.append(_unknown_variable(name))
        elif levels[0] == "clients" and len(levels) > 2 and re.fullmatch(r"[0-9]{1,4}", levels[1], re.ASCII):
            path = ("clients", str(int(levels[1])), *levels[2:])
            if canonical(path) in KEYS:
                numbered[path] = entry
            else:
                into.problems.append(_unknown_variable(name))
        elif levels[0] != "clients" and ".".join(levels) in KEYS:
            _overlay(levels, entry, into)
        elif ".".join(("clients", *levels)) in KEYS:
            short[("clients", "0", *levels)] = entry
        else:
            into.problems.append(_unknown_variable(name))
    _overlay_numbered(numbered, into)
    _overlay_short(short, bool(numbered), into)


def _problems_of_special(name: str, value: str) -> Iterator[str]:
    """Check a variable that is not the variable of a key."""
    if name == STRICT_MODES and value not in ("yes", "no"):
        yield f'{name} (environment): {quoted(value)} is not a valid choice; write "yes" or "no"'
    if name == "SYNCD_CONFIG" and (left := leftover(value)):
        yield f"{name} (environment): {quoted(value)} {left}; write the name of the configuration file, without it"


def _overlay_numbered(numbered: Mapping[KeyPath, Entry], into: Collected) -> None:
    for number in sorted({int(path[1]) for path in numbered}):
        if number > into.clients:
            into.problems.append(
                f"SYNCD_CLIENTS__{number}__… (environment): there is no client {into.clients} before it; "
                "number the clients from 0, without a gap"
            )
            return
        into.clients = max(into.clients, number + 1)
    for path, entry in numbered.items():
        _overlay(path, entry, into)


def _overlay_short(short: Mapping[KeyPath, Entry], has_numbered: bool, into: Collected) -> None:
    """Set keys of the only client by variables without a number. Adds the client if the file has none."""
    if not short:
        return
    names = ", ".join(entry.place.removeprefix("environment ") for entry in short.values())
    if has_numbered:
        into.problems.append(
            f"{names} (environment): SYNCD_CLIENTS__0__… is set as well; use one of the two forms"
        )
        return
    if into.clients > 1:
        into.problems.append(
            f"{names} (environment): the file has {into.clients} clients, so these variables are ambiguous; "
            "write SYNCD_CLIENTS__0__…, SYNCD_CLIENTS__1__… and so on"
        )
        return
    in_file, in_environment = (layer.get(("clients", "0", "client_id")) for layer in (into.entries, short))
    if in_file and in_environment and in_file.value != in_environment.value:
        into.problems.append(
            f"clients[0].client_id ({in_environment.place}): is {quoted(in_environment.value)}, but the only client "
            f"of {in_file.place} is {quoted(in_file.value)}; name the same one, or remove one of them"
        )
        return
    into.clients = 1
    for path, entry in short.items():
        _overlay(path, entry, into)


def _overlay(path: KeyPath, entry: Entry, into: Collected) -> None:
    """Set a key from the environment. A secret there also replaces the file's `…_file` of the same secret, and vice versa."""
    into.entries[path] = entry
    other = (*path[:-1], _COUNTERPART.get(path[-1], ""))
    if other in into.entries and into.entries[other].layer == FILE:
        del into.entries[other]


def _is_kubernetes(name: str, value: str) -> bool:
    if name.endswith("_PORT") and "_PORT_" not in name and "_SERVICE_" not in name:
        # SYNCD_PORT=8080 is a mistake for web.bind, which must be reported.
        return "://" in value
    return bool(_KUBERNETES_NAME.fullmatch(name) and _KUBERNETES_VALUE.fullmatch(value))


def _unknown_variable(name: str) -> str:
    number = re.match(r"SYNCD_CLIENTS__([0-9]{1,4})__", name, re.ASCII | re.IGNORECASE)
    known = (
        v.replace("CLIENTS__0__", f"CLIENTS__{number[1]}__" if number else "CLIENTS__0__")
        for v in _all_variables()
    )
    near = nearest(name.upper(), known)
    hint = f"did you mean {near}?" if near else "docs/configuration.md lists all of them"
    return f"{_key_name(name)} (environment): is not a known variable; {hint}"


def _all_variables() -> Iterator[str]:
    yield from _NOT_KEYS
    for key in KEYS:
        yield from variables(key)


def _key_name(name: str) -> str:
    """Make a foreign name safe to show: quotes it unless it is plain."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]{1,60}", name, re.ASCII) else quoted(name)
