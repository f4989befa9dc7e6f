"""Responses are read strictly (RFC 9112): what is read is what h11, another reader, reads; what is cut is refused."""

import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.deadline import Deadline
from syncd.errors import ApiUnavailable
from syncd.pitchyou.http import Gathered, Http
from tests.integration.listener import Heard, Listener
from tests.integration.settling import IMPATIENT

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
Reading = tuple[int, bytes]


@dataclass
class Wire:
    """A server that sends these bytes to whoever asks, in pieces of these sizes, and then closes."""

    sent: bytes = b""
    sizes: list[int] = field(default_factory=lambda: [10**6])
    url: str = ""

    def answer(self, heard: Heard) -> Iterable[bytes]:
        left, sizes = self.sent, list(self.sizes)
        while left:
            size = sizes.pop(0) if len(sizes) > 1 else sizes[0]
            yield left[:size]
            left = left[size:]

    def read(self, sent: bytes, sizes: list[int] | None = None) -> Reading:
        """Send these bytes and return the status and body that syncd reads, or raise `ApiUnavailable`."""
        self.sent, self.sizes = sent, sizes or [10**6]
        body = Gathered(10**6)
        # A client of its own: the server closes a connection that the client may still keep.
        with closing(Http(self.url, limits=IMPATIENT)) as http:
            response = http.send("GET", "/", deadline=Deadline(20), sink=body)
        return response.status, bytes(body.received)


@contextmanager
def wire() -> Iterator[Wire]:
    found = Wire()
    with Listener(found.answer) as server:
        found.url = server.url
        yield found


WHOLE = [
    (OK + b"Content-Length: 3\r\n\r\nabc", b"abc"),
    (OK + b"content-LENGTH:3\r\n\r\nabc", b"abc"),
    (OK + b"Content-Length: 0\r\n\r\n", b""),
    (OK + b"Content-Length: 3\r\nConnection: Keep-Alive, Close\r\n\r\nabc", b"abc"),
    (b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", b"abc"),
    (b"HTTP/1.1 204\r\n\r\n", b""),
    (b"HTTP/1.1 103 Early\r\nA: b\r\n\r\n" + OK + b"Content-Length: 1\r\n\r\nx", b"x"),
    (CHUNKED + b'3\r\nabc\r\nA;x="y"\r\n0123456789\r\n0\r\n\r\n', b"abc0123456789"),
    (CHUNKED + b"1\r\na\r\n000\r\nX-Digest: 1\r\n\r\n", b"a"),
]


@pytest.mark.parametrize(("sent", "body"), WHOLE)
def test_a_body_ends_where_its_head_says_and_every_truncation_is_refused(sent: bytes, body: bytes) -> None:
    with wire() as server:
        for size in (1, 2, 7, 10**6):
            assert server.read(sent, [size])[1] == body
        for end in range(len(sent)):
            with pytest.raises(ApiUnavailable):
                server.read(sent[:end])


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    with wire() as server:
        assert server.read(OK + b"\r\nabc") == (200, b"abc")
        for end in range(len(OK) + 2):
            with pytest.raises(ApiUnavailable):
                server.read((OK + b"\r\n")[:end])


@pytest.mark.parametrize(
    "sent",
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
        CHUNKED + b"g\r\n",
        *(start + b"x" * 10**6 for start in (b"", OK, OK + b"X: ")),
        *(start + b"x: y\r\n" * 10**5 for start in (b"", OK)),
    ],
)
def test_what_is_not_a_valid_response_is_refused(sent: bytes) -> None:
    with wire() as server, pytest.raises(ApiUnavailable):
        server.read(sent)


@pytest.mark.parametrize(
    ("target", "value"), [("/a b", "x"), ("/a\r\nX:", "x"), ("/a", "x\r\nX: y"), ("/a", "\n"), ("/a", "\0")]
)
def test_a_request_cannot_be_made_to_say_more_than_it_should(target: str, value: str) -> None:
    with Listener() as server, closing(Http(server.url)) as http:
        with pytest.raises(ApiUnavailable, match="cannot be sent"):
            http.send("GET", target, deadline=Deadline(5), headers={"Authorization": value})
        assert server.connections == 0


