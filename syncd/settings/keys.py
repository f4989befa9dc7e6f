"""The table of all keys, derived from the sections. File, environment, documentation and example are checked against it."""

from __future__ import annotations

import re

from syncd.settings.fields import SECRET, Key, declared
from syncd.settings.sections import (
    ClientSettings,
    DatabaseSettings,
    LogSettings,
    MediaSettings,
    StatusSettings,
    SyncSettings,
    WebSettings,
)
from syncd.settings.values import nearest

_ONCE = {
    "database": DatabaseSettings,
    "media": MediaSettings,
    "sync": SyncSettings,
    "log": LogSettings,
    "status": StatusSettings,
    "web": WebSettings,
}

SECTIONS = tuple(_ONCE)
"""The tables that a file has once; `[[clients]]` may stand there many times."""

KEYS: dict[str, Key] = {
    f"{name}.{key.name}": key
    for name, section in (_ONCE | {"clients": ClientSettings}).items()
    for key in declared(section)
}
"""Every key by its dotted name, such as `sync.batch_size` or `clients.fields.email`."""

SECRET_KEYS = frozenset(name for name, key in KEYS.items() if key.kind is SECRET)
"""Keys whose value is a secret. Each can be given as `KEY_file` instead."""


def variables(key: str) -> tuple[str, ...]:
    """List the environment variables that set a key. A client's key has a short form and a numbered form."""
    levels = key.upper().split(".")
    if levels[0] != "CLIENTS":
        return ("SYNCD_" + "__".join(levels),)
    rest = "__".join(levels[1:])
    return (f"SYNCD_{rest}", f"SYNCD_CLIENTS__0__{rest}")


def suggestion(key: str) -> str:
    """Suggest what to write for an unknown dotted key: a similar key of its table, else of any table, else all of them."""
    table, _, name = key.rpartition(".")
    prefix = f"{table}." if table else ""
    siblings = [known[len(prefix) :] for known in KEYS if re.fullmatch(re.escape(prefix) + r"[a-z_]+", known)]
    if near := nearest(name, siblings):
        return f"did you mean {prefix}{near}?"
    by_name = {known.rpartition(".")[2]: known for known in reversed(KEYS)}
    if near := nearest(name, by_name):
        return f"did you mean {by_name[near]}?"
    return f"known keys here: {', '.join(siblings or (*SECTIONS, 'clients'))}"
