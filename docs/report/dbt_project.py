"""Writes the folder dbt/: sources with tests for all views, and a semantic model for MetricFlow."""

from __future__ import annotations

from typing import Any

from docs.report.semantic import METRICS, MODELS, SEMANTIC_MODELS
from docs.report.views import JOINS, ONE_OF, Column, Contract, View
from docs.report.yaml_text import yaml_text

_WRITTEN = "# `python -m docs.report.make` writes this file from a migrated database.\n"
_PROJECT = """\
# A dbt project that reads the reports of syncd and writes nothing: the role syncd_reader suffices.
name: syncd_report
version: {version}.0
config-version: 2
profile: syncd_report
require-dbt-version: ">=1.10.0"
flags:
  send_anonymous_usage_stats: false
models:
  syncd_report:
    +materialized: existing
    +schema: report
"""
_PROFILES = """\
# Set SYNCD_REPORT_HOST, SYNCD_REPORT_USER and SYNCD_REPORT_PASSWORD. PGSSLROOTCERT names the file of the server's CA,
# unless it is ~/.postgresql/root.crt.
syncd_report:
  target: report
  outputs:
    report:
      type: postgres
      host: "{{ env_var('SYNCD_REPORT_HOST') }}"
      port: "{{ env_var('SYNCD_REPORT_PORT', '5432') | as_number }}"
      dbname: "{{ env_var('SYNCD_REPORT_DATABASE', 'ats') }}"
      user: "{{ env_var('SYNCD_REPORT_USER') }}"
      password: "{{ env_var('SYNCD_REPORT_PASSWORD') }}"
      sslmode: "{{ env_var('SYNCD_REPORT_SSLMODE', 'verify-full') }}"
      schema: report
      threads: 2
"""
_EXISTING = """\
{#- A model that is a view of syncd already. dbt creates nothing, and fails if a column is missing. -#}
{% materialization existing, adapter='postgres' %}
  {%- call statement('main') -%}
    select * from ({{ sql }}) as model limit 0
  {%- endcall -%}
  {{ return({'relations': [this]}) }}
{% endmaterialization %}

{#- The models are in schema report itself, not in one that begins with the target's. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
  {{ custom_schema_name or target.schema }}
{%- endmacro %}
"""
_TESTS = """\
{#- The columns exist. -#}
{% test has_columns(model, columns) %}
  select {{ columns | join(', ') }} from {{ model }} where false
{% endtest %}

{#- No two rows have the same values in these columns. -#}
{% test one_row_for_each(model, columns) %}
  select {{ columns | join(', ') }}, count(*) from {{ model }} group by {{ columns | join(', ') }} having count(*) > 1
{% endtest %}
"""
_MODEL = """\
{{{{ config(alias='{name}') }}}}
select
    {columns}
from {{{{ source('report', '{name}') }}}}
"""


def dbt_files(contract: Contract) -> dict[str, str]:
    """Return the text of each file by its path below dbt/."""
    models = [view for view in contract.views if view.name in MODELS]
    return {
        "dbt_project.yml": _PROJECT.format(version=contract.version),
        "profiles.yml": _PROFILES,
        "macros/existing.sql": _EXISTING,
        "macros/tests.sql": _TESTS,
        "models/sources.yml": _WRITTEN + yaml_text(_sources(contract)),
        "models/models.yml": _WRITTEN
        + yaml_text({"version": 2, "models": [_model(view) for view in models]}),
        "models/semantic.yml": _WRITTEN
        + yaml_text({"version": 2, "semantic_models": SEMANTIC_MODELS, "metrics": METRICS}),
        **{
            f"models/{MODELS[view.name]}.sql": _MODEL.format(
                name=view.name, columns=",\n    ".join(column.name for column in view.columns)
            )
            for view in models
        },
    }


def _sources(contract: Contract) -> dict[str, Any]:
    source = {
        "name": "report",
        "schema": "report",
        "description": f"The reports of syncd, version {contract.version} of their contract.",
        "tables": [_source(view) for view in contract.views],
    }
    return {"version": 2, "sources": [source]}


def _source(view: View) -> dict[str, Any]:
    tests: list[Any] = [_test("has_columns", columns=[column.name for column in view.columns])]
    if len(view.key) > 1:
        tests.append(_test("one_row_for_each", columns=list(view.key)))
    return {
        "name": view.name,
        "description": view.meaning,
        "data_tests": tests,
        "columns": [_column(view, column) for column in view.columns],
    }


def _column(view: View, column: Column) -> dict[str, Any]:
    tests: list[Any] = [] if view.may_be_null(column.name) else ["not_null"]
    if view.key == (column.name,):
        tests.append("unique")
    if (view.name, column.name) in ONE_OF:
        values = ONE_OF[view.name, column.name]
        tests.append(_test("accepted_values", values=list(values), quote=isinstance(values[0], str)))
    for join in JOINS:
        if (join.view, join.column) == (view.name, column.name):
            test = _test("relationships", to=f"source('report', '{join.other}')", field=join.other_column)
            if join.except_for:
                values = ", ".join(f"'{value}'" for value in join.except_for[1])
                test["relationships"]["config"] = {"where": f"{join.except_for[0]} not in ({values})"}
            tests.append(test)
    described: dict[str, Any] = {
        "name": column.name,
        "data_type": column.type,
        "description": column.meaning,
    }
    return described | ({"data_tests": tests} if tests else {})


def _test(name: str, **arguments: object) -> dict[str, Any]:
    return {name: {"arguments": arguments}}


def _model(view: View) -> dict[str, Any]:
    described: dict[str, Any] = {"name": MODELS[view.name], "description": view.meaning}
    if view.name == "calendar":
        described["time_spine"] = {"standard_granularity_column": "day"}
        described["columns"] = [{"name": "day", "granularity": "day"}]
    return described
