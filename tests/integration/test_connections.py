"""Connections at a real server: used again when they are good, given up when they are not, and never twice for one request."""

import json
import shutil
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from syncd.deadline import Deadline
from syncd.errors import ApiUnavailable, ConfigurationError, Stopped
from syncd.pitchyou import curl_transport
from syncd.pitchyou.http import Gathered, Http
from tests.integration.listener import Heard, Listener
from tests.integration.settling import IMPATIENT
from tests.integration.test_client_origin import certificate

MANY = 1000


def kept(body: bytes, length: int | None = None) -> bytes:
    """An answer that leaves the connection open."""
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (
        len(body) if length is None else length,
        body,
    )


def get(http: Http, path: str = "/", deadline: Deadline | None = None) -> bytes:
    body = Gathered(10**7)
    http.send("GET", path, deadline=deadline or Deadline(20), sink=body)
    return bytes(body.received)


def test_one_connection_carries_one_request_after_another() -> None:
    body = b"x" * 300_000
    with Listener(lambda _: [kept(body)], answers=MANY) as server, closing(Http(server.url)) as http:
        assert [get(http, f"/{number}") for number in range(20)] == [body] * 20
        assert server.connections == 1
        assert [heard.path for heard in server.heard] == [f"/{number}" for number in range(20)]


def test_threads_use_no_more_connections_than_there_are_requests_at_a_time() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    with (
        Listener(lambda _: [chunked], answers=MANY) as server,
        closing(Http(server.url, pool_size=4)) as http,
        ThreadPoolExecutor(8) as pool,
    ):
        assert list(pool.map(lambda _: get(http), range(200))) == [b"abc"] * 200
        assert 1 <= server.connections <= 4


def test_what_the_api_is_told_is_what_it_was_told_before() -> None:
    with Listener(lambda _: [kept(b"")], answers=MANY) as server, closing(Http(server.url + "/api/")) as http:
        fields = {"Accept": "x/y", "Content-Type": "application/json"}
        http.send("POST", "/a%20b/c", deadline=Deadline(5), headers=fields, content=b"[1]")
        (heard,) = server.heard
        assert (heard.method, heard.path, json.loads(heard.body)) == ("POST", "/api/a%20b/c", [1])
        agent = heard.headers.pop("user-agent")
        assert agent.startswith("syncd/")
        assert heard.headers == {
            "host": server.url.removeprefix("http://"),
            "accept": "x/y",
            "accept-encoding": "identity",
            "connection": "keep-alive",
            "content-type": "application/json",
            "content-length": "3",
        }


def test_cookies_are_not_kept() -> None:
    answer = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"
    with Listener(lambda _: [answer], answers=MANY) as server, closing(Http(server.url)) as http:
        get(http), get(http)
        assert "cookie" not in server.heard[1].headers


@pytest.mark.parametrize("way", ["close", "reset", "chatter"])
def test_a_connection_that_the_server_gave_up_is_not_used_again(way: str) -> None:
    gone = threading.Event()

    def answers(heard: Heard) -> Iterable[bytes]:
        yield kept(b"abc")
        if heard.path == "/first" and way == "chatter":
            yield kept(b"nobody asked for this")
            gone.wait(5)
        elif heard.path == "/first":
            if way == "reset":
                server._open[0].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise ConnectionError  # the listener closes

    with Listener(answers, answers=MANY) as server, closing(Http(server.url)) as http:
        assert get(http, "/first") == b"abc"
        time.sleep(0.2)
        assert get(http, "/second") == b"abc"
        gone.set()
        assert [heard.path for heard in server.heard] == ["/first", "/second"]
        assert server.connections == 2


def test_a_connection_that_was_idle_for_long_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curl_transport, "IDLE", 0.1)
    with Listener(lambda _: [kept(b"abc")], answers=MANY) as server, closing(Http(server.url)) as http:
        get(http), get(http)
        assert server.connections == 1
        time.sleep(0.2)
        get(http)
        assert server.connections == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 20",
        kept(b"abc", length=4),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"SSH-2.0-OpenSSH\r\n\r\n",
    ],
)
def test_an_answer_that_is_broken_off_is_unavailable_and_asked_for_once(answer: bytes) -> None:
    with Listener(lambda _: [answer]) as server, closing(Http(server.url)) as http:
        for asked in (1, 2):
            with pytest.raises(ApiUnavailable):
                get(http)
            assert (len(server.heard), server.connections) == (asked, asked)


def test_a_body_that_is_not_read_costs_its_connection_and_no_other_request() -> None:
    with (
        Listener(lambda _: [kept(b"x" * 3_000_000)], answers=MANY) as server,
        closing(Http(server.url, pool_size=1)) as http,
    ):
        assert http.send("GET", "/", deadline=Deadline(5)).status == 200
        assert len(get(http)) == 3_000_000
        assert server.connections == 2


