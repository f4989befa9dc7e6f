"""The apply link: what it is made of, and what cannot be made into one."""

from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from syncd.errors import BadInput
from syncd.pitchyou import apply_link
from syncd.pitchyou.links import MAX_LINK
from syncd.pitchyou.payloads import MAX_REFERENCE_BYTES


def test_a_link_has_the_parts_of_the_article_in_its_order() -> None:
    link = apply_link(
        "acme",
        "PF-1",
        template_key="pflege",
        title="Koch (m/w/d)",
        utm_source="indeed",
        utm_medium="cpc",
        utm_campaign="herbst 26",
        utm_content="a+b",
    )
    assert link == (
        "https://acme.pitchyou.de/go/PF-1?jkey=pflege&title=Koch%20%28m%2Fw%2Fd%29&utm_source=indeed&utm_medium=cpc"
        "&utm_campaign=herbst%2026&utm_content=a%2Bb"
    )


def test_what_is_not_given_is_left_out() -> None:
    assert apply_link("acme", "1", title="", utm_medium=None) == "https://acme.pitchyou.de/go/1"


def test_a_reference_of_nothing_but_pitfalls_comes_back_unchanged() -> None:
    job = "Ä/ö? #1%+ 🚲&=;:@\\\"'<>\r\n\t%2F."
    parts = urlsplit(apply_link("acme", job, title=job))
    assert parts.path.count("/") == 2
    assert unquote(parts.path.removeprefix("/go/"), errors="strict") == job
    assert parse_qs(parts.query, strict_parsing=True) == {"title": [job]}


@pytest.mark.parametrize(
    "client_id",
    [
        "",
        "ACME",
        "a.b",
        "a/b",
        "-a",
        "a-",
        "a_b",
        "ä",
        "a" * 64,
        "a b",
        "a\n",
        "acme@evil.example",
        "a:1",
        "xn--a",
    ],
)
def test_a_client_id_that_is_not_a_dns_label_is_refused(client_id: str) -> None:
    with pytest.raises(BadInput, match="is not valid; it has 1 to 63"):
        apply_link(client_id, "1")


@pytest.mark.parametrize("job", ["", ".", ".."])
def test_a_job_that_a_browser_would_take_for_a_step_is_refused(job: str) -> None:
    with pytest.raises(BadInput):
        apply_link("acme", job)
    assert apply_link("acme", "...").endswith("/go/...")
    assert apply_link("acme", "X").endswith("/go/X")


@pytest.mark.parametrize(
    "part", ["template_key", "title", "utm_source", "utm_medium", "utm_campaign", "utm_content"]
)
@pytest.mark.parametrize(
    "value", ["a\0b", "a\ud800b", "\udfff"], ids=["nul", "first surrogate", "last surrogate"]
)
def test_what_no_address_can_carry_is_refused_by_name(part: str, value: str) -> None:
    with pytest.raises(BadInput, match=part.replace("template_key", "jkey")):
        apply_link("acme", "1", **{part: value})


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(BadInput) as caught:
        apply_link("A", "", title="\0")
    client, job, title = caught.value.problems
    assert client.startswith("client_id 'A' is not valid; it has 1 to 63")
    assert job == "job is empty. Give the ATS's reference of the job."
    assert title.startswith("title contains a NUL")
    with pytest.raises(BadInput, match=r"^job contains a NUL"):
        apply_link("acme", "a\0b")


def test_the_longest_reference_is_accepted() -> None:
    assert apply_link("acme", "j" * MAX_REFERENCE_BYTES).endswith("j" * MAX_REFERENCE_BYTES)


def test_ten_kilobytes_are_refused_and_the_longest_link_is_not() -> None:
    with pytest.raises(BadInput, match=r"accepts more than 2000\. Shorten the title or the utm values\.$"):
        apply_link("acme", "1", title="x" * 10_000)
    with pytest.raises(BadInput, match="longer than 1024 bytes"):
        apply_link("acme", "ä" * 513)
    bare = len(apply_link("acme", "1", title="x")) - 1
    assert len(apply_link("acme", "1", title="x" * (MAX_LINK - bare))) == MAX_LINK
    with pytest.raises(BadInput):
        apply_link("acme", "1", title="x" * (MAX_LINK - bare + 1))


def test_another_address_is_for_tests() -> None:
    assert (
        apply_link("acme", "1", apply_url="http://{client_id}.localhost:8765")
        == "http://acme.localhost:8765/go/1"
    )