GOOD_STATUSES = [
    b"HTTP/1.1 200 OK",
    b"HTTP/1.0 200 OK",
    b"HTTP/1.1 299",
    b"HTTP/1.1 204 ",
    b"HTTP/1.1 201 x\ty",
]
BAD_STATUSES = [b"HTTP/1.1 99 x", b"HTTP/1.1 200OK", b"http/1.1 200 OK", b"x"]
LENGTHS = [b"Content-Length: 5", b"content-length:5"]
CODINGS = [b"Transfer-Encoding: chunked", b"transfer-encoding:  Chunked "]
GOOD_LINES = [b"Connection: close", b"A: b", b"A: \xff\x01", b"A:", b"A: b \t"]
BAD_LINES = [
    *(b"Content-Length: 6", b"Content-Length: x", b"Transfer-Encoding: gzip", b" folded"),
    *(b"no colon", b"A : b", b": b", b"A: \0", b"A: b\rc", b"\xe4: b"),
]
CHUNKS = [b"5\r\nhello\r\n", b"0005;x=y\r\nhello\r\n", b"a\r\nhellohello\r\n"]
LAST_CHUNKS = [b"0\r\n\r\n", b"0\r\nA: b\r\n\r\n"]
BAD_CHUNKS = [b"5\r\nhellox\r\n", b"\r\n", b"g\r\n", b"-5\r\nhello\r\n"]


def some(of: list[bytes], most: int) -> st.SearchStrategy[list[bytes]]:
    return st.lists(st.sampled_from(of), max_size=most)


def wires() -> st.SearchStrategy[bytes]:
    """Responses of which half are sound and most others nearly so."""
    early = some([b"HTTP/1.1 103 Early\r\nA: b\r\n\r\n"], 1)
    plain = st.tuples(some(GOOD_LINES, 2), some(LENGTHS, 2), some([b"hello", b"hell"], 2))
    chunked = st.tuples(some(GOOD_LINES, 2), some(CODINGS, 1), some(CHUNKS, 3), some(LAST_CHUNKS, 1))
    wild = st.tuples(
        some(GOOD_LINES + BAD_LINES + LENGTHS + CODINGS, 3), some(CHUNKS + LAST_CHUNKS + BAD_CHUNKS, 3)
    )
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
        st.sampled_from(GOOD_STATUSES * 3 + BAD_STATUSES),
        parts,
        st.sampled_from([b"\r\n", b"\r\n", b"\n"]),
    )


def theirs(sent: bytes) -> Reading | None:
    """Status and body as h11 reads them, or None."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "h")]))
    connection.send(h11.EndOfMessage())
    status, body = 0, b""
    try:
        for data in (sent, b""):
            if data or connection.their_state is not h11.DONE:
                connection.receive_data(data)
            while (event := connection.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                if isinstance(event, h11.Response):
                    status = event.status_code
                elif isinstance(event, h11.Data):
                    body += event.data
                elif isinstance(event, h11.EndOfMessage):
                    return status, body
                elif isinstance(event, h11.ConnectionClosed):
                    return None
    except h11.RemoteProtocolError:
        return None
    return None


def test_what_is_read_is_what_h11_reads() -> None:
    """syncd may refuse more: lines that end in LF alone or go on in the next one, a length that is given twice."""
    with wire() as server:

        @settings(max_examples=int(os.environ.get("FUZZ_EXAMPLES", "300")), deadline=None)
        @given(wires(), st.lists(st.integers(1, 60), min_size=1, max_size=5))
        def holds(sent: bytes, sizes: list[int]) -> None:
            try:
                reading = server.read(sent, sizes)
            except ApiUnavailable:
                return
            assert reading == theirs(sent)

        holds()


def test_the_port_of_a_closed_server_is_told_as_a_connection_that_failed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}"
    with closing(Http(url)) as http, pytest.raises(ApiUnavailable) as caught:
        http.send("GET", "/", deadline=Deadline(5))
    assert caught.value.kind == "connection"
