"""Checks whether a session may read the views of schema `report`, and whether their contract is the one that syncd reads.

A reader of reports has rights on these views alone, so nothing here asks a table of syncd.
"""

from sqlalchemy import Connection, text

from syncd.errors import Refused, SyncdError

MAJOR = 1
"""The major version of the contract. A minor version only adds views and columns."""

# The catalogs can be read without rights to the schema.
_VIEWS = text(
    """
    SELECT needed.name,
           c.oid IS NOT NULL AS is_there,
           coalesce(
               has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'), false
           ) AS is_readable
    FROM unnest(CAST(:names AS text[])) AS needed (name)
    LEFT JOIN pg_namespace n ON n.nspname = 'report'
    LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = needed.name
    ORDER BY needed.name
    """
)
_CONTRACT = text("SELECT major, version FROM report.contract")


def require_views(connection: Connection, names: tuple[str, ...]) -> str:
    """Return the version of the contract, such as `1.0`, if the session may read these views.

    Raises:
        Refused: views are missing, or their contract has another major version.
        SyncdError: the role may not read some of them.
    """
    views = connection.execute(_VIEWS, {"names": ["contract", *names]}).all()
    if absent := [view.name for view in views if not view.is_there]:
        raise Refused(
            f"the database has no {_named(absent)}. Run `syncd db upgrade`, or point database.url at syncd's database"
        )
    if hidden := [view.name for view in views if not view.is_readable]:
        raise SyncdError(
            f"the role may not read {_named(hidden)}. Make it a member of syncd_reader, see docs/reports.md"
        )
    contract = connection.execute(_CONTRACT).one()
    if contract.major != MAJOR:
        raise Refused(
            f"the views of schema report have version {contract.version}, and this syncd reads version {MAJOR}. "
            "Install the version of syncd that has made them"
        )
    version: str = contract.version
    return version


def _named(views: list[str]) -> str:
    return f"view{'s' * (len(views) > 1)} {', '.join(f'report.{view}' for view in views)}"
