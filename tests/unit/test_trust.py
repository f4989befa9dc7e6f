"""Files that other users of the machine could change do not count: configuration, secrets, CA files (ADR 22)."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from syncd.errors import ConfigurationError
from syncd.settings import Settings, load_settings
from syncd.trust import weakness
from tests.integration.test_faults_disk import mount, small_disk

STRANGER, OURS = 4711, 4712
CANARY = "Kanarienvogel-78"
TOML = f"""
[database]
url = "postgresql://u@h/d"
[[clients]]
client_id = "acme"
client_secret = "{CANARY}"
"""
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")


@contextmanager
def running_as(uid: int) -> Iterator[None]:
    """Let this process be another user, in its own group alone, as a service is."""
    groups, gid = os.getgroups(), os.getegid()
    os.setgroups([])
    os.setegid(uid)
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(gid)
        os.setgroups(groups)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that every user can enter, as /etc is, unlike those of pytest."""
    folder = Path("/srv") / f"syncd-{tmp_path.parent.name}-{tmp_path.name}-{os.getpid()}"
    try:
        folder.mkdir(mode=0o755)
    except OSError:
        pytest.skip("only root can make a folder in /srv")
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def configured(folder: Path, mode: int = 0o600, toml: str = TOML) -> Path:
    file = folder / "syncd.toml"
    file.write_text(toml)
    file.chmod(mode)
    return file


def load(file: Path | None, **environ: str) -> Settings:
    return load_settings(file, {f"SYNCD_{key}": value for key, value in environ.items()}, need_media=False)


