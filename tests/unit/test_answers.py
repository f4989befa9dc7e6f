"""HTTP answers are read strictly, and what is read is what h11, another reader of them, reads."""

from collections.abc import Iterator

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.deadline import Deadline
from syncd.pitchyou.answers import Answer, BrokenAnswer, request_bytes
from syncd.pitchyou.pace import Pace

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


class Pieces:
    """A connection that brings these bytes in pieces of these sizes, the last size again and again; then it ends."""

    def __init__(self, wire: bytes, sizes: list[int]) -> None:
        self._wire, self._sizes = wire, sizes

    def receive(self, size: int, pace: Pace) -> bytes:
        most = self._sizes.pop(0) if len(self._sizes) > 1 else self._sizes[0]
        data, self._wire = self._wire[: min(size, most)], self._wire[min(size, most) :]
        return data


def pace() -> Pace:
    return Pace(Deadline(), silence=1.0)


def read(wire: bytes, *sizes: int) -> tuple[Answer, bytes]:
    answer = Answer(Pieces(wire, list(sizes) or [10**6]), pace())
    return answer, b"".join(answer.pieces(pace()))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 10**6])
@pytest.mark.parametrize(
    ("wire", "body", "reusable"),
    [
        (OK + b"Content-Length: 3\r\n\r\nabc", b"abc", True),
        (OK + b"content-LENGTH:3\r\n\r\nabc", b"abc", True),
        (OK + b"Content-Length: 0\r\n\r\n", b"", True),
        (OK + b"Content-Length: 3\r\nConnection: Keep-Alive, Close\r\n\r\nabc", b"abc", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", b"abc", False),
        (OK + b"\r\nabc", b"abc", False),
        (b"HTTP/1.1 204\r\nContent-Length: 3\r\n\r\n", b"", True),
        (b"HTTP/1.1 304 Not\r\nTransfer-Encoding: chunked\r\n\r\n", b"", True),
        (b"HTTP/1.1 103 Early\r\nContent-Length: 9\r\n\r\n" + OK + b"Content-Length: 1\r\n\r\nx", b"x", True),
        (b"HTTP/1.1 104 Own\r\nContent-Length: 2\r\n\r\nno" + OK + b"Content-Length: 1\r\n\r\nx", b"x", True),
        (CHUNKED + b'3\r\nabc\r\nA;x="y"\r\n0123456789\r\n0\r\n\r\n', b"abc0123456789", True),
        (CHUNKED + b"1\r\na\r\n000\r\nX-Digest: 1\r\n\r\n", b"a", True),
    ],
)
def test_a_body_ends_where_its_head_says_and_only_then_its_connection_is_good(
    wire: bytes, body: bytes, reusable: bool, size: int
) -> None:
    answer, got = read(wire, size)
    assert (got, answer.reusable) == (body, reusable)
    for end in range(len(wire)) if reusable else ():
        with pytest.raises(BrokenAnswer):
            read(wire[:end], size)


def test_what_follows_an_answer_costs_the_connection() -> None:
    answer, body = read(OK + b"Content-Length: 3\r\n\r\nabc" + OK)
    assert (body, answer.reusable) == (b"abc", False)


def test_a_connection_is_good_when_the_whole_body_has_come_though_nobody_took_it() -> None:
    wire = OK + b"Content-Length: 3\r\n\r\nabc"
    assert Answer(Pieces(wire, [10**6]), pace()).reusable
    assert not Answer(Pieces(wire, [len(wire) - 1]), pace()).reusable
    assert Answer(Pieces(CHUNKED + b"0\r\n\r\n", [10**6]), pace()).reusable
    assert not Answer(Pieces(CHUNKED + b"0\r\n\r\n", [len(CHUNKED)]), pace()).reusable


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        b"HTTP/1.1 200",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/9 x\r\n\r\n",
        b"ICY 200 OK\r\n\r\n",
        b"HTTP/1.1 099 Low\r\n\r\n",
        b"HTTP/1.1 2000 Long\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n",
        OK + b"no colon\r\n\r\n",
        OK + b"Name : spaced\r\n\r\n",
        OK + b" folded: first\r\n\r\n",
        OK + b"X: a\0b\r\n\r\n",
        OK + b"X: a\rb\r\n\r\n",
        OK + b"Content-Length: -1\r\n\r\n",
        OK + b"Content-Length: +1\r\n\r\na",
        OK + b"Content-Length: 1_0\r\n\r\n",
        OK + b"Content-Length: \xb2\r\n\r\n",
        OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
        OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        OK + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        OK.replace(b"\r", b"") + b"Content-Length: 1\n\na",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: identity\r\n\r\n",
        CHUNKED + b"-1\r\n",
        CHUNKED + b"0x1\r\na\r\n0\r\n\r\n",
        CHUNKED + b"1_0\r\n0123456789abcdef\r\n0\r\n\r\n",
        CHUNKED + b"\r\n",
        CHUNKED + b"2\r\nabc\r\n0\r\n\r\n",
        CHUNKED + b"2\nab\n0\n\n",
        CHUNKED + b"1\r\na\r\n0\r\nno colon\r\n\r\n",
    ],
)
def test_what_is_no_answer_is_none(wire: bytes) -> None:
    with pytest.raises(BrokenAnswer):
        read(wire)


