"""Why a connection to Postgres cannot be made is said in libpq's and the server's own words, whatever its language."""

from __future__ import annotations

import io
import json
import os
import shutil
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from syncd.deadline import Deadline
from syncd.embedded import EmbeddedPostgres, start_postgres
from syncd.errors import DatabaseUnavailable
from syncd.settings import load_settings
from syncd.store.database import Database
from syncd.store.engine import make_engine
from syncd.store.outage import Outage
from tests.integration.test_client_origin import certificate
from tests.unit.log_lines import logging_to

SSL_REQUEST = 80877103
NO_PASSWORD = "Passwort-Authentifizierung für Benutzer »syncd« fehlgeschlagen"


def answer_to_startup(text: str, sqlstate: str) -> bytes:
    fields = f"SFATAL\0VFATAL\0C{sqlstate}\0M{text}\0\0".encode()
    return b"E" + struct.pack("!i", len(fields) + 4) + fields


@contextmanager
def server(*, tls: bytes = b"N", asks: bool = False, says: bytes = b"") -> Iterator[str]:
    """A server that refuses each connection, and the address at which it listens."""

    def refuse(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while startup := connection.recv(4096):
                if struct.unpack("!i", startup[4:8])[0] == SSL_REQUEST:
                    connection.sendall(tls)
                    if tls == b"S":
                        return
                    continue
                if asks:
                    connection.sendall(b"R" + struct.pack("!ii", 8, 3))
                    connection.recv(4096)
                connection.sendall(says)
                return

    def serve() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=refuse, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def reason(url: str) -> str:
    with Database(url) as database, pytest.raises(DatabaseUnavailable) as caught:
        database.transact(lambda c: None, Deadline(5), patience=0)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "sqlstate", "asks"),
    [
        (NO_PASSWORD, "28P01", True),
        ("Datenbank »ats« existiert nicht", "3D000", True),
        ("la base de données « ats » n'existe pas", "3D000", False),
        ("Rolle »syncd« existiert nicht", "28000", False),
        ("kein pg_hba.conf-Eintrag für Host »10.0.0.1«", "28000", False),
        ("tut mir leid, schon zu viele Verbindungen", "53300", False),
    ],
)
def test_a_refusal_is_told_in_the_servers_own_words(text: str, sqlstate: str, asks: bool) -> None:
    with server(asks=asks, says=answer_to_startup(text, sqlstate)) as address:
        told = reason(f"postgresql+psycopg://syncd:geheim@{address}/ats")
    assert told.startswith("Postgres is away: connection to server at")
    assert text in told
    assert "geheim" not in told
    assert told.endswith("Check the user, the password and the database in database.url.") == asks


def test_a_missing_password_is_told_whatever_the_language() -> None:
    with server(asks=True) as address:
        assert "has no password, and the server requires one" in reason(
            f"postgresql+psycopg://u@{address}/ats"
        )


def test_a_password_that_the_server_repeats_is_not_shown() -> None:
    says = answer_to_startup("login by geheim\nrefused \x1b[2J for »geheim«", "28P01")
    with server(asks=True, says=says) as address:
        told = reason(f"postgresql+psycopg://syncd:geheim@{address}/ats")
    assert "login by ***" in told
    assert "geheim" not in told
    assert "\x1b" not in told


@pytest.mark.parametrize(
    ("tls", "parameters", "named"),
    [
        (b"S", "sslrootcert=/nowhere/ca.pem", 'root certificate file "/nowhere/ca.pem" does not exist'),
        (b"S", "sslrootcert=/dev/null", "/dev/null"),
        (b"S", f"sslrootcert={__file__}&sslcert=/nowhere/own.pem", __file__),
        (b"N", "sslrootcert=/nowhere/ca.pem", "server does not support SSL"),
        (b"N", "sslmode=bogus", 'invalid sslmode value: "bogus"'),
    ],
)
def test_what_keeps_a_server_from_proving_who_it_is_is_named(tls: bytes, parameters: str, named: str) -> None:
    with server(tls=tls) as address:
        query = parameters if "sslmode" in parameters else f"sslmode=verify-full&{parameters}"
        told = reason(f"postgresql+psycopg://syncd:geheim@{address}/ats?{query}")
    assert named in told
    assert ("database.tls" in told) == ("bogus" not in told)
    assert "disable server certificate verification" not in told


def test_a_server_that_wants_the_password_in_clear_does_not_get_it() -> None:
    with server(asks=True) as address:
        told = reason(f"postgresql+psycopg://syncd:geheim@{address}/ats?require_auth=scram-sha-256")
    assert "Store the role's password as SCRAM" in told


