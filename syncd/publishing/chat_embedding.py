"""Embeds the chat in a page of the ATS (S3.2): as an iframe, or as PitchYou's widget with its CSS and JavaScript."""

from html import escape

from syncd.publishing.checking import checked_address, origin
from syncd.publishing.languages import Language

_TITLES: dict[Language, str] = {
    "de": "Chat mit der Bewerberin oder dem Bewerber",
    "en": "Chat with the applicant",
}

# The chat needs scripts, forms and its own storage, and popups and downloads for the files people send. Popups escape the
# sandbox, because browsers show no PDF in a sandboxed tab. The chat may not navigate the surrounding page or open modal
# dialogs, so those permissions are missing. Scripts together with allow-same-origin would disable the sandbox only if the
# chat had the origin of the page, which PitchYou's never has.
_SANDBOX = (
    "allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox allow-downloads"
)


def iframe_html(url: str, *, language: Language = "de") -> str:
    """Create the element that shows the chat at `url` in a page (S3.2). Raises BadInput for what `checked_address` rejects.

    The URL contains the chat's token. Put the element only into a page for this one recruiter, and do not cache the page.
    """
    return (
        f'<iframe src="{escape(checked_address(url))}" title="{_TITLES[language]}" lang="{language}" sandbox="{_SANDBOX}" '
        'referrerpolicy="no-referrer" allow="" width="100%" height="640"></iframe>\n'
    )


def iframe_csp(url: str) -> str:
    """Return the header that lets a page show the iframe. Add its directive to an existing policy. Raises BadInput."""
    return f"Content-Security-Policy: frame-src {origin(url)}"


def widget_html(chat_url: str, *, css_url: str, js_url: str) -> str:
    """Create the elements that load PitchYou's widget and pass it the chat's URL in `data-chat-url` (S3.2). Raises BadInput.

    They load CSS and JavaScript without CORS, because a plain file server may not offer it.
    """
    return (
        f'<link rel="stylesheet" href="{escape(checked_address(css_url))}" referrerpolicy="no-referrer">\n'
        f'<div data-chat-url="{escape(checked_address(chat_url))}"></div>\n'
        f'<script src="{escape(checked_address(js_url))}" referrerpolicy="no-referrer" defer></script>\n'
    )


def widget_csp(chat_url: str, *, css_url: str, js_url: str) -> str:
    """Return the header that lets a page run the widget. Add its directives to an existing policy. Raises BadInput."""
    chat = origin(chat_url)
    return (
        f"Content-Security-Policy: style-src {origin(css_url)}; script-src {origin(js_url)}; "
        f"frame-src {chat}; connect-src {chat}"
    )
