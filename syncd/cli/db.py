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
    """Migrate the database, show its revision, print the SQL of the roles."""


@db.command()
@pass_globals
def upgrade(context: Globals) -> None:
    """Bring the schema to what this version needs. Several processes may do so at once: one works, the others wait."""
    settings = context.settings(need_clients=False, need_media=False)
    migrate.upgrade(settings.database.url)
    click.echo(f"The schema is at {migrate.head()}.")


@db.command()
@json_option
@pass_globals
def current(context: Globals, as_json: bool) -> None:
    """Show the revision of the schema and the one this version needs."""
    settings = context.settings(need_clients=False, need_media=False)
    with database_of(settings) as database:
        found = database.transact(migrate.current, Deadline(30), patience=0)
    needed = migrate.head()
    if as_json:
        click.echo(json.dumps({"revision": found, "needed": needed}))
    else:
        remedy = "" if found == needed else f"; {migrate.remedy_for(found)}"
        click.echo(f"The schema is at {found or 'nothing yet'}; this syncd needs {needed}{remedy}.")


@db.command()
def roles() -> None:
    """Print the SQL that makes syncd's roles, for a database administrator to read and run."""
    click.echo(ROLES_SQL, nl=False)
