"""Ways to PitchYou: several addresses of a host, dead ones among them; a proxy; a stop while connecting."""

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pycurl
import pytest

from syncd.deadline import Deadline
from syncd.errors import ApiError, ApiUnavailable, Stopped
from syncd.pitchyou import PitchYou, Proxy, curl_transport
from syncd.pitchyou.http import Gathered, Http, Limits
from syncd.sandbox import Sandbox, SandboxConfig
from tests.integration.listener import Heard, Listener, reply
from tests.integration.test_client_origin import certificate
from tests.integration.test_client_transport import use_list
from tests.integration.test_faults_list import TOKEN_ANSWER

needs_proxy = pytest.mark.skipif(
    shutil.which("tinyproxy") is None, reason="there is no tinyproxy here: apt-get install tinyproxy"
)


@contextmanager
def dead(address: str, port: int) -> Iterator[None]:
    """An address that answers nothing: its queue of new connections is full, so that the kernel drops each SYN."""
    with ExitStack() as held:
        full = held.enter_context(closing(socket.socket()))
        full.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        full.bind((address, port))
        full.listen(0)
        for _ in range(3):
            caller = held.enter_context(closing(socket.socket()))
            caller.setblocking(False)
            caller.connect_ex((address, port))
        time.sleep(0.1)
        yield


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> Callable[[int], str]:
    """Let `several.example` have these addresses; gives its URL for a port."""

    def url(port: int) -> str:
        class Resolving(curl_transport._Line):
            def __init__(self, *arguments: Any) -> None:
                super().__init__(*arguments)
                self.handle.setopt(pycurl.RESOLVE, [f"several.example:{port}:{','.join(addresses)}"])

        monkeypatch.setattr(curl_transport, "_Line", Resolving)
        return f"http://several.example:{port}"

    return url


def get(http: Http, deadline: Deadline | None = None) -> bytes:
    body = Gathered(1000)
    http.send("GET", "/", deadline=deadline or Deadline(60), sink=body)
    return bytes(body.received)


def test_dead_addresses_of_a_host_do_not_keep_the_living_one_from_being_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = resolving(monkeypatch, "127.0.0.21", "127.0.0.22", "127.0.0.23", "127.0.0.1")
    with Listener(lambda heard: [reply(b"found")]) as server, ExitStack() as held:
        port = int(server.url.rpartition(":")[2])
        for last in (21, 22, 23):
            held.enter_context(dead(f"127.0.0.{last}", port))
        with closing(Http(url(port), limits=Limits(connect=10.0))) as http:
            started = time.monotonic()
            assert get(http) == b"found"
            assert time.monotonic() - started < 5


def test_a_host_whose_addresses_are_all_dead_costs_one_connect_time_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    addresses = [f"127.0.0.{last}" for last in (31, 32, 33)]
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with ExitStack() as held:
        for address in addresses:
            held.enter_context(dead(address, port))
        with closing(Http(resolving(monkeypatch, *addresses)(port), limits=Limits(connect=1.5))) as http:
            started = time.monotonic()
            with pytest.raises(ApiUnavailable) as caught:
                get(http)
            assert caught.value.kind == "timeout"
            assert 1 < time.monotonic() - started < 3.5


def test_a_stop_while_connecting_ends_it_within_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    stop = threading.Event()
    with dead("127.0.0.41", port), closing(Http(resolving(monkeypatch, "127.0.0.41")(port))) as http:
        threading.Timer(0.3, stop.set).start()
        started = time.monotonic()
        with pytest.raises(Stopped):
            get(http, Deadline(60, stop=stop))
        assert time.monotonic() - started < 2.3


def listens(port: int) -> bool:
    with closing(socket.socket()) as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def tinyproxy(folder: Path, *settings: str) -> Iterator[tuple[str, Path]]:
    """A real proxy; gives its URL and its log."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    folder.mkdir()
    log = folder / "log"
    lines = [
        f"Port {port}",
        "Listen 127.0.0.1",
        "Timeout 20",
        f'LogFile "{log}"',
        "LogLevel Connect",
        *settings,
    ]
    (folder / "conf").write_text("\n".join(lines) + "\n")
    with subprocess.Popen(
        ["tinyproxy", "-d", "-c", str(folder / "conf")], stdout=subprocess.DEVNULL
    ) as process:
        try:
            until = time.monotonic() + 20
            while not listens(port) and time.monotonic() < until:
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}", log
        finally:
            process.terminate()


@needs_proxy
def test_everything_goes_through_a_proxy_that_is_configured(tmp_path: Path) -> None:
    with (
        tinyproxy(tmp_path / "proxy") as (url, log),
        Sandbox(SandboxConfig(profiles=3)) as sandbox,
        PitchYou("acme", "sandbox-secret", base_url=sandbox.url, proxy=Proxy(url)) as api,
    ):
        use_list(api)
        api.confirm(['"P"'])
        assert len(sandbox.ledger.requests) == 3
        assert log.read_text().count("sandbox-secret") == 0
        assert log.read_text().count("Request") >= 3


@needs_proxy
def test_a_proxy_gets_its_credentials_and_says_when_they_are_wrong(tmp_path: Path) -> None:
    with (
        tinyproxy(tmp_path / "proxy", "BasicAuth syncd s3cret") as (url, _),
        Sandbox(SandboxConfig(profiles=3)) as sandbox,
    ):

        def through(credentials: str | None) -> None:
            proxy = Proxy(url, credentials)
            with PitchYou("acme", "sandbox-secret", base_url=sandbox.url, proxy=proxy) as api:
                use_list(api)

        through("syncd:s3cret")
        assert not any("proxy-authorization" in str(each).lower() for each in sandbox.ledger.requests)
        for wrong in (None, "syncd:wrong"):
            with pytest.raises(ApiError, match=r"proxy|token_auth") as caught:
                through(wrong)
            assert "s3cret" not in str(caught.value)
            assert "wrong" not in str(caught.value)


@needs_proxy
@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl here to make a certificate")
def test_tls_goes_through_a_proxy_that_sees_nothing_of_it(tmp_path: Path) -> None:
    pem = certificate(tmp_path, "IP:127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    def answers(heard: Heard) -> list[bytes]:
        return [TOKEN_ANSWER if heard.path == "/token" else reply(b"[]")]

    with Listener(answers, tls=context) as server:
        port = server.url.rpartition(":")[2]
        basic = "BasicAuth syncd s3cret"
        with tinyproxy(tmp_path / "open", basic, f"ConnectPort {port}") as (url, log):
            proxy = Proxy(url, "syncd:s3cret")
            with PitchYou("acme", "SECRET", base_url=server.url, ca_file=pem, proxy=proxy) as api:
                use_list(api)
            assert f"CONNECT 127.0.0.1:{port}" in log.read_text()
            assert "/api/" not in log.read_text()
        assert len(server.heard) == 2
        assert "proxy-authorization" not in server.heard[0].headers
        with tinyproxy(tmp_path / "closed", basic, "ConnectPort 1") as (url, _):
            for proxy in (Proxy(url, "syncd:s3cret"), Proxy(url)):
                http = Http(server.url, ca_file=pem, proxy=proxy)
                with closing(http), pytest.raises(ApiUnavailable, match=r"proxy refuses.*HTTP 40") as caught:
                    get(http)
                assert caught.value.kind == "connection"
                assert "s3cret" not in str(caught.value)
        assert len(server.heard) == 2
