"""A Postgres server out of a wheel, for the demo and the tests; the daemon itself never needs it.

It drives the wheel's `initdb` and `pg_ctl` and uses none of the wheel's Python code. The server listens on 127.0.0.1 alone;
no Unix socket, no system user is made, and nothing outside its own folder is touched. docs/adr/0001-embedded-postgres.md
says why.
"""

from syncd.embedded.machine import EmbeddedPostgresError, installed_bin_dir
from syncd.embedded.server import EmbeddedPostgres, StopMode, start_postgres

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError", "StopMode", "installed_bin_dir", "start_postgres"]
