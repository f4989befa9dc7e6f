"""The chat in a page of the ATS (S3.2): as an iframe, or as the widget whose css and javascript PitchYou delivers."""

from html import escape

from syncd.publishing.checking import checked_address, origin
from syncd.publishing.languages import Language

_TITLES: dict[Language, str] = {
    "de": "Chat mit der Bewerberin oder dem Bewerber",
    "en": "Chat with the applicant",
}

# Scripts, forms and its own storage are what a chat is made of; new windows and downloads are for the files people send. What is
# missing here is what the chat must not do: lead the page around it elsewhere, or ask for modal dialogs. Scripts together with
# allow-same-origin would undo the sandbox only for a chat of the page's own origin, and PitchYou's never is.
_SANDBOX = "allow-scripts allow-same-origin allow-forms allow-popups allow-downloads"


def iframe_html(url: str, *, language: Language = "de") -> str:
    """The element that shows the chat at `url` in a page (S3.2). Raises BadInput for what `checked_address` refuses.

    The address holds the chat's token: put the element into a page for this one recruiter, and not into a cache.
    """
    return (
        f'<iframe src="{escape(checked_address(url))}" title="{_TITLES[language]}" lang="{language}" sandbox="{_SANDBOX}" '
        'referrerpolicy="no-referrer" allow="" width="100%" height="640"></iframe>\n'
    )


def iframe_csp(url: str) -> str:
    """The header that lets a page of the ATS show that iframe; a policy that is there already gets its directive. Raises BadInput."""
    return f"Content-Security-Policy: frame-src {origin(url)}"


def widget_html(chat_url: str, *, css_url: str, js_url: str) -> str:
    """The elements that load PitchYou's widget and tell it the chat's address in `data-chat-url` (S3.2). Raises BadInput.

    They ask for css and javascript as any page does, without CORS, which a server that only delivers files need not offer.
    """
    return (
        f'<link rel="stylesheet" href="{escape(checked_address(css_url))}" referrerpolicy="no-referrer">\n'
        f'<div data-chat-url="{escape(checked_address(chat_url))}"></div>\n'
        f'<script src="{escape(checked_address(js_url))}" referrerpolicy="no-referrer" defer></script>\n'
    )


def widget_csp(chat_url: str, *, css_url: str, js_url: str) -> str:
    """The header that lets a page of the ATS run the widget; a policy that is there already gets its directives. Raises BadInput."""
    chat = origin(chat_url)
    return (
        f"Content-Security-Policy: style-src {origin(css_url)}; script-src {origin(js_url)}; "
        f"frame-src {chat}; connect-src {chat}"
    )
