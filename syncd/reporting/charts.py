"""Draws the charts of a page as SVG: applications by week, and by source. The drawings hold no script and load nothing."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from syncd.reporting.words import Wording
from syncd.shown import printable, shortened
from syncd.store.report_figures import MonthReport, Source, Week

if TYPE_CHECKING:
    import pygal

# Contrasts against white: 7.1, 3.4 and 15.6 to 1.
_STRONG, _PALE, _TEXT = "#0a5f7f", "#7d8d9e", "#1b2430"
_WIDTH, _HEIGHT = 560, 250
# Bars of sources, and characters of their names.
_BARS, _NAME = 7, 24
# A number stands in a bar if the bar is this share of the longest one.
_ROOM = 0.07


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing, and what it shows in words for those who cannot see it."""

    title: str
    alternative: str
    svg: bytes


def charts_of(report: MonthReport, words: Wording, font: str) -> tuple[Chart, ...]:
    """Draw the charts that have something to show. `font` is a CSS font-family."""
    charts = []
    if any(week.applications or week.applications_last_year for week in report.weeks):
        charts.append(_weekly(report.weeks, words, font))
    if sources := [source for source in report.sources[:_BARS] if source.applications]:
        charts.append(_of_sources(sources, words, font))
    return tuple(charts)


def _weekly(weeks: Sequence[Week], words: Wording, font: str) -> Chart:
    pygal = _pygal()
    has_last_year = any(week.applications_last_year is not None for week in weeks)
    names = [words("week", n=week.week.isocalendar().week) for week in weeks]
    chart = pygal.Bar(
        **_look(font, (_PALE, _STRONG) if has_last_year else (_STRONG,), (_TEXT, _TEXT)),
        show_legend=has_last_year,
        show_y_labels=False,
        print_values_position="top",
    )
    chart.x_labels = names
    if has_last_year:
        # Without numbers, which would run into those of this year.
        before = [_bar(week.applications_last_year, "") for week in weeks]
        chart.add(words("year_before"), before)
    chart.add(
        words.titled("applications"),
        [_bar(week.applications, words.number(week.applications)) for week in weeks],
    )
    told = [
        words("week_alt", week=name, n=week.applications)
        if week.applications_last_year is None
        else words("week_alt_last_year", week=name, n=week.applications, before=week.applications_last_year)
        for name, week in zip(names, weeks, strict=True)
    ]
    return _drawn(chart, words("weekly"), told)


def _of_sources(sources: Sequence[Source], words: Wording, font: str) -> Chart:
    pygal = _pygal()
    names = [shortened(printable(words.value(source.source)), _NAME) for source in sources]
    room = _ROOM * max(source.applications for source in sources)
    chart = pygal.HorizontalStackedBar(
        **_look(font, (_STRONG, _PALE), ("#ffffff", _TEXT)), show_x_labels=False
    )
    # pygal draws the first bar at the bottom.
    chart.x_labels = names[::-1]
    for key, counts in (
        ("with_cv", [source.applications_with_cv for source in sources]),
        ("without_cv", [source.applications - source.applications_with_cv for source in sources]),
    ):
        bars = [_bar(count, words.number(count) if count > room else "") for count in counts]
        chart.add(words.titled(key), bars[::-1])
    told = [
        words("source_alt", source=name, n=source.applications, cv=source.applications_with_cv)
        for name, source in zip(names, sources, strict=True)
    ]
    return _drawn(chart, words("sources_chart"), told)


def _pygal() -> Any:
    """Import pygal only for a chart, and without the finder for its plugins, which Python warns of at later imports."""
    import pygal

    sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != "pygal"]
    return pygal


def _bar(value: int | None, shown: str) -> dict[str, Any]:
    return {"value": value, "formatter": lambda _: shown}


def _look(font: str, colours: tuple[str, ...], numbers: tuple[str, ...]) -> dict[str, Any]:
    """Return the options that make all charts look alike."""
    from pygal.style import Style

    style = Style(
        background="#ffffff",
        plot_background="#ffffff",
        foreground=_TEXT,
        foreground_strong=_TEXT,
        foreground_subtle="#ffffff",
        font_family=font,
        label_font_size=11,
        major_label_font_size=11,
        value_font_size=12,
        legend_font_size=13,
        opacity="1",
        transition="0s",
        colors=colours,
        value_colors=numbers,
    )
    return {
        "style": style,
        "width": _WIDTH,
        "height": _HEIGHT,
        "margin": 4,
        "spacing": 6,
        "legend_at_bottom": True,
        "legend_at_bottom_columns": 2,
        "legend_box_size": 10,
        "truncate_label": -1,
        "truncate_legend": -1,
        "print_values": True,
        "show_y_guides": False,
        # Otherwise the drawing would load a script for tooltips.
        "js": (),
    }


def _drawn(chart: pygal.Graph, title: str, told: Sequence[str]) -> Chart:
    """Draw the chart without its axes and without what pygal adds for its script. The same chart gives the same bytes."""
    chart.uuid = "drawing"
    root = chart.render_tree()
    for parent in list(root.iter()):
        for child in list(parent):
            # The tag of a comment is a function.
            name = child.tag.rpartition("}")[2] if isinstance(child.tag, str) else "comment"
            if name in ("comment", "script", "desc") or "line" in child.get("class", "").split():
                parent.remove(child)
            elif name == "title":
                child.text = title
    return Chart(title, f"{title}. {'; '.join(told)}.", ET.tostring(root, encoding="utf-8"))
