"""Secrets: where they may come from, and that neither errors nor reprs ever show one."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
from sqlalchemy import make_url

from syncd.errors import ConfigurationError
from syncd.settings import Secret, Settings, load_settings

CANARY = "Kanarienvogel-77"
DATABASE = '[database]\nurl = "postgresql://syncd@db:5433/ats?sslmode=verify-full"\n'


def configure(folder: Path, toml: str, environ: dict[str, str] | None = None) -> Settings:
    file = folder / "syncd.toml"
    file.write_text(toml)
    file.chmod(0o600)
    return load_settings(file, environ or {}, need_media=False)


def keep(file: Path, content: str | bytes, mode: int = 0o600) -> Path:
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    file.chmod(mode)
    return file


def client(line: str) -> str:
    return f'{DATABASE}[[clients]]\nclient_id = "acme"\n{line}\n'


def refused(folder: Path, toml: str, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigurationError) as caught:
        configure(folder, toml, environ)
    assert CANARY not in str(caught.value)
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_secret_file_beside_the_configuration_loses_its_last_line_break(
    tmp_path: Path, ending: str
) -> None:
    keep(tmp_path / "acme_secret", f" {CANARY} {ending}")
    settings = configure(tmp_path, client('client_secret_file = "acme_secret"'))
    assert settings.clients[0].client_secret.reveal() == f" {CANARY} "
    assert settings.warnings == ()


def test_a_bare_name_is_a_systemd_credential_where_there_are_any(tmp_path: Path) -> None:
    keep(tmp_path / "acme_secret", "beside")
    keep(tmp_path / "credentials" / "acme_secret", CANARY)
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")}
    bare = configure(tmp_path, client('client_secret_file = "acme_secret"'), environ)
    with_folder = configure(tmp_path, client('client_secret_file = "./acme_secret"'), environ)
    assert bare.clients[0].client_secret == Secret(CANARY)
    assert with_folder.clients[0].client_secret == Secret("beside")


def test_a_secret_of_the_environment_beats_the_other_form_in_the_file(tmp_path: Path) -> None:
    file = keep(tmp_path / "other", CANARY)
    from_file = configure(tmp_path, client('client_secret = "x"'), {"SYNCD_CLIENT_SECRET_FILE": str(file)})
    inline = configure(tmp_path, client('client_secret_file = "/nowhere"'), {"SYNCD_CLIENT_SECRET": CANARY})
    assert from_file.clients[0].client_secret == inline.clients[0].client_secret == Secret(CANARY)


def test_a_secret_and_its_file_in_one_place_are_refused(tmp_path: Path) -> None:
    keep(tmp_path / "s", CANARY)
    toml = client(f'client_secret = "{CANARY}"\nclient_secret_file = "s"')
    assert "set together with client_secret_file" in refused(tmp_path, toml)


def test_a_missing_secret_is_told_with_both_ways_to_give_it(tmp_path: Path) -> None:
    problem = refused(tmp_path, client(""))
    assert "write client_secret_file" in problem
    assert "SYNCD_CLIENT_SECRET_FILE" in problem


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        (f"{CANARY}\nsecond line\n", "one line"),
        (CANARY.encode() + b"\xff", "is not UTF-8"),
        (CANARY * 5000, "larger than 64 KiB"),
    ],
)
def test_a_file_that_holds_no_secret_is_refused_without_showing_it(
    tmp_path: Path, content: str | bytes, told: str
) -> None:
    keep(tmp_path / "s", content)
    problem = refused(tmp_path, client('client_secret_file = "s"'))
    assert told in problem
    assert str(tmp_path / "s") in problem


def test_a_secret_file_that_is_absent_or_a_folder_is_told(tmp_path: Path) -> None:
    assert "No such file" in refused(tmp_path, client('client_secret_file = "s"'))
    (tmp_path / "s").mkdir()
    assert "Is a directory" in refused(tmp_path, client('client_secret_file = "s"'))


SECRET_FILES = [
    'client_secret_file = "s"',
    f'client_secret = "{CANARY}"\n[web]\ntoken_file = "s"',
    f'client_secret = "{CANARY}"\nproxy = "http://proxy:1"\nproxy_credentials_file = "s"',
    f'client_secret = "{CANARY}"\n[sync]\nproxy = "http://proxy:1"\nproxy_credentials_file = "s"',
]


@pytest.mark.parametrize("line", SECRET_FILES)
@pytest.mark.parametrize("mode", [0o604, 0o644, 0o601])
def test_a_secret_that_every_user_may_use_is_refused(tmp_path: Path, mode: int, line: str) -> None:
    keep(tmp_path / "s", f"user:{CANARY}", mode)
    problem = refused(tmp_path, client(line))
    assert f"open to every user (mode {mode:04o})" in problem
    assert f"chmod o-rwx {tmp_path / 's'}" in problem
    for private in (0o600, 0o640, 0o400):
        keep(tmp_path / "s", f"user:{CANARY}", private)
        assert configure(tmp_path, client(line)).warnings == ()


def test_a_secret_that_every_user_may_use_is_warned_of_where_the_operator_allows_it(tmp_path: Path) -> None:
    keep(tmp_path / "s", CANARY, 0o644)
    settings = configure(tmp_path, client('client_secret_file = "s"'), {"SYNCD_STRICT_MODES": "no"})
    (warning,) = settings.warnings
    assert "chmod o-rwx" in warning
    assert CANARY not in warning


def test_a_configuration_file_with_a_secret_that_every_user_may_read_is_refused(tmp_path: Path) -> None:
    file = keep(tmp_path / "syncd.toml", client(f'client_secret = "{CANARY}"'), 0o644)
    with pytest.raises(ConfigurationError, match="open to every user") as caught:
        load_settings(file, {}, need_media=False)
    assert CANARY not in str(caught.value)
    keep(file, client(""), 0o644)
    environ = {"SYNCD_CLIENT_SECRET": CANARY}
    assert load_settings(file, environ, need_media=False).warnings == ()


@pytest.mark.parametrize(
    "line",
    [
        f'client_secret_file = "{CANARY}"',
        f'client_secret_file = "{CANARY}/+abc=="',
        f'client_secret_file = "/{CANARY}"',
        f'client_secret_file = " {CANARY}"',
        f'client_secret_file = "{CANARY}\\n"',
        f"client_secret_file = \"'{CANARY}'\"",
        f'client_secret_file = ["{CANARY}"]',
        f'client_secret_file = "{CANARY * 30}"',
        f'client_secret = "x"\n[web]\ntoken_file = "{CANARY}"',
        f'client_secret = "x"\nproxy = "http://proxy:1"\nproxy_credentials_file = "user:{CANARY}"',
        f'client_secret = "x"\nproxy = "http://user:{CANARY}@proxy:1"',
        f'client_secret = "x"\nbase_url = "https://user:{CANARY}@api.example"',
        f'client_secret = "x"\n[database]\npassword_file = "{CANARY}"',
        f'client_secret = "{CANARY}" trailing',
        f"client_secret = {CANARY}",
        f'client_secret = {{a."{CANARY}" = 1, a."{CANARY}" = 2}}',
        f'client_secret = "x"\n["{CANARY}"]\n["{CANARY}"]',
        f'client_secret = "{CANARY}\\q"',
    ],
)
def test_no_error_shows_a_secret_that_was_typed_into_the_wrong_place(tmp_path: Path, line: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        configure(tmp_path, f'[[clients]]\nclient_id = "acme"\n{line}\n')
    assert CANARY not in str(caught.value)


def test_a_bare_name_that_no_line_of_the_unit_passes_is_told_with_that_line(tmp_path: Path) -> None:
    keep(tmp_path / "database_password", CANARY)
    (tmp_path / "credentials").mkdir()
    toml = client('client_secret = "x"').replace(
        "[database]", '[database]\npassword_file = "database_password"'
    )
    problem = refused(tmp_path, toml, {"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")})
    assert f"add the line LoadCredential=database_password:{tmp_path}/database_password to it" in problem


@pytest.mark.skipif(os.geteuid() != 0, reason="only root reads what no other user can")
def test_root_is_told_which_lines_the_unit_needs(tmp_path: Path) -> None:
    keep(tmp_path / "acme_secret", CANARY)
    (advice,) = configure(tmp_path, client('client_secret_file = "acme_secret"')).advice
    assert f"LoadCredential=acme_secret:{tmp_path}/acme_secret" in advice
    keep(tmp_path / "acme_secret", CANARY, 0o640)
    assert configure(tmp_path, client('client_secret_file = "acme_secret"')).advice == ()
    keep(tmp_path / "acme_secret", CANARY)
    assert configure(tmp_path, client('client_secret_file = "./acme_secret"')).advice == ()


@pytest.mark.parametrize("password", ["simple", "p@ss:w/o?r#d%41 ü+&"])
def test_the_database_password_arrives_unchanged_in_sqlalchemy(tmp_path: Path, password: str) -> None:
    keep(tmp_path / "pw", password + "\n")
    toml = client('client_secret = "x"')
    settings = configure(tmp_path, toml, {"SYNCD_DATABASE__PASSWORD_FILE": str(tmp_path / "pw")})
    url = make_url(settings.database.url)
    assert (url.drivername, url.username, url.password) == ("postgresql+psycopg", "syncd", password)
    assert (url.host, url.port, url.database) == ("db", 5433, "ats")


def test_the_environments_password_beats_the_one_in_the_files_url_and_back(tmp_path: Path) -> None:
    toml = client('client_secret = "x"').replace("syncd@", "syncd:old@")
    settings = configure(tmp_path, toml, {"SYNCD_DATABASE__PASSWORD": "new"})
    assert make_url(settings.database.url).password == "new"
    toml = client('client_secret = "x"').replace("[database]", '[database]\npassword = "old"')
    settings = configure(tmp_path, toml, {"SYNCD_DATABASE__URL": "postgresql://syncd:new@db/ats"})
    assert make_url(settings.database.url).password == "new"


def test_two_passwords_in_one_place_or_one_without_a_user_are_refused(tmp_path: Path) -> None:
    toml = client('client_secret = "x"').replace("[database]", f'[database]\npassword = "{CANARY}"')
    assert "keep one of the two" in refused(tmp_path, toml.replace("syncd@", f"syncd:{CANARY}@"))
    assert "does not name a user" in refused(tmp_path, toml.replace("syncd@", ""))


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://u:{CANARY}@h/db",
        f"postgresql://u:{CANARY}@h",
        f"postgresql://u:{CANARY}/x@h/db",
        f"postgresql://u:{CANARY}#x@h/db",
        f"postgresql://u:{CANARY}@x@h/db",
        f"postgresql://u:{CANARY} x@h/db",
        f"postgresql://u@h/db?password={CANARY}",
        f"postgresql://u:{CANARY}@h:port/db",
        f"postgresql://u:{CANARY}@[::1/db",
        f"postgresql://u:{CANARY}@a:1,b:2/db",
    ],
)
def test_a_wrong_database_url_is_refused_without_showing_its_password(tmp_path: Path, url: str) -> None:
    toml = client('client_secret = "x"').replace("postgresql://syncd@db:5433/ats?sslmode=verify-full", url)
    assert refused(tmp_path, toml).startswith("database.url (")


def test_no_repr_shows_a_secret_and_the_shown_url_keeps_the_rest(tmp_path: Path) -> None:
    toml = client(f'client_secret = "{CANARY}"').replace("syncd@", f"syncd:{CANARY}@")
    settings = configure(tmp_path, toml)
    for shown in (repr(settings), str(settings), f"{settings.clients[0].client_secret}"):
        assert CANARY not in shown
    assert settings.database.shown_url == (
        "postgresql+psycopg://syncd:***@db:5433/ats?sslmode=verify-full&require_auth=scram-sha-256"
    )
    assert CANARY in settings.database.url


def test_a_secret_survives_pickling_and_compares_by_its_text() -> None:
    assert pickle.loads(pickle.dumps(Secret("a"))) == Secret("a")
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


def test_a_token_or_ca_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    toml = client('client_secret = "x"\nca_file = "ca.pem"')
    assert "ca.pem cannot be read" in refused(tmp_path, toml)
    (tmp_path / "ca.pem").mkdir()
    assert "ca.pem cannot be read" in refused(tmp_path, toml)
    (tmp_path / "ca.pem").rmdir()
    keep(tmp_path / "ca.pem", "pem")
    assert configure(tmp_path, toml).clients[0].ca_file == tmp_path / "ca.pem"
    web = toml + '[web]\ntoken_file = "web_token"\n'
    assert "web.token_file" in refused(tmp_path, web)
    keep(tmp_path / "web_token", CANARY)
    assert configure(tmp_path, web).web.token_file == tmp_path / "web_token"


def test_a_pipe_in_place_of_a_file_is_told_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert refused(tmp_path, client('client_secret_file = "pipe"')).endswith("pipe is a pipe; choose a file")
    with pytest.raises(ConfigurationError, match="pipe is a pipe"):
        load_settings(tmp_path / "pipe", {})


def test_a_secret_that_a_shell_passes_through_a_pipe_is_read(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.write(writer, CANARY.encode())
    os.close(writer)
    settings = configure(tmp_path, client(f'client_secret_file = "/dev/fd/{reader}"'))
    assert settings.clients[0].client_secret == Secret(CANARY)
    os.close(reader)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_secret_file_without_permission_is_told(tmp_path: Path) -> None:
    keep(tmp_path / "s", CANARY, 0)
    assert "Permission denied" in refused(tmp_path, client('client_secret_file = "s"'))


def test_a_secret_is_read_again_from_its_file_by_the_same_rules(tmp_path: Path) -> None:
    file, password = keep(tmp_path / "secret", "old\n"), keep(tmp_path / "password", "old\n")
    toml = client('client_secret_file = "secret"').replace("[[", 'password_file = "password"\n[[')
    settings = configure(tmp_path, toml)
    in_database = settings.database.password
    assert in_database is not None
    for secret, its_file in ((settings.clients[0].client_secret, file), (in_database, password)):
        keep(its_file, "new\n")
        assert (secret.reveal(), secret.again()) == ("old", "new")
        its_file.chmod(0o666)
        assert secret.again() is None
        its_file.unlink()
        assert secret.again() is None
    assert configure(tmp_path, client('client_secret = "x"')).clients[0].client_secret.again() is None
    folder = tmp_path / "credentials"
    file = keep(folder / "secret", "old", 0o400)
    environ = {"CREDENTIALS_DIRECTORY": str(folder)}
    secret = configure(tmp_path, client('client_secret_file = "secret"'), environ).clients[0].client_secret
    file.unlink()
    keep(file, "new", 0o400)
    assert secret.again() == "new"