def test_a_small_body_that_nobody_reads_costs_nothing() -> None:
    with Listener(lambda _: [kept(b"{}")], answers=MANY) as server, closing(Http(server.url)) as http:
        for _ in range(3):
            assert http.send("POST", "/", deadline=Deadline(5), content=b"[]").status == 200
        assert server.connections == 1


def test_who_waits_for_a_connection_hears_of_a_stop() -> None:
    stop, busy = threading.Event(), threading.Event()

    def slow(heard: Heard) -> Iterable[bytes]:
        busy.set()
        server.stopping.wait(3 if heard.path == "/slow" else 0)
        return [kept(b"abc")]

    with (
        Listener(slow, answers=MANY) as server,
        closing(Http(server.url, pool_size=1)) as http,
        ThreadPoolExecutor(1) as pool,
    ):
        first = pool.submit(get, http, "/slow")
        assert busy.wait(5)
        threading.Timer(0.2, stop.set).start()
        started = time.monotonic()
        with pytest.raises(Stopped):
            get(http, deadline=Deadline(60, stop=stop))
        assert time.monotonic() - started < 2.5
        assert first.result() == b"abc"
        assert get(http) == b"abc"


def test_a_server_that_answers_before_it_has_read_the_request_is_heard() -> None:
    refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def refuse() -> None:
            connection, _ = listening.accept()
            connection.recv(100)
            connection.sendall(refusal)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
            connection.close()

        thread = threading.Thread(target=refuse)
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with closing(Http(url)) as http:
            response = http.send("POST", "/", deadline=Deadline(10), content=b"x" * 5_000_000)
        assert response.status == 413
        thread.join()


def test_a_server_that_takes_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with closing(Http(url, limits=IMPATIENT)) as http:
            started = time.monotonic()
            with pytest.raises(ApiUnavailable):
                http.send("POST", "/", deadline=Deadline(60), content=b"x" * 20_000_000)
            assert time.monotonic() - started < 5


@pytest.mark.parametrize("url", ["api.example", "ftp://api.example", "http://", ""])
def test_a_base_url_without_scheme_or_host_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="base_url"):
        Http(url)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl here to make a certificate")
def test_tls_is_read_like_all_else_and_only_from_the_host_that_was_asked_for(tmp_path: Path) -> None:
    body = bytes(range(256)) * 2000

    def answers(heard: Heard) -> Iterator[bytes]:
        yield kept(body[:1000], length=len(body))
        server.stopping.wait(1.2 if heard.path == "/slow" else 0)  # longer than a read blocks
        yield body[1000:]

    for address, good in (("IP:127.0.0.1", True), ("DNS:other.example", False)):
        ours = certificate(tmp_path, address)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(ours)
        with (
            Listener(answers, tls=context, answers=MANY) as server,
            closing(Http(server.url, ca_file=ours)) as http,
        ):
            if good:
                assert [get(http, path) for path in ("/", "/slow", "/")] == [body] * 3
                assert server.connections == 1
            else:
                with pytest.raises(ApiUnavailable, match="No trusted TLS connection") as caught:
                    get(http)
                assert caught.value.kind == "tls"
                assert server.heard == []


def test_what_comes_on_a_kept_connection_before_the_request_is_not_taken_for_its_response() -> None:
    """It comes while `before_send` asks Postgres, after the connection was chosen."""
    chatter = threading.Event()

    def answers(heard: Heard) -> Iterable[bytes]:
        yield kept(b"for " + heard.path.encode())
        if heard.path == "/first":
            chatter.wait(5)
            yield kept(b"nobody asked for this")

    def meanwhile() -> None:
        chatter.set()
        time.sleep(0.3)

    with Listener(answers, answers=MANY) as server, closing(Http(server.url)) as http:
        assert get(http, "/first") == b"for /first"
        with pytest.raises(ApiUnavailable, match="closed the connection"):
            http.send("GET", "/second", deadline=Deadline(5), before_send=meanwhile)
        assert get(http, "/third") == b"for /third"
        assert [heard.path for heard in server.heard] == ["/first", "/third"]


def test_a_client_that_is_closed_during_an_exchange_keeps_no_connection() -> None:
    busy, gone = threading.Event(), threading.Event()

    def answers(heard: Heard) -> Iterable[bytes]:
        busy.set()
        gone.wait(5)
        yield kept(b"abc")

    with Listener(answers, answers=MANY) as server, ThreadPoolExecutor(1) as pool:
        http = Http(server.url)
        before = len(list(Path("/proc/self/fd").iterdir()))
        running = pool.submit(get, http)
        assert busy.wait(5)
        http.close()
        gone.set()
        assert running.result() == b"abc"
        assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1  # the server's own
