"""Writes what BI tools read, after a change to the views: `.venv/bin/python -m docs.report.make`.

That is dictionary.md, contract.odcs.yaml, erd.dot, erd.svg, the folder dbt/, and the results of the queries in
docs/reports.md. A test compares all of them with the database. The picture needs `dot` (`apt-get install graphviz`).
"""

from __future__ import annotations

import subprocess
import tempfile
import threading
from pathlib import Path

from sqlalchemy import Connection, create_engine

from docs.report.contract import contract_yaml
from docs.report.cookbook import APPLICATIONS, SEED, UNTIL, with_results
from docs.report.dbt_project import dbt_files
from docs.report.dictionary import dictionary
from docs.report.picture import dot_source, draw
from docs.report.views import read
from syncd.demo.sample_store import fill
from syncd.embedded import start_postgres
from syncd.store.database import Database
from syncd.store.migrate import upgrade

FOLDER = Path(__file__).parent
PAGE = FOLDER.parent / "reports.md"


def texts(connection: Connection) -> dict[str, str]:
    """Return the text of each file by its path below docs/report, without the picture."""
    contract = read(connection)
    files = {
        "dictionary.md": dictionary(contract),
        "contract.odcs.yaml": contract_yaml(contract),
        "erd.dot": dot_source(contract),
    }
    return files | {f"dbt/{path}": text for path, text in dbt_files(contract).items()}


def page_with_results(page: str, psql: Path, database_url: str) -> str:
    """Return the page with the results of its queries in a database that `fill_for_page` has filled."""

    def run(query: str) -> str:
        command = [str(psql), "-X", "-v", "ON_ERROR_STOP=1", "-c", query, database_url]
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own queries
        return done.stdout

    return with_results(page, run)


def fill_for_page(database_url: str) -> None:
    """Fill an empty migrated database with what the results on the page are of."""
    with tempfile.TemporaryDirectory() as folder, Database(database_url) as database:
        fill(
            database,
            Path(folder),
            applications=APPLICATIONS,
            seed=SEED,
            until=UNTIL,
            stop=threading.Event(),
        )


def main() -> None:
    """Write all files."""
    with start_postgres(fsync=False) as server:
        url = server.url.replace("postgresql://", "postgresql+psycopg://", 1)
        upgrade(url)
        engine = create_engine(url)
        with engine.connect() as connection:
            files = texts(connection)
        engine.dispose()
        fill_for_page(url)
        page = page_with_results(PAGE.read_text(encoding="utf-8"), server.bin_dir / "psql", server.url)
    PAGE.write_text(page, encoding="utf-8")
    for path, text in files.items():
        (FOLDER / path).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / path).write_text(text, encoding="utf-8")
    (FOLDER / "erd.svg").write_text(draw(files["erd.dot"]), encoding="utf-8")


if __name__ == "__main__":
    main()
