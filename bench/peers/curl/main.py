"""One curl that fetches everything, sixteen at once, and a sync of each file as soon as curl names it.

It stands for the least CPU that a ready tool needs. It follows curl's manual ("--parallel", "--config", "--write-out").
`--prepare` writes curl's config file, so that this is not measured. At the end it prints one line of JSON with
the wall time in seconds and the CPU seconds of curl and of the syncing, apart.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def prepare(config: Path, urls: Path, media: Path, token: str) -> None:
    """Write the config file, and make the folders."""
    lines = [
        "parallel",
        "parallel-max = 16",
        "no-progress-meter",
        "fail",
        f'header = "Authorization: Bearer {token}"',
        r'write-out = "%{stderr}%{filename_effective}\n"',  # stderr, because curl holds back what it writes to a pipe
    ]
    for line in urls.read_text().splitlines():
        url, _, name = line.partition("\t")
        (media / name).parent.mkdir(parents=True, exist_ok=True)
        lines += [f'url = "{url}"', f'output = "{media / name}"']
    config.write_text("\n".join(lines) + "\n")


def sync(path: str) -> None:
    """Have the bytes of one file on disk."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def run(config: Path, syncers: int) -> dict[str, float]:
    """Fetch and sync; gives seconds.

    Raises:
        SystemExit: curl failed, with its code.
    """
    start = time.perf_counter()
    with subprocess.Popen(
        ["curl", "--config", str(config)], stderr=subprocess.PIPE, text=True
    ) as curl:  # the user's curl
        assert curl.stderr  # for mypy: it was asked for
        with ThreadPoolExecutor(syncers) as pool:
            synced = [pool.submit(sync, line.rstrip("\n")) for line in curl.stderr]
        _, status, used = os.wait4(curl.pid, 0)
        curl.returncode = os.waitstatus_to_exitcode(status)
    for one in synced:
        one.result()
    if curl.returncode:
        sys.exit(curl.returncode)
    own = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "files": len(synced),
        "wall": time.perf_counter() - start,
        "curl_cpu": used.ru_utime + used.ru_stime,
        "sync_cpu": own.ru_utime + own.ru_stime,
    }


def main() -> None:
    """Prepare, or fetch."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="curl's config file")
    parser.add_argument("--prepare", action="store_true", help="only write the config file")
    parser.add_argument("--urls", type=Path, help="for --prepare: lines of URL, tab, path below --media")
    parser.add_argument("--media", type=Path, help="for --prepare")
    parser.add_argument("--token", default="bench", help="for --prepare: the bearer token")
    parser.add_argument("--syncers", type=int, default=16, help="how many threads sync")
    parser.add_argument("--source", help="taken, as by every peer; the URLs say it")
    parser.add_argument("--database", help="taken, as by every peer; not used")
    chosen = parser.parse_args()
    if chosen.prepare:
        prepare(chosen.config, chosen.urls, chosen.media, chosen.token)
    else:
        print(json.dumps(run(chosen.config, chosen.syncers)))


if __name__ == "__main__":
    main()
