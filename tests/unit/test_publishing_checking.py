"""What callers give is checked before it is published: nothing invisible in a text, nothing but an address in an address."""

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.errors import BadInput
from syncd.publishing.button import button_html
from syncd.publishing.chat_embedding import iframe_csp, iframe_html, widget_csp, widget_html
from syncd.publishing.checking import checked_address, checked_text, origin
from syncd.publishing.qr import qr_png, qr_svg
from syncd.publishing.sheet import sheet_html, sheet_pdf
from tests import hostile

GOOD = "https://acme.pitchyou.de/go/1"
TAKES_AN_ADDRESS: dict[str, Callable[[str], object]] = {
    "button": button_html,
    "qr svg": qr_svg,
    "qr png": qr_png,
    "sheet html": lambda url: sheet_html(url, title="Koch"),
    "sheet pdf": lambda url: sheet_pdf(url, title="Koch"),
    "iframe": iframe_html,
    "iframe csp": iframe_csp,
    "widget chat": lambda url: widget_html(url, css_url=GOOD, js_url=GOOD),
    "widget css": lambda url: widget_html(GOOD, css_url=url, js_url=GOOD),
    "widget js": lambda url: widget_html(GOOD, css_url=GOOD, js_url=url),
    "widget csp chat": lambda url: widget_csp(url, css_url=GOOD, js_url=GOOD),
    "widget csp css": lambda url: widget_csp(GOOD, css_url=url, js_url=GOOD),
    "widget csp js": lambda url: widget_csp(GOOD, css_url=GOOD, js_url=url),
}


@pytest.mark.parametrize("address", hostile.ADDRESSES.values(), ids=hostile.ADDRESSES)
@pytest.mark.parametrize("publish", TAKES_AN_ADDRESS.values(), ids=TAKES_AN_ADDRESS)
def test_a_hostile_address_is_refused_everywhere(publish: Callable[[str], object], address: str) -> None:
    with pytest.raises(BadInput) as refused:
        publish(address)
    assert str(refused.value).isprintable()


def test_a_refusal_does_not_repeat_the_address_because_a_chats_holds_a_secret() -> None:
    with pytest.raises(BadInput) as refused:
        iframe_html("https://chat.pitchyou.de/seCret42 ")
    assert str(refused.value).startswith("Character 34 of the URL is U+0020,")
    assert "seCret42" not in str(refused.value)


@pytest.mark.parametrize(
    "address", ["https://a.de", "http://127.0.0.1:8080/go/%C3%84?a=b&c='#d", "https://[::1]:8/x"]
)
def test_a_complete_address_is_taken_as_it_is(address: str) -> None:
    assert checked_address(address) == address


def test_the_policies_name_origins_and_nothing_else() -> None:
    chat, css, js = (
        "https://Chat.pitchyou.de/t0ken",
        "https://cdn.example:8443/w.css",
        "https://js.example/w.js?v=1",
    )
    assert origin(chat) == "https://chat.pitchyou.de"
    assert iframe_csp(chat) == "Content-Security-Policy: frame-src https://chat.pitchyou.de"
    assert widget_csp(chat, css_url=css, js_url=js) == (
        "Content-Security-Policy: style-src https://cdn.example:8443; script-src https://js.example; "
        "frame-src https://chat.pitchyou.de; connect-src https://chat.pitchyou.de"
    )


@given(st.text())
def test_a_checked_text_is_one_line_of_what_is_meant_to_be_seen(text: str) -> None:
    try:
        shown = checked_text(text, name="text", at_most=10_000)
    except BadInput:
        assert not any(unicodedata.category(character)[0] in "LNPS" for character in text)
        return
    kept = {
        character for character in shown if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    }
    assert kept <= set("\u200c\u200d\u00ad")
    assert shown == " ".join(shown.split()) == checked_text(shown, name="text", at_most=10_000)


def test_umlauts_emoji_and_other_scripts_stay() -> None:
    for text in ("Köchin (m/w/d) – „Süd“", "👩\u200d🚒 Feuerwehr", "می\u200cخواهم", "护士"):
        assert checked_text(text, name="text", at_most=100) == text


TAKES_A_TITLE: dict[str, Callable[[str], object]] = {
    "button": lambda title: button_html(GOOD, job_title=title),
    "sheet html": lambda title: sheet_html(GOOD, title=title),
    "sheet pdf": lambda title: sheet_pdf(GOOD, title=title),
}


@pytest.mark.parametrize("publish", TAKES_A_TITLE.values(), ids=TAKES_A_TITLE)
def test_a_title_of_ten_kilobytes_is_refused_with_its_length(publish: Callable[[str], object]) -> None:
    with pytest.raises(BadInput, match="The job title has 10000 characters, but at most 1000 are allowed"):
        publish("x" * 10_000)


def test_a_text_too_long_or_empty_is_refused_with_its_length() -> None:
    with pytest.raises(BadInput, match="The button's text has 201 characters, but at most 200"):
        button_html(GOOD, text="x" * 201)
    with pytest.raises(BadInput, match="The button's text is empty"):
        button_html(GOOD, text=" \u202e\x00\u200d ")