def refused(file: Path | None, **environ: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(file, **environ)
    (problem,) = caught.value.problems
    assert CANARY not in problem
    return problem


@pytest.mark.parametrize(("mode", "who"), [(0o602, "every user"), (0o622, "every user")])
def test_a_configuration_that_others_can_change_is_refused_with_its_mode_and_the_remedy(
    tmp_path: Path, mode: int, who: str
) -> None:
    problem = refused(configured(tmp_path, mode))
    assert f"can be changed by {who} (mode {mode:04o})" in problem
    assert f"chmod go-w {tmp_path / 'syncd.toml'}" in problem


@pytest.mark.parametrize("mode", [0o777, 0o757, 0o773])
@pytest.mark.parametrize("depth", [1, 2])
def test_a_folder_above_the_configuration_that_others_can_change_is_refused(
    tmp_path: Path, mode: int, depth: int
) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    file = configured(inner)
    assert load(file).source == file
    (inner, inner.parent)[depth - 1].chmod(mode)
    assert f"(mode {mode:04o})" in refused(file)


@root_only
def test_a_file_of_another_user_counts_neither_for_root_nor_for_the_service(folder: Path) -> None:
    file = configured(folder, 0o644, TOML.replace(f'client_secret = "{CANARY}"', ""))
    secret = folder / "secret"
    secret.write_text(CANARY)
    for each in (file, secret):
        os.chown(each, STRANGER, -1)
    assert f"belongs to user {STRANGER}" in refused(file, CLIENT_SECRET="x")
    os.chown(file, 0, 0)
    assert f"{secret} belongs to user {STRANGER}" in refused(file, CLIENT_SECRET_FILE=str(secret))
    os.chown(secret, OURS, OURS)
    secret.chmod(0o400)
    assert "belongs to user" in refused(file, CLIENT_SECRET_FILE=str(secret))
    with running_as(OURS):
        assert load(file, CLIENT_SECRET_FILE=str(secret)).clients[0].client_secret.reveal() == CANARY


@root_only
def test_a_ca_file_of_another_user_is_refused(folder: Path) -> None:
    ca_file = folder / "ca.pem"
    ca_file.write_text("")
    file = configured(folder)
    assert load(file, CA_FILE=str(ca_file)).warnings == ()
    os.chown(ca_file, STRANGER, -1)
    assert refused(file, CA_FILE=str(ca_file)).startswith("clients[0].ca_file (")


@root_only
def test_a_configuration_found_in_a_folder_like_tmp_is_refused_whoever_has_made_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.chmod(0o1777)
    monkeypatch.chdir(folder)
    file = configured(folder)
    assert "name it with --config" in refused(None)
    assert load(file).source == file
    os.chown(file, STRANGER, -1)
    for named in (None, file):
        assert "syncd.toml" in refused(named)
    assert "belongs to user" in refused(None, CONFIG=str(file))


@root_only
def test_a_link_of_another_user_on_the_way_is_refused(folder: Path) -> None:
    file = configured(folder)
    folder.chmod(0o1777)
    link = folder / "link"
    link.symlink_to(file)
    assert load(link).source == link
    os.chown(link, STRANGER, -1, follow_symlinks=False)
    assert f"{link} belongs to user {STRANGER}" in refused(link)


@root_only
def test_a_link_into_a_folder_that_others_can_change_is_refused(folder: Path) -> None:
    (folder / "open").mkdir()
    configured(folder / "open")
    (folder / "open").chmod(0o777)
    (folder / "link").symlink_to("open/../open/syncd.toml")
    assert f"{folder / 'open'} can be changed by every user" in refused(folder / "link")


@root_only
def test_a_group_counts_as_others_unless_nobody_else_is_in_it(folder: Path) -> None:
    file = configured(folder, 0o660)
    os.chown(file, 0, 0)  # the group of root alone
    assert weakness(file) is None
    daemon = pwd.getpwnam("daemon")
    os.chown(file, 0, daemon.pw_gid)
    assert f"can be changed by group {grp.getgrgid(daemon.pw_gid).gr_name} (mode 0660)" in refused(file)
    os.chown(file, 0, OURS)  # a number without a name: fsGroup of Kubernetes, or somebody else's
    assert "can be changed by group 4712" in refused(file)
    with running_as(OURS):
        assert load(file).source == file


@root_only
@pytest.mark.parametrize(("mode", "group"), [(0o644, 0), (0o440, OURS), (0o640, OURS)])
def test_a_volume_of_kubernetes_counts(folder: Path, mode: int, group: int) -> None:
    """A secret: a sticky folder for all, the files behind two links of root's (kubelet's atomic writer)."""
    with small_disk(folder / "secret", "1m") as volume:
        folder.chmod(0o755)
        (volume / "..2026_11_30").mkdir(mode=0o755)
        (volume / "..data").symlink_to("..2026_11_30")
        (volume / "secret").symlink_to("..data/secret")
        real = volume / "..2026_11_30" / "secret"
        real.write_text(CANARY)
        real.chmod(mode)
        os.chown(real, 0, group)
        volume.chmod(0o777)
        mount("-o", "remount,ro", volume)
        environ = {"SYNCD_DATABASE__URL": "postgresql://u@h/d", "SYNCD_CLIENT_ID": "acme"}
        environ |= {"SYNCD_CLIENT_SECRET_FILE": str(volume / "secret")}
        with running_as(OURS):
            settings = load_settings(None, environ, need_media=False)
        assert settings.clients[0].client_secret.reveal() == CANARY
        assert len(settings.warnings) == (mode == 0o644)


@root_only
def test_a_file_of_the_host_that_a_container_mounts_read_only_counts(folder: Path) -> None:
    file = configured(folder, 0o644, TOML.replace(f'client_secret = "{CANARY}"', ""))
    os.chown(file, STRANGER, STRANGER)
    mounted = folder / "mounted.toml"
    mounted.touch()
    mount("--bind", file, mounted)
    try:
        assert "belongs to user" in refused(mounted, CLIENT_SECRET="x")
        mount("-o", "remount,ro,bind", mounted)
        assert load(mounted, CLIENT_SECRET="x").source == mounted
    finally:
        subprocess.run(["umount", mounted], check=True)


def test_an_operator_can_allow_it_and_is_warned_each_time(tmp_path: Path) -> None:
    file = configured(tmp_path, 0o602)
    (warning, secret) = load(file, STRICT_MODES="no").warnings
    assert "can be changed by every user" in warning
    assert "allowed by SYNCD_STRICT_MODES=no" in warning
    assert "open to every user" in secret
    assert "can be changed" in refused(file, STRICT_MODES="yes")
    file.chmod(0o600)
    assert 'write "yes" or "no"' in refused(file, STRICT_MODES="off")


def test_a_pipe_can_hold_the_configuration_or_a_secret(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.write(writer, CANARY.encode())
    os.close(writer)
    file = configured(tmp_path, toml=TOML.replace(f'client_secret = "{CANARY}"', ""))
    settings = load(file, CLIENT_SECRET_FILE=f"/dev/fd/{reader}")
    assert settings.clients[0].client_secret.reveal() == CANARY
    os.close(reader)


def test_what_is_missing_or_turns_in_circles_has_no_weakness(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to("circle")
    for path in (tmp_path / "missing" / "file", tmp_path / "circle"):
        assert weakness(path) is None