def test_a_lasting_reason_is_told_once_though_the_server_was_away_before() -> None:
    stream, outage = io.StringIO(), Outage()
    with logging_to(stream, "json", "info"):
        outage.note_failure("Postgres ended the connection (SQLSTATE 57P01)")
        for _ in range(2):
            outage.note_failure("nothing listens")
            outage.note_failure("a standby", lasting=True)
        outage.note_success(outage.count)
        outage.note_failure("a standby", lasting=True)
    told = [json.loads(line).get("reason") for line in stream.getvalue().splitlines()]
    assert told == ["Postgres ended the connection (SQLSTATE 57P01)", "a standby", None, "a standby"]


def test_a_password_that_became_wrong_in_an_outage_is_told_once() -> None:
    stream = io.StringIO()
    with (
        server(asks=True, says=answer_to_startup(NO_PASSWORD, "28P01")) as address,
        logging_to(stream, "json", "info"),
        Database(f"postgresql+psycopg://syncd:geheim@{address}/ats") as database,
    ):
        database._outage.note_failure("Postgres ended the connection (SQLSTATE 57P01)")
        for _ in range(2):
            with pytest.raises(DatabaseUnavailable):
                database.transact(lambda c: None, Deadline(5), patience=0.1)
    told = [json.loads(line)["reason"] for line in stream.getvalue().splitlines()]
    assert len(told) == 2
    assert NO_PASSWORD in told[1]


def test_an_engine_quotes_nothing_of_what_was_said_after_the_first_query(database_url: str) -> None:
    engine = make_engine(database_url)
    try:
        with engine.connect() as connection, pytest.raises(DBAPIError) as caught:
            connection.exec_driver_sql("SELECT 'canary'::int")
    finally:
        engine.dispose()
    assert getattr(caught.value.orig, "pgconn", None) is None


OF_DEBIAN = sorted(Path("/usr/lib/postgresql").glob("*/bin"))  # the embedded server is built without TLS


@pytest.mark.skipif(
    not OF_DEBIAN or shutil.which("openssl") is None, reason="needs Debian's postgresql and openssl, for TLS"
)
def test_a_server_beyond_this_host_is_used_only_with_the_certificate_of_its_name(tmp_path: Path) -> None:
    ours, foreign = (certificate(tmp_path, f"DNS:{name}") for name in ("db.example", "other.example"))
    with tls_server(ours) as server:
        assert connected(server, f"?sslrootcert={ours}") == "TLSv1.3"
        assert connected(server, "", tls="unverified") == "TLSv1.3"
        for told in (connected(server, f"?sslrootcert={foreign}"), connected(server, "")):
            assert "certificate" in told
            assert "database.tls" in told
    with tls_server(foreign) as server:
        told = connected(server, f"?sslrootcert={foreign}")
        assert '"other.example"' in told
        assert '"db.example"' in told


@contextmanager
def tls_server(identity: Path) -> Iterator[EmbeddedPostgres]:
    """A Postgres that proves who it is by this file, a certificate with its key."""
    with start_postgres(bin_dir=OF_DEBIAN[-1]) as server:
        log = server.log_path.stat()
        path = shutil.copyfile(identity, server.log_path.with_name("identity.pem"))
        path.chmod(0o600)
        os.chown(path, log.st_uid, log.st_gid)
        with psycopg.connect(server.url.replace("+psycopg", ""), autocommit=True) as connection:
            for setting, value in (("ssl_cert_file", path), ("ssl_key_file", path), ("ssl", "on")):
                connection.execute(f"ALTER SYSTEM SET {setting} = '{value}'".encode())
        server.stop()
        server.start()
        yield server


def connected(server: EmbeddedPostgres, parameters: str, tls: str = "verified") -> str:
    """The version of TLS that a transaction of syncd used; or why there was none."""
    url = f"postgresql://postgres@db.example:{server.port}/postgres{parameters}"
    given = {"DATABASE__URL": url, "DATABASE__PASSWORD": server.password, "DATABASE__TLS": tls}
    environ = {f"SYNCD_{key}": value for key, value in given.items()}
    settings = load_settings(None, environ, need_clients=False, need_media=False)
    asked = text("SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    # Only now, since syncd trusts a loopback address.
    url = make_url(settings.database.url).update_query_dict({"hostaddr": "127.0.0.1"}).render_as_string(False)
    with Database(url) as database:
        try:
            return str(database.transact(lambda c: c.execute(asked).scalar(), Deadline(5), patience=0))
        except DatabaseUnavailable as error:
            return str(error)
