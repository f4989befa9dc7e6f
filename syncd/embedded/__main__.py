"""`python -m syncd.embedded FOLDER` starts a Postgres for a trial, which stays when this program ends.

Prints two lines for the shell: the database's URL as syncd's setting, and a PATH that has psql.
"""

import sys
from pathlib import Path
from shlex import quote

import psutil

from syncd.embedded import EmbeddedPostgresError, installed_bin_dir, start_postgres


def main(folder: Path) -> None:
    """Starts the server, with the data that an earlier one has left in `folder`, unless it is running already."""
    if not _runs(folder):
        start_postgres(folder).leave_running()
    pid, _, _, port = _postmaster(folder)[:4]
    password = (folder / "password").read_text().strip()
    print(f"export SYNCD_DATABASE__URL=postgresql://postgres:{password}@127.0.0.1:{port}/postgres")
    print(f'export PATH="$PATH":{quote(str(installed_bin_dir()))}')
    print(f"Postgres runs in {folder}. To stop it: kill -INT {pid}", file=sys.stderr)


def _postmaster(folder: Path) -> list[str]:
    return (folder / "cluster" / "postmaster.pid").read_text().splitlines()


def _runs(folder: Path) -> bool:
    try:
        return bool(psutil.pid_exists(int(_postmaster(folder)[0])))
    except FileNotFoundError:
        return False


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m syncd.embedded FOLDER")
    try:
        main(Path(sys.argv[1]))
    except EmbeddedPostgresError as error:
        sys.exit(f"syncd: {error}")
