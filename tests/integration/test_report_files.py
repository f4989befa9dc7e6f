"""docs/report: what BI tools read is what a migrated database says, and keys and gaps are what its rows have."""

from __future__ import annotations

import re

import psycopg
from sqlalchemy import create_engine

from docs.report.cookbook import comparable, queries
from docs.report.make import FOLDER, PAGE, fill_for_page, page_with_results, texts
from docs.report.picture import digest
from docs.report.views import JOINS, ONE_OF, View, missing, read
from syncd.embedded import EmbeddedPostgres

MAKE = ".venv/bin/python -m docs.report.make"
WRITTEN_BY_DBT = {"target", "logs", ".user.yml"}
# Of these there is one for each value of the others, in the sample.
NEVER_ALONE = {"currency"}


def read_with(database_url: str) -> tuple[View, ...]:
    engine = create_engine(database_url)
    with engine.connect() as connection:
        found = read(connection).views
    engine.dispose()
    return found


def test_the_files_for_bi_tools_say_what_the_database_says(database_url: str) -> None:
    engine = create_engine(database_url)
    with engine.connect() as connection:
        made = texts(connection)
    engine.dispose()
    kept = {
        path.relative_to(FOLDER).as_posix(): path.read_text(encoding="utf-8")
        for path in FOLDER.rglob("*")
        if path.is_file()
        and path.suffix not in (".py", ".pyc", ".svg")
        and not WRITTEN_BY_DBT & {*path.relative_to(FOLDER).parts}
    }
    assert sorted(kept) == sorted(made), f"run: {MAKE}"
    assert [path for path, text in made.items() if kept[path] != text] == [], f"run: {MAKE}"
    picture = (FOLDER / "erd.svg").read_text(encoding="utf-8")
    assert digest(made["erd.dot"]) in picture, f"run: {MAKE}"


def test_keys_gaps_joins_and_results_are_those_of_a_sample(
    database_url: str, shared_postgres: EmbeddedPostgres
) -> None:
    fill_for_page(database_url)
    url = database_url.replace("+psycopg", "")
    with psycopg.connect(url) as connection:

        def count(sql: str) -> int:
            return connection.execute(sql.encode()).fetchone()[0]  # type: ignore[index, no-any-return]

        views = read_with(database_url)
        for view in views:
            assert count(f"SELECT count(*) FROM report.{view.name}") > 0, f"no row in {view.name}"
            key = ", ".join(view.key)
            twice = f"SELECT count(*) FROM (SELECT FROM report.{view.name} GROUP BY {key} HAVING count(*) > 1) AS x"
            assert count(twice) == 0, f"{key} is not the key of {view.name}"
            if len(view.key) > 1:  # without any column of it, there are rows with the same values
                for left_out in set(view.key) - NEVER_ALONE:
                    less = ", ".join(name for name in view.key if name != left_out)
                    assert count(twice.replace(f"BY {key}", f"BY {less}")), (
                        f"{left_out} in the key of {view.name}"
                    )
            for column in view.columns:
                gaps = count(f"SELECT count(*) FROM report.{view.name} WHERE {column.name} IS NULL")
                assert not gaps or view.may_be_null(column.name), f"{view.name}.{column.name} has gaps"
        for join in JOINS:
            assert count(f"SELECT count(*) FROM report.{join.view} WHERE {missing(join)}") == 0, join
        for (name, of_values), values in ONE_OF.items():
            found = connection.execute(f"SELECT DISTINCT {of_values} FROM report.{name}".encode()).fetchall()
            assert {value for (value,) in found} - {None} <= set(values)
    page = PAGE.read_text(encoding="utf-8")
    made = page_with_results(page, shared_postgres.bin_dir / "psql", url)
    assert comparable(page) == comparable(made), f"run: {MAKE}"
    assert len(queries(page)) >= 17


def test_the_page_links_to_each_of_them() -> None:
    linked = set(re.findall(r"\]\((report/[^)#]+)\)", PAGE.read_text(encoding="utf-8")))
    assert {"report/dictionary.md", "report/erd.svg", "report/contract.odcs.yaml", "report/dbt"} <= linked
