"""Draws the views, their keys and their joins with graphviz."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from hashlib import sha256

from docs.report.views import Contract, View

# From left to right: what applications are joined with, applications, and their sums.
_GROUPS = (
    ("look", "Look up", ("calendar", "job", "sync_health"), "#e7f0ea"),
    ("fact", "Applications", ("application",), "#fdf1dc"),
    ("day", "Sums by day or week", ("daily", "weekly"), "#e6eef8"),
    (
        "month",
        "Sums by month",
        (
            "source_performance",
            "campaign_performance",
            "template_performance",
            "job_monthly",
            "answer_distribution",
            "repeat_applicants",
            "media_health",
        ),
        "#e6eef8",
    ),
    (
        "money",
        "Sums of costs and outcomes",
        ("cost_performance", "funnel", "time_to_hire"),
        "#e6eef8",
    ),
    (
        "lists",
        "Sums by job or apply link",
        ("link_performance", "unmatched_job", "job_without_application"),
        "#e6eef8",
    ),
    ("about", "About the views", ("dictionary", "contract"), "#eeeeee"),
)
# What a view shows besides its key.
_ALSO = {
    "application": ("client_id", "applied_date", "job_key", "source", "template_key", "has_cv", "hired_date"),
    "job": ("client_id", "job_reference", "title"),
    "calendar": ("week", "month"),
    "sync_health": ("client", "is_fresh", "is_whole"),
    "job_monthly": ("job_key",),
}
# From left to right. A group may have views in two columns.
_COLUMNS = (
    ("sync_health", "calendar", "job", "dictionary"),
    ("application", "daily", "weekly", "contract"),
    (
        "source_performance",
        "campaign_performance",
        "template_performance",
        "job_monthly",
        "cost_performance",
        "link_performance",
    ),
    (
        "answer_distribution",
        "repeat_applicants",
        "media_health",
        "funnel",
        "time_to_hire",
        "unmatched_job",
        "job_without_application",
    ),
)
# Invisible lines keep the columns apart and the groups together.
_SIDE_BY_SIDE = (
    ("application", "source_performance"),
    ("source_performance", "answer_distribution"),
    ("template_performance", "repeat_applicants"),
    ("job_monthly", "media_health"),
    ("cost_performance", "funnel"),
    ("cost_performance", "time_to_hire"),
    ("link_performance", "unmatched_job"),
    ("link_performance", "job_without_application"),
    ("dictionary", "contract"),
    ("weekly", "job_monthly"),
)
_HEAD = """\
digraph report {
  graph [rankdir=LR, ranksep=0.55, nodesep=0.16, splines=spline, newrank=true, bgcolor=white, fontname="Helvetica",
         fontsize=13, pad=0.2, labelloc=b, fontcolor="#333333", label=<{caption}>];
  node [shape=plain, fontname="Helvetica", fontsize=12];
  edge [color="#56707f", arrowhead=crow, arrowsize=0.8];
"""
_CAPTION = (
    "<BR/>Bold columns are the key of a view. Sums join calendar by their day, week or month, sync_health by client_id,"
    "<BR/>job by client_id and job_reference, and each other by the columns that their keys share."
)
_EDGES = """\
  calendar:day:e -> application:applied_date:w;
  job:job_key:e -> application:job_key:w;
  sync_health:client_id:e -> application:client_id:w;
"""


def dot_source(contract: Contract) -> str:
    """Return the source of the picture."""
    views = {view.name: view for view in contract.views}
    lines = []
    for group, title, names, colour in _GROUPS:
        lines.append(
            f'  subgraph cluster_{group} {{ label="{title}"; labelloc=t; style="rounded,filled"; margin=10;'
        )
        lines.append(f'    color="{colour}"; fillcolor="{colour}"; fontcolor="#333333";')
        lines += [_box(views[name]) for name in names]
        lines.append("  }")
    return _HEAD.replace("{caption}", _CAPTION) + "\n".join([*lines, *_in_columns()]) + "\n" + _EDGES + "}\n"


def _in_columns() -> Iterator[str]:
    """Put the views of a column below each other."""
    for column in _COLUMNS:
        yield "  { rank=same; " + "; ".join(column) + " }"
    for left, right in _SIDE_BY_SIDE:
        yield f"  {left} -> {right} [style=invis];"


def _box(view: View) -> str:
    shown = [*view.key, *(name for name in _ALSO.get(view.name, ()) if name not in view.key)]
    rows = "".join(_row(name, is_key=name in view.key) for name in shown)
    more = len(view.columns) - len(shown)
    if more:
        rows += f'<TR><TD ALIGN="LEFT"><FONT COLOR="#888888" POINT-SIZE="10">{more} more</FONT></TD></TR>'
    return (
        f'    {view.name} [label=<<TABLE BORDER="1" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2" COLOR="#9aa7ae" '
        f'BGCOLOR="white"><TR><TD BGCOLOR="#33505f" ALIGN="LEFT"><FONT COLOR="white"><B> {view.name} </B></FONT></TD>'
        f"</TR>{rows}</TABLE>>];"
    )


def _row(name: str, *, is_key: bool) -> str:
    shown = f"<B>{name}</B>" if is_key else name
    return f'<TR><TD ALIGN="LEFT" PORT="{name}">{shown}</TD></TR>'


def digest(source: str) -> str:
    """Return what the picture says about the source it was drawn from."""
    return f"erd.dot {sha256(source.encode()).hexdigest()}"


def draw(source: str) -> str:
    """Return the picture as SVG, with the digest of its source."""
    command = ["dot", "-Tsvg"]  # wherever the package graphviz has put it
    drawn = subprocess.run(command, input=source, capture_output=True, text=True, check=True).stdout  # noqa: S603 - a constant
    drawn = re.sub(r"<!--.*?-->\n?", "", drawn, flags=re.DOTALL)
    return drawn.replace("<svg ", f"<!-- {digest(source)} -->\n<svg ", 1)
