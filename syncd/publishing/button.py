"""Creates the button of a job ad, which links to the interview on WhatsApp (S1.3)."""

from html import escape
from typing import Literal

from syncd.publishing.checking import checked_address, checked_text, checked_title
from syncd.publishing.languages import Language

TEXTS: dict[Language, str] = {"de": "Jetzt einfach per WhatsApp bewerben", "en": "Apply now by WhatsApp"}
LONGEST_TEXT = 200

Styles = Literal["inline", "classes"]
"""`inline` needs nothing else. `classes` is for pages whose policy forbids inline styles; they need `button_css`."""

# White on this green has a contrast of 7.7 : 1. On WhatsApp's well-known light green the contrast would be 2 : 1.
_GREEN = "#0a5f44"

# The border is visible only in forced-colours mode, where it makes the link look like a button.
_BUTTON = (
    "display:inline-flex;align-items:center;gap:.6em;box-sizing:border-box;max-width:100%;min-height:44px;padding:.5em 1.3em;"
    f"border:2px solid transparent;border-radius:1.5em;background-color:{_GREEN};color:#fff;"
    "font:600 1rem/1.3 system-ui,sans-serif;text-decoration:none;overflow-wrap:anywhere"
)
_LOGO_LOOK = "flex:none;width:1.75em;height:1.75em;fill:none;stroke:currentColor"


def _certain(declarations: str) -> str:
    """Make declarations win over any rule of the page, such as `#content a:visited { color: … }`."""
    return "; ".join(f"{declaration} !important" for declaration in declarations.split(";"))


# A dark outline around a white one: one of them is visible on any background.
_STYLESHEET = f""".whatsapp-apply {{ {_certain(_BUTTON)} }}
.whatsapp-apply svg {{ {_certain(_LOGO_LOOK)} }}
.whatsapp-apply span {{ {_certain("color:inherit;font:inherit;text-decoration:inherit")} }}
.whatsapp-apply:hover {{ {_certain("text-decoration:underline")} }}
.whatsapp-apply:focus-visible {{ {_certain(f"outline:3px solid {_GREEN};outline-offset:3px;box-shadow:0 0 0 3px #fff")} }}
"""

# A speech bubble with a telephone receiver, drawn for syncd. It takes its colour from the text through attributes, which
# no policy forbids.
_LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="28" height="28" viewBox="0 0 32 32" fill="none" stroke="currentColor"'
    ' stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false"{style}>'
    '<path stroke-width="2.5" d="M9 4h14a6 6 0 0 1 6 6v9a6 6 0 0 1-6 6H13l-6.5 4.5V24.5A6 6 0 0 1 3 19v-9a6 6 0 0 1 6-6z"/>'
    '<path stroke-width="2.5" d="M11 11.5c0 4.8 3.7 8.5 8.5 8.5"/>'
    '<path stroke-width="4.5" d="M11 10.5v1.5M19 20h1.5"/></svg>'
)


def button_html(
    url: str,
    *,
    language: Language = "de",
    text: str | None = None,
    job_title: str | None = None,
    styles: Styles = "inline",
) -> str:
    """Create one `<a>` element that links to the apply link `url` (S1.3). It needs no script and loads nothing.

    `text` replaces the default text of the language; at most 200 characters. Screen readers read `job_title` after it, so
    that several buttons on one page can be told apart. Raises BadInput for what `checked_address` or `checked_text` reject.
    """
    shown = (
        TEXTS[language] if text is None else checked_text(text, name="button's text", at_most=LONGEST_TEXT)
    )
    label = "" if job_title is None else f' aria-label="{escape(f"{shown}: {checked_title(job_title)}")}"'
    if styles == "inline":
        # Keeps the browser's own focus ring, a little away from the edge.
        look, logo_style = f' style="{_BUTTON};outline-offset:3px"', f' style="{_LOGO_LOOK}"'
    else:
        look, logo_style = ' class="whatsapp-apply"', ""
    return (
        f'<a href="{escape(checked_address(url))}" rel="noopener" lang="{language}"{label}{look}>'
        f'{_LOGO.format(style=logo_style)}<span dir="auto">{escape(shown)}</span></a>\n'
    )


def button_css() -> str:
    """Return the stylesheet for buttons created with `styles="classes"`."""
    return _STYLESHEET