@pytest.mark.parametrize(
    ("start", "again"),
    [
        *((start, b"x") for start in (b"", OK, OK + b"X: ", CHUNKED, CHUNKED + b"1;", CHUNKED + b"0\r\n")),
        *((start, b"x: y\r\n") for start in (b"", OK, OK + b"X: ", CHUNKED + b"0\r\n")),
    ],
)
def test_no_line_and_no_head_grows_without_an_end(start: bytes, again: bytes) -> None:
    with pytest.raises(BrokenAnswer):
        read(start + again * 10**6, 10_000)


def test_small_pieces_are_joined_and_large_ones_are_not_split() -> None:
    wire = CHUNKED + b"".join(b"3E8\r\n%b\r\n" % (b"x" * 1000) for _ in range(200)) + b"0\r\n\r\n"
    answer = Answer(Pieces(wire, [1460]), pace())
    sizes = [len(piece) for piece in answer.pieces(pace())]
    assert sum(sizes) == 200_000
    assert len(sizes) == 3

    wire = OK + b"Content-Length: 300000\r\n\r\n" + b"x" * 300_000
    answer = Answer(Pieces(wire, [100_000]), pace())
    assert [len(piece) for piece in answer.pieces(pace())][1:3] == [100_000, 100_000]


def test_a_request_cannot_be_made_to_say_more_than_it_should() -> None:
    fields = [(b"Host", b"h"), (b"Content-Length", b"2")]
    assert request_bytes("POST", b"/a", fields, b"{}") == (
        b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}"
    )
    for target, value in (
        (b"/a b", b"x"),
        (b"/a\r\nX:", b"x"),
        (b"", b"x"),
        (b"/a", b"x\r\nX: y"),
        (b"/a", b"\n"),
    ):
        with pytest.raises(BrokenAnswer):
            request_bytes("GET", target, [(b"Authorization", value)], b"")


GOOD_STATUSES = [
    b"HTTP/1.1 200 OK",
    b"HTTP/1.0 200 OK",
    b"HTTP/1.1 404",
    b"HTTP/1.1 204 ",
    b"HTTP/1.1 304 x\ty",
]
BAD_STATUSES = [b"HTTP/1.1 99 x", b"HTTP/1.1 200OK", b"http/1.1 200 OK", b"x"]
LENGTHS = [b"Content-Length: 5", b"content-length:5", b"Content-Length: 5, 5"]
CODINGS = [b"Transfer-Encoding: chunked", b"transfer-encoding:  Chunked "]
GOOD_LINES = [b"Connection: close", b"A: b", b"A: \xff\x01", b"A:", b"A: b \t", b" folded", b"\tfolded \t"]
BAD_LINES = [
    *(b"Content-Length: 6", b"Content-Length: x", b"Transfer-Encoding: gzip"),
    *(b"no colon", b"A : b", b": b", b"A: \0", b"A: \x0b", b"A: b\rc", b"\xe4: b"),
]
CHUNKS = [b"5\r\nhello\r\n", b"0005;x=y\r\nhello\r\n", b"a \r\nhellohello\r\n"]
LAST_CHUNKS = [b"0\r\n\r\n", b"0\r\nA: b\r\n\r\n"]
BAD_CHUNKS = [b"5\r\nhellox\r\n", b"5\nhello\n", b"0\r\nbad\r\n\r\n", b"\r\n", b"g\r\n", b"-5\r\nhello\r\n"]


