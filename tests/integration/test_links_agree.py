"""One link, four readers: Python and SQL make the same bytes, the sandbox and Chromium read the same parts back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError

from syncd.errors import BadInput
from syncd.pitchyou import apply_link
from syncd.sandbox.pages.apply_link import read_link

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SAMPLE, PROOF = 150, 10_000
PARTS = ("template_key", "title", "utm_source", "utm_medium", "utm_campaign", "utm_content")
QUERY = {"template_key": "jkey"}  # what the link calls a part, where it is another name

_character = st.one_of(
    st.sampled_from("/?#%+&=;:@.~-_ \"'<>\\\r\n\täöüßÄÖÜ🚲\u202e\u200d\ufeff\U0010ffff"),
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
)
_text = st.text(_character, min_size=1, max_size=60)
_link = st.fixed_dictionaries(
    {
        "client_id": st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True).filter(
            lambda label: not label.startswith("xn--")
        ),
        "job": st.one_of(
            _text, st.sampled_from(["Ä/ö? #1%+ 🚲", "...", "%2e%2e", "a/../b", "//", " ", "%", "+"])
        ),
    },
    optional=dict.fromkeys(PARTS, _text),
)

SQL = text(
    "SELECT report.apply_link(:client_id, :job, :template_key, :title, :utm_source, :utm_medium, :utm_campaign, "
    ":utm_content)"
)
IN_THE_BROWSER = """links => links.map(link => {
    const url = new URL(link);
    return [url.href, url.host, url.pathname, [...url.searchParams], url.hash];
})"""

Parts = Mapping[str, str]


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    engine = create_engine(database_url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context() as context:
        yield context.new_page()


def in_python(parts: Parts) -> str | None:
    try:
        return apply_link(**parts)
    except BadInput:
        return None


def in_sql(connection: Connection, parts: Parts) -> str | None:
    try:
        with connection.begin_nested():
            link: str = connection.execute(SQL, dict.fromkeys(PARTS) | dict(parts)).scalar_one()
            return link
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != "22023":
            raise
        return None


def check_the_sandbox_reads_back(parts: Parts, link: str) -> None:
    url = urlsplit(link)
    read = read_link(url.path, url.query)
    assert url.hostname == f"{parts['client_id']}.pitchyou.de"
    assert read.reference == parts["job"]
    assert {name: getattr(read, name) for name in PARTS} == dict.fromkeys(PARTS) | {
        name: value for name, value in parts.items() if name in PARTS
    }


def check_chromium_reads_back(page: Page, links: Mapping[str, Parts]) -> None:
    """All at once, since each call into the browser takes its time."""
    seen: list[Any] = page.evaluate(IN_THE_BROWSER, list(links))
    for (link, parts), (href, host, path, query, fragment) in zip(links.items(), seen, strict=True):
        assert href == link  # Chromium would write it in no other way
        assert host == f"{parts['client_id']}.pitchyou.de"
        assert path == urlsplit(link).path
        assert fragment == ""
        assert [tuple(pair) for pair in query] == [
            (QUERY.get(name, name), parts[name]) for name in PARTS if name in parts
        ]


def links_that_agree(connection: Connection, examples: int) -> Mapping[str, Parts]:
    links: dict[str, Parts] = {}

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(_link)
    def agree(parts: Parts) -> None:
        link = in_python(parts)
        assert in_sql(connection, parts) == link
        if link is not None:
            assert link.isascii()
            check_the_sandbox_reads_back(parts, link)
            links[link] = parts

    agree()
    assert len(links) > examples / 3
    return links


def test_python_sql_and_the_sandbox_agree_on_links(connection: Connection) -> None:
    links_that_agree(connection, SAMPLE)


@pytest.mark.browser
def test_chromium_agrees_with_them(connection: Connection, page: Page) -> None:
    check_chromium_reads_back(page, links_that_agree(connection, SAMPLE))


@pytest.mark.proof
@pytest.mark.browser
@pytest.mark.timeout(600)
def test_python_sql_the_sandbox_and_chromium_agree_on_ten_thousand_links(
    connection: Connection, page: Page
) -> None:
    check_chromium_reads_back(page, links_that_agree(connection, PROOF))


@pytest.mark.parametrize(
    "parts",
    [
        {"client_id": "ACME", "job": "1"},
        {"client_id": "a.b", "job": "1"},
        {"client_id": "-a", "job": "1"},
        {"client_id": "a\n", "job": "1"},
        {"client_id": "xn--a", "job": "1"},
        {"client_id": "a" * 64, "job": "1"},
        {"client_id": "acme", "job": ""},
        {"client_id": "acme", "job": "."},
        {"client_id": "acme", "job": ".."},
        {"client_id": "acme", "job": "ä" * 513},
        {"client_id": "acme", "job": "1", "title": "x" * 2000},
    ],
    ids=lambda parts: str(sum(map(ord, "".join(parts.values())))),
)
def test_python_and_sql_refuse_the_same(parts: Parts, connection: Connection) -> None:
    assert in_python(parts) is None
    assert in_sql(connection, parts) is None


def test_sql_leaves_out_what_is_null_or_empty_and_takes_another_address(connection: Connection) -> None:
    link = connection.execute(
        text("SELECT report.apply_link('acme', 'Ä/1', title => '', utm_source => NULL)")
    )
    assert link.scalar_one() == "https://acme.pitchyou.de/go/%C3%84%2F1"
    link = connection.execute(
        text("SELECT report.apply_link('acme', '1', apply_url => 'http://{client_id}.localhost\\:8765')")
    )
    assert link.scalar_one() == "http://acme.localhost:8765/go/1"


def test_the_letter_v_is_a_job_and_a_vertical_tab_is_blank_on_every_version_of_postgres(
    database_url: str,
) -> None:
    engine = create_engine(database_url)
    call = text("SELECT report.apply_link('acme', :job)")
    for job in ("v", "v.", "..v"):
        with engine.connect() as connection:
            assert connection.scalar(call, {"job": job}) == f"https://acme.pitchyou.de/go/{job}"
    for job in ("\v", "\v.", " \t\n\v\f\r"):
        with engine.connect() as connection, pytest.raises(DBAPIError, match="blank"):
            connection.scalar(call, {"job": job})
    engine.dispose()
