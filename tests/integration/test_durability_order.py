"""What the kernel saw of one whole sync: each file was durable before it was confirmed (invariant I2, faults.md)."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from syncd.sandbox import Sandbox, SandboxConfig

CALLS = "trace=fsync,fdatasync,rename,renameat,renameat2,openat,sendto"
LINE = re.compile(
    r"(?P<pid>\d+) +(?:<\.\.\. (?P<resumed>\w+) resumed>(?P<rest>.*)|(?P<name>\w+)\((?P<text>.*))$"
)


@dataclass(frozen=True)
class Call:
    """One system call that has succeeded, in the order of their ends; a sendto stands where it began."""

    name: str
    text: str


def traced(lines: list[str]) -> Iterator[Call]:
    """The calls of a log of `strace -f`, whose lines are torn apart when another thread comes in between."""
    begun: dict[str, str] = {}
    for line in lines:
        found = LINE.match(line)
        if not found:
            continue  # a signal, or the end of a process
        name, text = found["name"] or found["resumed"], found["text"] or ""
        if name == "sendto":
            if text:
                yield Call(name, text)
        elif text.endswith("<unfinished ...>"):
            begun[found["pid"]] = text.removesuffix("<unfinished ...>")
        else:
            text = text or begun.pop(found["pid"], "") + found["rest"]
            if not re.search(r"= -\d+ E[A-Z]+ ", text):
                yield Call(name, text)


def trace_of_a_sync(url: str, config: SandboxConfig, folder: Path, database_url: str) -> list[Call]:
    log = folder / "trace"
    environ = {
        "PATH": os.environ["PATH"],
        "SYNCD_DATABASE__URL": database_url,
        "SYNCD_MEDIA__ROOT": str(folder / "media"),
        "SYNCD_CLIENT_ID": config.client_id,
        "SYNCD_CLIENT_SECRET": config.client_secret,
        "SYNCD_BASE_URL": url,
    }
    strace = ["strace", "-f", "-y", "-s", "300", "-e", CALLS, "-o", str(log)]
    command = [*strace, sys.executable, "-m", "syncd", "sync", "--json"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return list(traced(log.read_text(errors="replace").splitlines()))


def position(calls: list[Call], name: str, pattern: str, after: int = -1) -> int:
    """Where the first call like this comes behind another one."""
    for index in range(after + 1, len(calls)):
        if calls[index].name == name and re.search(pattern, calls[index].text):
            return index
    raise AssertionError(f"no {name} like {pattern} behind {calls[after] if after >= 0 else 'the start'}")


@pytest.mark.skipif(
    shutil.which("strace") is None, reason="there is no strace here to watch system calls with"
)
def test_each_file_is_synced_then_named_then_its_folders_are_synced_and_only_then_it_is_confirmed(
    database_url: str, tmp_path: Path
) -> None:
    root = tmp_path / "media"
    config = SandboxConfig(
        profiles=12, database_url=database_url.replace("+psycopg", ""), media_root=root, media_per_profile=2.0
    )
    with Sandbox(config) as sandbox:
        try:
            calls = trace_of_a_sync(sandbox.url, config, tmp_path, database_url)
        except AssertionError as error:
            if "ptrace" in str(error).lower():
                pytest.skip("this machine does not let us trace processes")
            raise
        assert sandbox.audit().findings == []
        assert sandbox.findings == []
    files = [path for path in (root / "acme").rglob("*") if path.is_file()]
    assert len(files) >= 12
    confirm = position(calls, "sendto", r"POST /api/applicant/v1/confirm")
    for file in files:
        named = position(calls, "renameat", rf'<{re.escape(str(file.parent))}>, "{re.escape(file.name)}"')
        temporary = re.search(r'"([^"]+)"', calls[named].text)
        assert temporary
        made = position(calls, "openat", re.escape(f'"{temporary[1]}"'))
        assert "O_EXCL" in calls[made].text
        assert "O_NOFOLLOW" in calls[made].text
        assert re.search(r", 0600\s*\)", calls[made].text)
        synced = position(calls, "fsync", rf"<{re.escape(temporary[1])}>", after=made)
        folder = position(calls, "fsync", rf"<{re.escape(str(file.parent))}>", after=named)
        above = position(calls, "fsync", rf"<{re.escape(str(file.parent.parent))}>", after=named)
        assert made < synced < named < min(folder, above)
        assert max(folder, above) < confirm
    assert position(calls, "fsync", rf"<{re.escape(str(root))}>") < confirm  # the client's own folder
    # The mark that the first confirm needs.
    marks = re.escape(str(root / ".syncd-store"))
    named = position(calls, "renameat", rf'<{marks}>, "acme"')
    temporary = re.search(r'"([^"]+)"', calls[named].text)
    assert temporary
    synced = position(calls, "fsync", rf"<{re.escape(temporary[1])}>")
    assert synced < named < position(calls, "fsync", rf"<{marks}>", after=named) < confirm
    # The list of what the first confirm names.
    assert position(calls, "fsync", rf"<{marks}/acme\.20\d\d-\d\d>") < confirm
