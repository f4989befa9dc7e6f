"""Real databases for the tests: one embedded Postgres for each worker, an empty migrated database for each test.

And a real Chromium, in one worker.
"""

from __future__ import annotations

import fcntl
import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from pytest_postgresql import factories

from syncd.embedded import EmbeddedPostgres, start_postgres
from tests.browser import chromium
from tests.database import MIGRATED, SERVER_SETTINGS, ServerAddress, make_migrated, sqlalchemy_url
from tests.reused import ReusedDatabase

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

# A deadline for one example would measure the machine, and so does a warning that drawing is slow.
settings.register_profile("busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy machine")

# FUZZ_EXAMPLES=100000 lets each test that hypothesis feeds try that many examples, whatever the test itself says.
_FUZZ_EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
_SETTINGS = "_hypothesis_internal_use_settings"

# TEST_POSTGRES_BIN=/usr/lib/postgresql/15/bin runs the tests on the server of that folder.
_OTHER_POSTGRES = Path(os.environ["TEST_POSTGRES_BIN"]) if "TEST_POSTGRES_BIN" in os.environ else None
# Where in a run the tests marked `long`, and the other tests of a folder, come: as shares of all tests.
_SPAN = {"long": (0.0, 0.75), "system": (0.0, 0.9), "integration": (0.0, 0.95), "unit": (0.2, 1.0)}


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever asks for the browser has its marker: `-m "not browser"` leaves all of them out.

    One worker runs all of these, because each start of Chromium costs seconds.

    Tests of whole processes mostly wait, and those with a database compute. So the order mixes them, that the cores
    have work all the time. What takes long comes early, so that no worker is left alone with it at the end.
    """
    for item in items:
        test = getattr(item, "obj", None)
        if _FUZZ_EXAMPLES and (fed := getattr(test, _SETTINGS, None)):
            setattr(test, _SETTINGS, settings(fed, max_examples=_FUZZ_EXAMPLES))
        if not {"browser", "pdf_browser"}.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker("browser")
            item.add_marker(pytest.mark.xdist_group("browser"))
    items.sort(key=_place)


def _place(item: pytest.Item) -> float:
    """Where in the run it comes: drawn from its name, so that no neighbours wait at the same time."""
    kind = "long" if item.get_closest_marker("long") else item.path.parent.name
    begin, end = _SPAN.get(kind, (0.0, 1.0))
    return begin + (end - begin) * crc32(item.nodeid.encode()) / 2**32


# Collecting the tests makes 200,000 objects that stay. The garbage collector would look at them again and again.
gc.disable()


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    from playwright.sync_api import sync_playwright  # here, so that other tests do not wait for the import

    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """A headless Chromium that all its tests share; each opens pages in a context of its own."""
    with chromium(playwright) as shared:
        yield shared


@pytest.fixture
def pdf_browser(playwright: Playwright) -> Iterator[Browser]:
    """A headless Chromium of this test's own that shows PDFs as users' browsers do."""
    with chromium(playwright, shows_pdfs=True) as own:
        yield own


@pytest.fixture(scope="session")
def new_cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a stopped server with the database `MIGRATED`. The first worker that needs it makes it for all."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "new-cluster"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            made = tmp_path_factory.mktemp("cluster")
            with start_postgres(made, settings=SERVER_SETTINGS, bin_dir=_OTHER_POSTGRES) as server:
                make_migrated(server)
            made.rename(folder)  # only now, so that each worker tells why a migration fails
    return folder


@pytest.fixture(scope="session")
def shared_postgres(new_cluster: Path) -> Iterator[EmbeddedPostgres]:
    """The server that all tests of this worker share. A test that stops or kills one takes `own_postgres`."""
    with start_postgres(settings=SERVER_SETTINGS, bin_dir=_OTHER_POSTGRES, copy_of=new_cluster) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_address(shared_postgres: EmbeddedPostgres) -> ServerAddress:
    return ServerAddress.of(shared_postgres)


empty_template = factories.postgresql_noproc(depends_on="postgres_address", dbname="empty")
empty_connection = factories.postgresql("empty_template")


@pytest.fixture(scope="session")
def reused_database(postgres_address: ServerAddress) -> Iterator[ReusedDatabase]:
    reused = ReusedDatabase(postgres_address, name="reused", template=MIGRATED)
    yield reused
    reused.close()


@pytest.fixture
def database_url(reused_database: ReusedDatabase) -> Iterator[str]:
    """A database at the newest schema, with nothing in it, that no other test uses at the same time."""
    yield _url_of(reused_database.take())
    reused_database.give_back()


@pytest.fixture
def empty_database_url(empty_connection: psycopg.Connection) -> str:
    """A database of this test's own without any schema; dropped afterwards."""
    return _url_of(empty_connection)


@pytest.fixture
def cloned_database_url(postgres_address: ServerAddress) -> Iterator[str]:
    """A database of this test's own at the newest schema, whose tables have never held a row.

    For tests that measure the bytes of tables.
    """
    clone = ReusedDatabase(postgres_address, name="cloned", template=MIGRATED)
    yield _url_of(clone.take())
    clone.close()


@pytest.fixture
def own_postgres(new_cluster: Path) -> Iterator[EmbeddedPostgres]:
    """A server of this test's own, to be stopped, started and killed at will. `url_of` has its migrated database."""
    with start_postgres(settings=SERVER_SETTINGS, bin_dir=_OTHER_POSTGRES, copy_of=new_cluster) as server:
        yield server


@pytest.fixture
def postgres_log(shared_postgres: EmbeddedPostgres) -> Path:
    """The log of the server behind `database_url`; each line names its database, and other tests write to it as well."""
    return shared_postgres.log_path


def _url_of(connection: psycopg.Connection) -> str:
    info = connection.info
    return sqlalchemy_url(
        host=info.host, port=info.port, user=info.user, dbname=info.dbname, password=info.password
    )
