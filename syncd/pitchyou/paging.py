"""Notices that a list response is only one page of the list.

The article knows no pages, and nobody knows how PitchYou would name the next one. So syncd requests no other page. It
says that there are more elements instead ([ADR 29](../../docs/adr/0029-odd-answers.md)).
"""

import re
from http import HTTPStatus

from syncd.pitchyou.http import Response

# Their values count all elements, on all pages.
_TOTALS = ("x-total-count", "x-total", "total-count", "x-wp-total")
# Their values count the pages, or name the next one.
_PAGES = ("x-total-pages", "x-wp-totalpages", "x-page-count")
_NEXT = ("x-next-page", "x-has-more", "x-next-cursor", "x-next-token", "x-continuation-token")
_RELATION = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s",;]+))', re.IGNORECASE)
_RANGE = re.compile(r"\S+\s+(\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")


def more_than(response: Response, received: int) -> str | None:
    """Return how the response says that the list has more than the `received` elements, as a short code, or None."""
    if response.status == HTTPStatus.PARTIAL_CONTENT:
        return "http_206"
    relations = (quoted or bare for quoted, bare in _RELATION.findall(response.header("link")))
    if any("next" in names.lower().split() for names in relations):
        return "link_next"
    if any(_count(response.header(name)) > received for name in _TOTALS):
        return "total_count"
    if any(_count(response.header(name)) > 1 for name in _PAGES) or any(
        _names_more(response, n) for n in _NEXT
    ):
        return "next_page"
    if found := _RANGE.fullmatch(response.header("content-range").strip()):
        first, last, total = found.groups()
        if int(first) > 0 or _count(total) > int(last) + 1:
            return "content_range"
    return None


def _names_more(response: Response, name: str) -> bool:
    return response.header(name).strip().lower() not in ("", "0", "false", "no", "none", "null")


def _count(value: str) -> int:
    return int(value) if re.fullmatch(r"\s*\d{1,18}\s*", value, re.ASCII) else 0
