"""`syncd db`: the schema and the roles."""

import json

import click

from syncd.cli.context import Globals, json_option, pass_globals
from syncd.cli.database import database_of
from syncd.deadline import Deadline
from syncd.store import migrate
from syncd.store.roles import ROLES_SQL


@click.group()
def db() -> None:
    """Migrate the database, show its schema revision, and print the SQL for its roles."""


@db.command()
@pass_globals
def upgrade(context: Globals) -> None:
    """Create the tables, or migrate them to the revision that this version of syncd needs.

    Safe to run from several processes at once: one migrates, the others wait.
    """
    settings = context.settings(need_clients=False, need_media=False)
    migrate.upgrade(settings.database.url)
    click.echo(f"The schema is at revision {migrate.head()}.")


@db.command()
@json_option
@pass_globals
def current(context: Globals, as_json: bool) -> None:
    """Show the current schema revision and the revision that this version of syncd needs."""
    settings = context.settings(need_clients=False, need_media=False)
    with database_of(settings) as database:
        found = database.transact(migrate.current, Deadline(30), patience=0)
    needed = migrate.head()
    if as_json:
        click.echo(json.dumps({"revision": found, "needed": needed}))
    else:
        remedy = "" if found == needed else f"; {migrate.remedy_for(found)}"
        at = f"at revision {found}" if found else "empty"
        click.echo(f"The schema is {at}; this version of syncd needs revision {needed}{remedy}.")


@db.command()
def roles() -> None:
    """Print the SQL that creates syncd's database roles, for a database administrator to review and run."""
    click.echo(ROLES_SQL, nl=False)
