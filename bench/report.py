"""Writes the results to docs/performance.md, as the tables between its marks, and draws the chart."""

import statistics
from pathlib import Path

from bench.results import Comparison, Results, spread

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE, CHART = DOCS / "performance.md", DOCS / "images" / "performance.svg"
BEGIN, END = "<!-- figures: written by make bench-full -->", "<!-- end of figures -->"


def write(results: Results) -> None:
    """Write these results to the page and the chart."""
    page = PAGE.read_text()
    before, after = page.partition(BEGIN)[0], page.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n{_figures(results)}\n{END}{after}")
    CHART.write_text(chart(results.comparisons))


def as_text(results: Results) -> str:
    """Return one line per goal, for a terminal."""
    return "\n".join(
        f"{'ok  ' if each.holds else 'MISS'} {each.work} | {each.peer}: {_value(each.ours, each.unit)}"
        f"{' against ' + _value(each.theirs, each.unit) if each.theirs else ''}{_ratio(each)} (goal {_goal(each)})"
        for each in results.comparisons
    )


def _command(results: Results) -> str:
    return "`make bench-full`" if results.scale == "full" else f'`make bench ARGS="--scale {results.scale}"`'


def _figures(results: Results) -> str:
    machine = ", ".join(results.machine.values())
    lines = [
        f"Measured on {results.date} in one {_command(results)} on {machine}.",
        "Medians, with the spread from the smallest to the largest run.",
        "",
        "| work | syncd | against | its figure | ratio | goal | |",
        "|---|---|---|---|---|---|---|",
    ]
    for each in results.comparisons:
        theirs = _cell(each.theirs, each.unit) if each.theirs else "–"
        holds = "holds" if each.holds else "**falls short**"
        cells = (
            each.work,
            _cell(each.ours, each.unit),
            each.peer,
            theirs,
            _ratio(each).strip() or "–",
            _goal(each),
            holds,
        )
        lines.append("| " + " | ".join(cells) + " |")
    lines += [
        "",
        "Medians per run: CPU time of the process with its children, of Postgres, and of the source; idle share of the source.",
        "",
        "| run | wall s | CPU s | Postgres CPU s | source CPU s | source idle | peak MB |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, facts in results.runs.items():
        if "wall_s" not in facts or name.startswith("start "):
            continue
        middle = {fact: statistics.median(values) for fact, values in facts.items()}
        lines.append(
            f"| {name} | {middle['wall_s']:.2f} | {middle['cpu_s']:.2f} | {middle['postgres_cpu_s']:.2f} | "
            f"{middle['source_cpu_s']:.2f} | {middle['source_idle']:.0%} | {middle['peak_memory_mb']:.0f} |"
        )
    return "\n".join(lines)


def _value(values: list[float], unit: str) -> str:
    middle = statistics.median(values)
    return f"{middle:,.0f} {unit}" if middle >= 100 or unit == "rows" else f"{middle:.2f} {unit}"


def _cell(values: list[float], unit: str) -> str:
    return f"{_value(values, unit)} {'(' + spread(values) + ')' if len(values) > 1 and spread(values) else ''}".strip()


def _ratio(each: Comparison) -> str:
    if each.ratio is None:
        return ""
    faster = each.at_most is not None and each.at_most < 1
    return f" {1 / each.ratio:.1f} × as fast" if faster else f" {each.ratio:.2f} ×"


def _goal(each: Comparison) -> str:
    if each.limit is not None:
        return f"≤ {each.limit:g} {each.unit}"
    if each.at_most is not None and each.at_most < 1:
        return f"≥ {1 / each.at_most:g} × as fast"
    return f"≤ {each.at_most:.3g} ×"


def chart(comparisons: list[Comparison]) -> str:
    """Draw one bar per comparison with a peer: our share of the peer's figure, with a mark at the goal."""
    shown = [each for each in comparisons if each.ratio is not None and each.at_most is not None]
    row, left, width = 26, 430, 330
    height = row * len(shown) + 50
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 {height}" font-family="sans-serif" font-size="12" role="img">',
        "<title>How much of its goal each ratio of syncd to a peer uses up</title>",
        f'<rect width="860" height="{height}" fill="#fff"/>',
        f'<text x="{left}" y="18" fill="#444">used up of the goal; the line is the goal itself, shorter is better</text>',
    ]
    for place, each in enumerate(shown):
        y = 30 + place * row
        used = (each.ratio or 0) / (each.at_most or 1)
        colour = "#2e7d32" if each.holds else "#c62828"
        label = f"{each.work.split(',')[0]} / {each.peer}".replace("&", "&amp;").replace("<", "&lt;")
        parts += [
            f'<text x="{left - 8}" y="{y + 14}" text-anchor="end" fill="#222">{label}</text>',
            f'<rect x="{left}" y="{y + 3}" width="{min(used, 1.2) * width / 1.2:.1f}" height="15" fill="{colour}"/>',
            f'<text x="{left + min(used, 1.2) * width / 1.2 + 5:.1f}" y="{y + 15}" fill="#222">{_ratio(each).strip()}</text>',
        ]
    goal = left + width / 1.2
    parts += [
        f'<line x1="{goal:.1f}" x2="{goal:.1f}" y1="26" y2="{height - 14}" stroke="#222" stroke-dasharray="4 3"/>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"
