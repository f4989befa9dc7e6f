"""Writes contract.odcs.yaml: the views as an Open Data Contract Standard 3.1 document."""

from __future__ import annotations

from typing import Any

from docs.report.views import JOINS, ONE_OF, Column, Contract, Join, View, missing
from docs.report.yaml_text import yaml_text

_HEAD = """\
# The contract of the reports, in the Open Data Contract Standard (https://bitol-io.github.io/open-data-contract-standard).
# `python -m docs.report.make` writes it from a migrated database. Put your own host below `servers`.
"""
_LOGICAL = {
    "text": "string",
    "date": "date",
    "integer": "integer",
    "bigint": "integer",
    "boolean": "boolean",
    "double precision": "number",
    "timestamp without time zone": "timestamp",
}


def contract_yaml(contract: Contract) -> str:
    """Return the document."""
    document: dict[str, Any] = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "syncd-report",
        "name": "Reports of syncd",
        "version": f"{contract.version}.0",
        "status": "active",
        "description": {
            "purpose": "Figures about job applications from PitchYou, for SQL and BI tools.",
            "usage": "Log in as a member of syncd_reader. Sum numerators and bases, then divide.",
            "limitations": "No contact data, free texts or file names. report.application is pseudonymous, so it is "
            "still personal data. A new minor version adds views, or columns at the end.",
        },
        "servers": [
            {
                "server": "production",
                "type": "postgres",
                "host": "db.example",
                "port": 5432,
                "database": "ats",
                "schema": "report",
            }
        ],
        "roles": [
            {"role": "syncd_reader", "access": "read", "description": "Reads all views of schema report."}
        ],
        "slaProperties": [
            {
                "property": "latency",
                "value": 15,
                "unit": "m",
                "element": "sync_health.minutes_since_ok",
                "description": "sync_health.is_fresh is false if the last successful cycle is older by more than the "
                "longest time between two cycles of the schedule.",
            }
        ],
        "customProperties": [{"property": "shape", "value": contract.shape}],
        "schema": [_view(view) for view in contract.views],
    }
    return _HEAD + yaml_text(document)


def _view(view: View) -> dict[str, Any]:
    mine = [join for join in JOINS if join.view == view.name]
    joins = [_join(join) for join in mine if not join.except_for]
    described: dict[str, Any] = {
        "name": view.name,
        "physicalName": view.name,
        "physicalType": "view",
        "logicalType": "object",
        "description": view.meaning,
        "dataGranularityDescription": f"One row for each {', '.join(view.key)}.",
        "properties": [_column(view, column) for column in view.columns],
        "quality": [
            {
                "name": "one_row_for_each_key",
                "type": "library",
                "metric": "duplicateValues",
                "arguments": {"properties": list(view.key)},
                "mustBe": 0,
            },
            *(_join_rule(join) for join in mine if join.except_for),
        ],
    }
    return described | ({"relationships": joins} if joins else {})


def _join(join: Join) -> dict[str, Any]:
    return {
        "type": "foreignKey",
        "from": f"{join.view}.{join.column}",
        "to": f"{join.other}.{join.other_column}",
    }


def _join_rule(join: Join) -> dict[str, Any]:
    """A join with exceptions is no foreign key to the standard."""
    return {
        "name": f"{join.column}_is_known",
        "type": "sql",
        "description": f"{join.column} joins {join.other}.{join.other_column}.",
        "query": f"SELECT count(*) FROM report.{join.view} WHERE {missing(join)}",
        "mustBe": 0,
    }


def _column(view: View, column: Column) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": column.name,
        "logicalType": _LOGICAL[column.type],
        "physicalType": column.type,
        "description": column.meaning,
        "required": not view.may_be_null(column.name),
    }
    # A primary key has no gaps, so a view with a gap in its key has only the rule above.
    if column.name in view.key and not any(map(view.may_be_null, view.key)):
        described |= {"primaryKey": True, "primaryKeyPosition": view.key.index(column.name) + 1}
    if (view.name, column.name) in ONE_OF:
        described["quality"] = [
            {
                "name": f"{column.name}_is_known",
                "type": "library",
                "metric": "invalidValues",
                "arguments": {"validValues": list(ONE_OF[view.name, column.name])},
                "mustBe": 0,
            }
        ]
    return described
