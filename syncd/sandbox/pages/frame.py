"""Builds the pages of the sandbox: one frame, everything escaped, no script, nothing from other sites."""

import base64
import html
import re
from hashlib import sha256

from syncd.sandbox.api.replies import Reply

HTML = "text/html; charset=utf-8"
_STYLE = """
:root { color-scheme: light; font: 1.0625rem/1.5 system-ui, sans-serif; color: #1b1f24; background: #fff; }
body { margin: 0; }
main { max-width: 36rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
label { display: block; margin-top: 1rem; }
input:not([type=checkbox]), textarea { display: block; box-sizing: border-box; width: 100%; padding: .5rem; font: inherit; }
input[type=checkbox] { width: 1.5rem; height: 1.5rem; vertical-align: middle; }
button { margin-top: 1.5rem; padding: .75rem 1.5rem; font: inherit; color: #fff; background: #0b5d3b; border: 0; border-radius: .5rem; }
li { margin: .75rem 0; white-space: pre-wrap; }
"""
_STYLE_HASH = base64.b64encode(sha256(_STYLE.encode()).digest()).decode()
# HTML forbids control characters and lone surrogates; marks for the direction of text could reverse our own text.
_NOT_SHOWN = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def spoken(text: str) -> str:
    """Returns foreign text as HTML, with its own direction and with U+FFFD for forbidden characters."""
    return f"<bdi>{html.escape(_NOT_SHOWN.sub('�', text))}</bdi>"


def page(title: str, body: str, status: int = 200, *, framed_by: str = "'none'") -> Reply:
    """Returns a page around `body`, which is HTML; `title` must be our own text. `framed_by` limits who may frame the page."""
    text = (
        '<!doctype html>\n<html lang="de">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title} – PitchYou-Sandbox</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n<h1>{title}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    )
    policy = (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none'; "
        f"frame-ancestors {framed_by}"
    )
    headers = {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return Reply(status, text.encode(), HTML, headers)


def refusal(status: int, sentence: str) -> Reply:
    """Returns an error page; `sentence` must be our own text."""
    return page("Das geht leider nicht", f"<p>{sentence}</p>", status)


def see_other(address: str, headers: dict[str, str] | None = None) -> Reply:
    """Redirects the browser to a GET, so that a reload does not send the form twice."""
    return Reply(303, b"", HTML, {"Location": address, **(headers or {})})
