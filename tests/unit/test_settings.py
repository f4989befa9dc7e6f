"""Settings: which source wins, and that every mistake is told at once, with its key, its source and the remedy."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from syncd.errors import ConfigurationError
from syncd.settings import Cron, Every, Secret, Settings, load_settings

MINIMAL = {
    "SYNCD_DATABASE__URL": "postgresql://syncd_writer@db/ats",
    "SYNCD_CLIENT_ID": "acme",
    "SYNCD_CLIENT_SECRET": "s3cret",
}
ONE_CLIENT = """
[database]
url = "postgresql://syncd_writer@db/ats"
[[clients]]
client_id = "acme"
client_secret = "from-file"
"""
TWO_CLIENTS = ONE_CLIENT + '[[clients]]\nclient_id = "beta"\nclient_secret = "b"\n'


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def load(toml: str, environ: dict[str, str] | None = None, **needs: bool) -> Settings:
    file = Path("given.toml")
    file.write_text(toml)
    file.chmod(0o600)
    return load_settings(file, environ or {}, **needs)


def problems(toml: str | None, environ: dict[str, str] | None = None, **needs: bool) -> list[str]:
    file = None
    if toml is not None:
        file = Path("given.toml")
        file.write_text(toml)
        file.chmod(0o600)
    with pytest.raises(ConfigurationError) as caught:
        load_settings(file, environ or {}, **needs)
    return caught.value.problems


def only_problem(toml: str | None, environ: dict[str, str] | None = None) -> str:
    (problem,) = problems(toml, environ)
    return problem


def test_environment_alone_is_enough_and_everything_else_has_its_default() -> None:
    settings = load_settings(None, MINIMAL)
    (client,) = settings.clients
    verified = "?sslmode=verify-full&require_auth=scram-sha-256"
    assert settings.database.url == f"postgresql+psycopg://syncd_writer@db/ats{verified}"
    assert (client.client_id, client.client_secret.reveal()) == ("acme", "s3cret")
    assert client.base_url == "https://api.pitchyou.de"
    assert client.schedule == Every(60.0)
    assert client.timezone.key == "Europe/Berlin"
    assert (client.retention_days, client.raw_retention_days) == (183, None)
    assert client.fields.applied_at == "createdAt"
    assert settings.media.root == Path("/var/lib/syncd/media")
    assert (settings.sync.cycle_deadline, settings.sync.media_gone_after) == (1800.0, 86400.0)
    assert (settings.source, settings.warnings) == (None, ())


def test_environment_beats_file_and_file_beats_default() -> None:
    toml = ONE_CLIENT + 'schedule = "every 5m"\n[sync]\nbatch_size = 7\nlease_ttl = "9s"\n'
    settings = load(toml, {"SYNCD_SYNC__BATCH_SIZE": "8", "SYNCD_SCHEDULE": "*/5 * * * *"})
    assert (settings.sync.batch_size, settings.sync.lease_ttl, settings.sync.confirm_batch) == (8, 9.0, 100)
    assert settings.clients[0].schedule == Cron("*/5 * * * *")
    assert settings.source == Path("given.toml")


def test_the_file_is_searched_in_the_promised_order() -> None:
    for name in ("explicit", "variable", "syncd"):
        Path(f"{name}.toml").write_text(f'[database]\nurl = "postgresql://u@localhost/{name}"\n')
    named = {"SYNCD_CONFIG": "variable.toml"}
    found = [
        load_settings(path, environ, need_clients=False).database.url.rpartition("/")[2]
        for path, environ in ((Path("explicit.toml"), named), (None, named), (None, dict[str, str]()))
    ]
    assert found == ["explicit", "variable", "syncd"]


@pytest.mark.parametrize("by_variable", [True, False])
def test_a_named_file_that_is_missing_is_an_error_and_hides_no_other_mistake(by_variable: bool) -> None:
    environ = {"SYNCD_LOG__LEVEL": "loud"} | ({"SYNCD_CONFIG": "nowhere.toml"} if by_variable else {})
    with pytest.raises(ConfigurationError) as caught:
        load_settings(None if by_variable else Path("nowhere.toml"), environ)
    first, second = caught.value.problems
    assert "nowhere.toml: cannot be read (No such file or directory)" in first
    assert second.startswith("log.level (environment SYNCD_LOG__LEVEL): 'loud'")


def test_all_mistakes_of_file_and_environment_are_told_at_once() -> None:
    toml = """
    databse = 1
    [database]
    url = "mysql://u:geheim@h/db"
    [media]
    max_bytes = "50%"
    concurrency = 65
    [sync]
    batch_sise = 3
    lease_ttl = true
    [[clients]]
    client_id = "Acme_GmbH"
    client_secret = ""
    schedule = "0 24 * * *"
    timezone = "Europe/Berln"
    base_url = "http://api.pitchyou.de"
    fields.emial = "x"
    fields.phone = "a..b"
    """
    told = problems(toml, {"SYNCD_LOG__FORMAT": "xml", "SYNCD_SYNC__BATCHSIZE": "3"})
    expected = [
        ("databse (given.toml)", "did you mean [database]?"),
        ("database.url (given.toml)", "write postgresql://USER@HOST/DATABASE"),
        ("media.max_bytes (given.toml): '50%'", "such as 200MB"),
        ("media.concurrency (given.toml): 65", "write 1 to 64"),
        ("sync.batch_sise (given.toml)", "did you mean sync.batch_size?"),
        ("sync.lease_ttl (given.toml): True", "such as 30s"),
        ("clients[0].client_id (given.toml): 'Acme_GmbH'", "lower-case letters"),
        ("clients[0].client_secret (given.toml): is empty", "write the secret"),
        ("clients[0].schedule (given.toml): '24' is not a valid hour", "write 0 to 23"),
        ("clients[0].timezone (given.toml): 'Europe/Berln'", 'write "Europe/Berlin"'),
        ("clients[0].base_url (given.toml)", "write https://HOST"),
        ("clients[0].fields.emial (given.toml)", "did you mean clients.fields.email?"),
        ("clients[0].fields.phone (given.toml): 'a..b'", "dotted path"),
        ("log.format (environment SYNCD_LOG__FORMAT): 'xml'", 'write "json" or "console"'),
        ("SYNCD_SYNC__BATCHSIZE (environment)", "did you mean SYNCD_SYNC__BATCH_SIZE?"),
    ]
    for start, remedy in expected:
        matching = [problem for problem in told if problem.startswith(start)]
        assert len(matching) == 1, (start, told)
        assert remedy in matching[0]
    assert len(told) == len(expected), told
    assert "geheim" not in "".join(told)


def test_a_key_in_the_wrong_table_is_told_where_it_belongs() -> None:
    assert "did you mean sync.batch_size?" in only_problem("batch_size = 3\n" + ONE_CLIENT)
    assert "did you mean clients.schedule?" in only_problem(ONE_CLIENT + '[log]\nschedule = "every 5m"\n')


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ("[clients]\nclient_id = 'a'", "write [[clients]], with two brackets"),
        ("clients = ['a']", "write [[clients]]"),
        ("sync = 3", "write [sync] on its own line"),
        ("[[clients]]\nfields = 'x'", "write [clients.fields]"),
        ("[sync\n", "is not valid TOML"),
    ],
)
def test_a_wrong_shape_of_the_file_is_told(toml: str, told: str) -> None:
    assert any(told in problem for problem in problems(toml)), problems(toml)


def test_a_file_that_is_not_utf8_is_told_and_a_byte_order_mark_is_read() -> None:
    Path("latin.toml").write_bytes('label = "Müller"'.encode("latin-1"))
    with pytest.raises(ConfigurationError, match="is not UTF-8"):
        load_settings(Path("latin.toml"), {})
    Path("windows.toml").write_bytes(b"\xef\xbb\xbf" + ONE_CLIENT.replace("\n", "\r\n").encode())
    Path("windows.toml").chmod(0o600)
    assert load_settings(Path("windows.toml"), {}).clients[0].client_id == "acme"


def test_numbered_variables_change_and_add_clients() -> None:
    environ = {
        "SYNCD_CLIENTS__1__SCHEDULE": "every 2m",
        "SYNCD_CLIENTS__2__CLIENT_ID": "gamma",
        "SYNCD_CLIENTS__2__CLIENT_SECRET": "g",
        "SYNCD_CLIENTS__2__FIELDS__EMAIL": "contact.mail",
    }
    clients = load(TWO_CLIENTS, environ).clients
    assert [client.client_id for client in clients] == ["acme", "beta", "gamma"]
    assert clients[1].schedule == Every(120.0)
    assert clients[2].fields.email == "contact.mail"
    assert clients[2].fields.phone == "phone"


def test_a_gap_in_the_numbers_of_clients_is_told() -> None:
    assert "no client 2 before it" in problems(TWO_CLIENTS, {"SYNCD_CLIENTS__3__CLIENT_ID": "x"})[0]


def test_the_short_form_overrides_the_only_client_of_the_same_id() -> None:
    environ = {
        "SYNCD_CLIENT_ID": "acme",
        "SYNCD_BASE_URL": "http://127.0.0.1:9/pitch/",
        "SYNCD_LABEL": "ACME",
    }
    (client,) = load(ONE_CLIENT, environ).clients
    assert (client.base_url, client.label) == ("http://127.0.0.1:9/pitch", "ACME")
    assert client.client_secret == Secret("from-file")


def test_the_short_form_is_refused_where_it_is_unclear_which_client_is_meant() -> None:
    assert "the file has 2 clients" in only_problem(TWO_CLIENTS, {"SYNCD_SCHEDULE": "every 5m"})
    assert "but the only client of given.toml is 'acme'" in only_problem(
        ONE_CLIENT, {"SYNCD_CLIENT_ID": "beta"}
    )
    both = MINIMAL | {"SYNCD_CLIENTS__0__LABEL": "x"}
    assert any("use one of the two forms" in problem for problem in problems(None, both))


def test_two_clients_of_one_id_are_refused() -> None:
    assert '"acme" is used by an earlier client' in only_problem(TWO_CLIENTS.replace("beta", "acme"))


def test_no_client_is_an_error_only_for_commands_that_need_one() -> None:
    toml = '[database]\nurl = "postgresql://u@h/db"\n'
    assert "set SYNCD_CLIENT_ID" in only_problem(toml)
    assert load(toml, need_clients=False).clients == ()


def test_without_need_of_clients_their_secrets_are_not_read_but_their_keys_are_checked() -> None:
    toml = ONE_CLIENT.replace('client_secret = "from-file"', 'client_secret_file = "/nowhere/secret"')
    (client,) = load(toml, need_clients=False).clients
    with pytest.raises(ConfigurationError, match="was not read"):
        client.client_secret.reveal()
    assert problems(toml + 'schedule = "often"\n', need_clients=False)


def test_a_media_root_that_runs_through_a_file_is_told_only_where_media_are_needed() -> None:
    Path("file").touch()
    toml = ONE_CLIENT + '[media]\nroot = "file/media"\n'
    assert "file is not a folder" in only_problem(toml)
    assert load(toml, need_media=False).media.root == Path.cwd() / "file/media"


def test_raw_payloads_may_not_be_kept_longer_than_their_applications() -> None:
    assert "write at most 183" in only_problem(ONE_CLIENT + "raw_retention_days = 200\n")
    kept = ONE_CLIENT + 'retention_days = "never"\nraw_retention_days = 200\n'
    assert load(kept).clients[0].retention_days is None


def test_a_key_that_does_nothing_yet_is_named_if_it_is_set_and_only_then() -> None:
    assert load(ONE_CLIENT).unused == ()
    toml = ONE_CLIENT + "raw_retention_days = 30\n"
    unused = load(toml, {"SYNCD_RETENTION_DAYS": "90"}).unused
    assert unused == (
        "clients[0].raw_retention_days (given.toml): is reserved and does nothing yet; syncd erases nothing",
        "clients[0].retention_days (environment SYNCD_RETENTION_DAYS): is reserved and does nothing yet; "
        "syncd erases nothing",
    )


def test_variables_of_kubernetes_services_are_left_alone_but_a_wrong_port_is_told() -> None:
    kubernetes = {
        "SYNCD_SERVICE_HOST": "10.0.0.7",
        "SYNCD_SERVICE_PORT": "8080",
        "SYNCD_SERVICE_PORT_HTTP": "8080",
        "SYNCD_PORT": "tcp://10.0.0.7:8080",
        "SYNCD_WEB_PORT_8080_TCP_ADDR": "10.0.0.7",
        "SYNCD_PORT_8080_TCP_PROTO": "tcp",
    }
    assert load_settings(None, MINIMAL | kubernetes).clients[0].client_id == "acme"
    assert "SYNCD_PORT (environment): is not a known variable" in only_problem(
        None, MINIMAL | {"SYNCD_PORT": "8080"}
    )


def test_settings_cannot_be_changed_after_loading() -> None:
    settings = load_settings(None, MINIMAL)
    with pytest.raises(FrozenInstanceError):
        settings.sync.batch_size = 1  # type: ignore[misc]  # that this is refused is the point
    with pytest.raises(FrozenInstanceError):
        settings.clients[0].fields.email = "x"  # type: ignore[misc]  # as above


def test_settings_load_without_the_heavy_libraries() -> None:
    code = "import sys, syncd.settings; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"sqlalchemy", "httpx", "alembic", "psycopg", "structlog", "apscheduler"} & set(loaded)
