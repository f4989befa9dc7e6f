"""Texts that try to become markup, and a parser that shows what a page made of them."""

from html.parser import HTMLParser

HOSTILE = {
    "script": "</title></bdi><script>alert(1)</script><img src=x onerror=alert(2)>",
    "quotes": "\" onfocus=alert(1) autofocus x='` &quot; &#x22; <!-- --> ]]>",
    "bidi": "\u202eABC\u2069\u2066\u2067 \u200f",
    "long": "Ü" * 1_000 + "x" * 9_000,
    "lines": "a\r\nSet-Cookie: stolen=1\r\n\r\n<h1>b</h1>",
    "nul": "a\0b\x1b[31mc\x07\x9b",
}


class Outline(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data
