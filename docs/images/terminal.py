"""Records `make demo` as a picture of a terminal, demo.svg: `.venv/bin/python -m docs.images.terminal`.

Run it on an idle machine after a change to the demo's output. A test compares the picture with that output.
"""

import subprocess
import sys
from html import escape
from pathlib import Path

PICTURE = Path(__file__).with_name("demo.svg")
LEFT_OUT = ("Applications by job", "One application", "Try a query", "The demo took")
COLUMNS = 100
LINE, CHARACTER, MARGIN, BAR = 19, 7.83, 18, 34


def recorded() -> list[str]:
    """Run the demo and return what a terminal shows, without the sections in LEFT_OUT."""
    command = [sys.executable, "-m", "syncd", "demo"]
    output = subprocess.run(  # noqa: S603 - our own command
        command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True
    )
    sections = output.stdout.rstrip().split("\n\n")
    shown = [section for section in sections if not section.startswith((*LEFT_OUT, "  "))]
    return "\n\n".join(shown).splitlines()


def drawn(lines: list[str]) -> str:
    """Draw the lines as an SVG, one text element per line. Shortens long lines with an ellipsis."""
    width = round(COLUMNS * CHARACTER + 2 * MARGIN)
    height = BAR + LINE * (len(lines) + 1) + MARGIN
    texts = []
    for number, line in enumerate(["$ make demo", *lines], start=1):
        fitting = line if len(line) <= COLUMNS else line[: COLUMNS - 1] + "…"
        look = ' class="typed"' if number == 1 else ""
        texts.append(f'<text{look} x="{MARGIN}" y="{BAR + LINE * number}">{escape(fitting)}</text>')
    dots = "".join(
        f'<circle cx="{MARGIN + 4 + 18 * place}" cy="17" r="5.5" fill="{colour}"/>'
        for place, colour in enumerate(("#ff5f57", "#febc2e", "#28c840"))
    )
    body = "\n".join(texts)
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">
<style>text {{ font: 13px "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #d8dee9; white-space: pre }}
.typed {{ fill: #a3be8c; font-weight: bold }}</style>
<rect width="{width}" height="{height}" rx="8" fill="#1f2430"/>{dots}
{body}
</svg>
"""


if __name__ == "__main__":
    PICTURE.write_text(drawn(recorded()), encoding="utf-8")
