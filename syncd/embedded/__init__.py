"""Runs a Postgres server from a wheel, for the demo and the tests; the daemon never needs it.

Calls the wheel's `initdb` and `pg_ctl`, and none of its Python code. The server listens only on 127.0.0.1. It creates no
Unix socket and no system user, and touches nothing outside its own folder. docs/adr/0001-embedded-postgres.md explains why.
"""

from syncd.embedded.machine import EmbeddedPostgresError, installed_bin_dir
from syncd.embedded.server import EmbeddedPostgres, StopMode, start_postgres

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError", "StopMode", "installed_bin_dir", "start_postgres"]
