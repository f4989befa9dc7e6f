"""The example and the documentation say what the code does: every key, every default, every variable."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from pathlib import Path

import pytest

from syncd.settings import Settings, SyncSettings, load_settings
from syncd.settings.keys import KEYS, variables

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "config/syncd.example.toml"
DOCUMENTATION = ROOT / "docs/configuration.md"
PROXY = {"proxy", "proxy_credentials", "proxy_credentials_file"}
NOT_A_DEFAULT = {"password_file", "password", "client_secret", "token_file", "label", "ca_file"} | PROXY
NOT_A_DEFAULT |= {"heartbeat_url"}


def documented() -> dict[str, tuple[str, str, str, str]]:
    rows = [
        line.strip("| ").split(" | ")
        for line in DOCUMENTATION.read_text().splitlines()
        if line.startswith("| `")
    ]
    assert all(len(row) == 5 for row in rows)
    return {row[0].strip("`"): (row[1], row[2], row[3], row[4]) for row in rows}


def load_example(folder: Path, content: str) -> Settings:
    (folder / "acme_secret").write_text("geheim\n")
    (folder / "acme_secret").chmod(0o600)
    (folder / "syncd.toml").write_text(content)
    return load_settings(folder / "syncd.toml", {}, need_media=False)


def test_the_documentation_lists_exactly_the_keys_of_the_code_in_their_order() -> None:
    assert list(documented()) == list(KEYS)


@pytest.mark.parametrize("key", KEYS)
def test_the_documentation_gives_each_keys_type_default_variable_and_meaning(key: str) -> None:
    kind, default, variable, meaning = documented()[key]
    assert kind == KEYS[key].kind.name
    assert variable == f"`{variables(key)[0]}`"
    assert len(meaning) > 10
    if default in ("none", "required"):
        assert KEYS[key].default is None
    else:
        # The default of media.root is a Path, and a Path is only equal to a Path.
        assert str(KEYS[key].kind.parse(default.strip("`"))) == str(KEYS[key].default)


@pytest.mark.parametrize("key", [key for key in KEYS if KEYS[key].reserved])
def test_a_key_that_does_nothing_yet_is_called_reserved_in_both_documents(key: str) -> None:
    assert documented()[key][3].startswith("*Reserved, does nothing yet.*")
    name = key.rpartition(".")[2]
    before, _, _ = EXAMPLE.read_text().partition(f"\n# {name} = ")
    assert "reserved, does nothing yet" in before.rpartition("\n\n")[2].lower()


def test_no_other_key_is_called_reserved() -> None:
    called = {key for key, (_, _, _, meaning) in documented().items() if "reserved" in meaning.lower()}
    assert called == {key for key in KEYS if KEYS[key].reserved}


def test_every_documented_variable_is_taken(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("geheim")
    secret.chmod(0o600)
    values = {
        key: default.strip("`")
        for key, (_, default, _, _) in documented().items()
        if default not in ("none", "required")
    }
    values |= {"database.url": "postgresql://u@h/db", "clients.client_id": "acme", "clients.label": "ACME"}
    values |= dict.fromkeys(
        ("database.password_file", "clients.client_secret_file", "web.token_file", "clients.ca_file"),
        str(secret),
    )
    for table in ("sync", "clients"):
        values[f"{table}.proxy"] = "http://proxy.example:3128"
        values[f"{table}.heartbeat_url"] = "https://alive.example/{client_id}"
        values[f"{table}.proxy_credentials_file"] = str(tmp_path / "credentials")
    (tmp_path / "credentials").write_text("user:password")
    (tmp_path / "credentials").chmod(0o600)
    values |= {"clients.confirm_wrapper": "profileIds"}
    values |= dict.fromkeys(
        ("clients.chat_widget_css", "clients.chat_widget_js"), "https://files.example/chat?v=1"
    )
    left_out = {"database.password", "clients.client_secret"}
    left_out |= {"sync.proxy_credentials", "clients.proxy_credentials"}
    assert set(values) == set(KEYS) - left_out
    for form in (0, -1):
        environ = {variables(key)[form]: value for key, value in values.items()}
        settings = load_settings(None, environ, need_media=False)
        assert settings.clients[0].confirm_wrapper == "profileIds"
        assert (
            settings.database.url
            == "postgresql+psycopg://u:geheim@h/db?sslmode=verify-full&require_auth=scram-sha-256"
        )


def test_the_example_loads_as_it_is(tmp_path: Path) -> None:
    settings = load_example(tmp_path, EXAMPLE.read_text())
    (client,) = settings.clients
    assert (client.client_id, client.client_secret.reveal()) == ("acme", "geheim")
    assert (
        settings.database.url
        == "postgresql+psycopg://syncd_writer@db/ats?sslmode=verify-full&require_auth=scram-sha-256"
    )
    assert settings.warnings == ()


def test_the_example_mentions_every_key() -> None:
    table, mentioned = "", set()
    for line in EXAMPLE.read_text().splitlines():
        if match := re.fullmatch(r"\[{1,2}([a-z.]+)\]{1,2}", line):
            table = match[1]
        elif match := re.match(r"(?:# )?([a-z_]+) = ", line):
            mentioned.add(f"{table}.{match[1]}")
    assert mentioned == set(KEYS)


def test_what_the_example_shows_behind_a_hash_is_the_default(tmp_path: Path) -> None:
    def uncomment(match: re.Match[str]) -> str:
        return match[0] if match[1] in NOT_A_DEFAULT else match[0].removeprefix("# ")

    plain = EXAMPLE.read_text()
    full = re.sub(r"(?m)^# ([a-z_]+) = .*$", uncomment, plain)
    plain_keys = {each.name for each in dataclasses.fields(SyncSettings)} - NOT_A_DEFAULT
    assert set(tomllib.loads(full)["sync"]) == plain_keys
    # Only a key that is set can be unused.
    assert dataclasses.replace(load_example(tmp_path, full), unused=()) == load_example(tmp_path, plain)
