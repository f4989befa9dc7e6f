"""The sandbox's faults: how they are spelled and how often they strike."""

import zlib

import pytest

from syncd.sandbox import Fault, parse_fault
from syncd.sandbox.api.control import read_faults
from syncd.sandbox.api.replies import gzip_bomb
from syncd.sandbox.faults import FaultBook


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("profiles:status=503,times=3", Fault("profiles", "status", status=503, times=3)),
        ("confirm:drop_after", Fault("confirm", "drop_after")),
        ("media:slow=0.5,times=always", Fault("media", "slow", seconds_per_byte=0.5, times=None)),
        ("any:redirect=http://h/x,after=2", Fault("any", "redirect", target="http://h/x", after=2)),
        ("media:truncate,share=0.25,match=M-1", Fault("media", "truncate", share=0.25, match="M-1")),
        ("token:status=429,retry_after=7", Fault("token", "status", status=429, retry_after="7")),
        ("profiles:gzip_bomb=1000000", Fault("profiles", "gzip_bomb", size=1_000_000)),
    ],
)
def test_the_command_line_spelling_says_every_fault(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("profiles", "spelled endpoint:kind"),
        ("nowhere:status=500", "not on 'nowhere'"),
        ("profiles:explode", "not 'explode'"),
        ("profiles:html=3", "takes no value"),
        ("profiles:html,color=red", "not 'color'"),
        ("profiles:html,times=often", "is a number"),
        ("profiles:html,share=2", "probability"),
    ],
)
def test_a_misspelled_fault_is_refused_with_the_reason(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_fault(text)


def test_faults_can_be_given_as_lines_or_as_json() -> None:
    assert read_faults(b"media:drop_before\nconfirm:html\n") == [
        Fault("media", "drop_before"),
        Fault("confirm", "html"),
    ]
    assert read_faults(b'{"on": "media", "kind": "short", "times": null}') == [
        Fault("media", "short", times=None)
    ]
    with pytest.raises(ValueError, match="no colour"):
        read_faults(b'[{"on": "media", "kind": "short", "colour": 1}]')
    with pytest.raises(ValueError, match="names no fault"):
        read_faults(b" \n")


def test_after_and_times_say_which_calls_fail() -> None:
    book = FaultBook(1)
    book.add(Fault("media", "drop_before", after=2, times=3))
    assert [book.pick("media", "/") is not None for _ in range(7)] == [
        False,
        False,
        True,
        True,
        True,
        False,
        False,
    ]
    assert book.pick("profiles", "/") is None


def test_a_fault_without_end_strikes_until_it_is_cleared() -> None:
    book = FaultBook(1)
    book.add(Fault("any", "drop_before", times=None))
    assert all(book.pick(on, "/") for on in ("media", "token", "confirm") * 10)
    book.clear()
    assert book.pick("media", "/") is None


def test_share_is_a_probability_that_the_seed_decides() -> None:
    def strikes(seed: int) -> list[bool]:
        book = FaultBook(seed)
        book.add(Fault("media", "status", times=None, share=0.3))
        return [book.pick("media", "/") is not None for _ in range(500)]

    assert 100 < sum(strikes(1)) < 200
    assert strikes(1) == strikes(1) != strikes(2)


def test_match_restricts_a_fault_to_paths_that_contain_it() -> None:
    book = FaultBook(1)
    book.add(Fault("media", "drop_before", match="/P-1/", times=None))
    assert book.pick("media", "/api/media/v1/download/P-2/M-1") is None
    assert book.pick("media", "/api/media/v1/download/P-1/M-1") is not None


def test_the_gzip_bomb_is_a_valid_stream_of_the_size_it_promises() -> None:
    packed = b"".join(gzip_bomb(5_000_000))
    plain = zlib.decompress(packed, 31)  # checks length and checksum as well
    assert len(plain) == 5_000_000
    assert plain[:1] + plain[-1:] == b"[]"
    assert len(packed) < 30_000
