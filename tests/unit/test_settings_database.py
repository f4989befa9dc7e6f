"""The database's URL: what libpq does not know is refused, and a server beyond this host must prove who it is."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from psycopg import pq
from sqlalchemy import make_url

from syncd.errors import ConfigurationError
from syncd.settings import load_settings
from syncd.settings.libpq import PARAMETERS

VERIFIED = {"sslmode": "verify-full", "require_auth": "scram-sha-256"}
NOTHING: Mapping[str, str] = {}


def loaded(url: str, environ: Mapping[str, str] = NOTHING, tls: str | None = None) -> dict[str, object]:
    """The parameters with which syncd connects to this URL."""
    given = {"SYNCD_DATABASE__URL": url} | dict(environ) | ({"SYNCD_DATABASE__TLS": tls} if tls else {})
    settings = load_settings(None, given, need_clients=False, need_media=False)
    return dict(make_url(settings.database.url).query)


def refused(url: str, environ: Mapping[str, str] = NOTHING) -> str:
    with pytest.raises(ConfigurationError) as caught:
        loaded(url, environ)
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize(
    ("parameter", "named"),
    [
        ("pgbouncer=true", "'pgbouncer'"),
        ("schema=public", "'schema'"),
        ("ssl=true", "'ssl'"),
        (
            "SSLMode=require",
            "'SSLMode' after the '?', which is not a parameter of libpq; did you mean 'sslmode'",
        ),
        ("sslmode", ""),
        ("autocommit=false", "'autocommit'"),
        ("plugin=x", "'plugin'"),
        ("replication=database", "'replication'"),
        ("sslmode=verify-full&sslmode=disable", "'sslmode' twice"),
        ("ssl%6Dod=x", "'sslmod'"),
    ],
)
def test_a_parameter_that_libpq_does_not_know_is_refused_by_name(parameter: str, named: str) -> None:
    if not named:
        assert loaded(f"postgresql://u@db/ats?{parameter}") == VERIFIED
        return
    assert named in refused(f"postgresql://u@db/ats?{parameter}")


def test_each_parameter_of_libpq_is_known_but_for_passwords_and_another_kind_of_session() -> None:
    known = {each.keyword.decode() for each in pq.Conninfo.get_defaults()}
    assert known - PARAMETERS == {"password", "sslpassword", "replication"}
    assert PARAMETERS - known == set()


@pytest.mark.parametrize(
    ("url", "environ"),
    [
        ("postgresql://u:p@db/ats", {}),
        ("postgresql://u@10.0.0.7/ats", {}),
        ("postgresql://u@[fd00::7]:5432/ats", {}),
        ("postgresql://u@localhost.evil.example/ats", {}),
        ("postgresql://u@db.localhost/ats", {}),
        ("postgresql://u@/ats?host=localhost:5432&host=db:5432", {}),
        ("postgresql://u@/ats?host=/run/postgresql,db", {}),
        ("postgresql://u@localhost/ats?hostaddr=10.0.0.7", {}),
        ("postgresql://u@localhost/ats", {"PGHOSTADDR": "10.0.0.7"}),
        ("postgresql:///ats", {"PGHOST": "db"}),
        ("postgresql:///ats?service=hr", {}),
        ("postgresql://u@localhost/ats", {"PGSERVICE": "hr"}),
        ("postgresql://u@db/ats?sslmode=", {}),
        ("postgresql://u@db/ats", {"PGSSLMODE": "disable", "PGREQUIREAUTH": "password"}),
    ],
)
def test_a_server_beyond_this_host_must_prove_who_it_is(url: str, environ: Mapping[str, str]) -> None:
    found = loaded(url, environ)
    assert {key: found[key] for key in VERIFIED} == VERIFIED


@pytest.mark.parametrize(
    ("url", "environ"),
    [
        ("postgresql://u@localhost/ats", {}),
        ("postgresql://u@127.0.0.1:5433/ats", {}),
        ("postgresql://u@[::1]:5432/ats", {}),
        ("postgresql:///ats", {}),
        ("postgresql:///ats?host=/run/postgresql", {}),
        ("postgresql:///ats?host=%40abstract", {}),
        ("postgresql:///ats", {"PGHOST": "/run/postgresql"}),
        ("postgresql://u@/ats?host=localhost:5432&host=127.0.0.1:5433", {}),
        ("postgresql://u@db/ats?hostaddr=127.0.0.1", {}),
    ],
)
def test_a_server_on_this_host_need_not(url: str, environ: Mapping[str, str]) -> None:
    assert not loaded(url, environ).keys() & VERIFIED.keys()


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", "require", "verify-ca", "nonsense"])
def test_a_url_that_asks_for_less_is_refused_unless_the_key_says_so(mode: str) -> None:
    url = f"postgresql://u@db/ats?sslmode={mode}"
    assert 'database.tls = "unverified"' in refused(url)
    assert loaded(url, tls="unverified") == {"sslmode": mode}
    assert loaded("postgresql://u@db/ats", tls="unverified") == {}


def test_another_way_to_log_in_is_taken_from_the_url() -> None:
    assert loaded("postgresql://u@db/ats?require_auth=gss")["require_auth"] == "gss"
    assert loaded("postgresql://u@db/ats?sslcert=c.pem")["require_auth"] == "scram-sha-256,none"