def some(of: list[bytes], most: int) -> st.SearchStrategy[list[bytes]]:
    return st.lists(st.sampled_from(of), max_size=most)


def wires() -> st.SearchStrategy[bytes]:
    """Answers of which half are sound and most others nearly so."""
    early = some([b"HTTP/1.1 103 Early\r\nA: b\r\n\r\n"], 1)
    plain = st.tuples(some(GOOD_LINES, 2), some(LENGTHS, 2), some([b"hello", b"hell"], 2))
    chunked = st.tuples(some(GOOD_LINES, 2), some(CODINGS, 1), some(CHUNKS, 3), some(LAST_CHUNKS, 1))
    wild = st.tuples(
        some(GOOD_LINES + BAD_LINES + LENGTHS + CODINGS, 3), some(CHUNKS + LAST_CHUNKS + BAD_CHUNKS, 3)
    )
    status = st.sampled_from(GOOD_STATUSES * 3 + BAD_STATUSES)
    end = st.sampled_from([b"\r\n", b"\n"])
    parts = st.one_of(
        plain.map(lambda x: ([*x[0], *x[1]], x[2])),
        chunked.map(lambda x: ([*x[0], *x[1]], [*x[2], *x[3]])),
        wild,
    )
    return st.builds(
        lambda early, status, parts, end: b"".join(
            [*early, end.join([status, *parts[0], b"", b""]), *parts[1]]
        ),
        early,
        status,
        parts,
        end,
    )


def theirs(wire: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes] | None:
    """Status, header and body as h11 reads them, or None."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "h")]))
    connection.send(h11.EndOfMessage())
    head: tuple[int, list[tuple[bytes, bytes]]] | None = None
    body = b""
    try:
        for data in (wire, b""):
            if data or connection.their_state is not h11.DONE:
                connection.receive_data(data)
            for event in events(connection):
                if isinstance(event, h11.Response):
                    head = event.status_code, list(event.headers)
                elif isinstance(event, h11.Data):
                    body += event.data
                elif isinstance(event, h11.EndOfMessage):
                    assert head
                    return (*head, body)
    except h11.RemoteProtocolError:
        return None
    return None


def events(connection: h11.Connection) -> Iterator[object]:
    while (event := connection.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
        yield event
        if isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
            return


def ours(wire: bytes, sizes: list[int]) -> tuple[int, list[tuple[bytes, bytes]], bytes] | None:
    try:
        answer, body = read(wire, *sizes)
    except BrokenAnswer:
        return None
    fields = [(name.lower(), value) for name, value in answer.fields]
    return answer.status, fields, body


def without_framing(
    reading: tuple[int, list[tuple[bytes, bytes]], bytes] | None,
) -> tuple[int, list[tuple[bytes, bytes]], bytes] | None:
    """h11 writes these fields anew, so it is the body that shows how they were understood."""
    if reading is None:
        return None
    status, fields, body = reading
    return status, [each for each in fields if each[0] not in (b"content-length", b"transfer-encoding")], body


@settings(max_examples=500, deadline=None)
@given(wires(), st.lists(st.integers(1, 60), min_size=1, max_size=5))
def test_what_is_read_is_what_h11_reads(wire: bytes, sizes: list[int]) -> None:
    """Ours may refuse more: lines that end in LF alone or go on in the next one, a length that is given twice."""
    if reading := ours(wire, sizes):
        assert without_framing(reading) == without_framing(theirs(wire))
