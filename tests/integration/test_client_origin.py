"""The token and the secret go to one origin and nowhere else (contract "downloadUri", faults.md "redirect", "TLS error")."""

import shutil
import ssl
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pytest

from syncd.deadline import Deadline
from syncd.errors import ApiRefused, ApiUnavailable, AuthenticationFailed, DeadlineExceeded, SyncdError
from syncd.pitchyou import Gathered, PitchYou
from syncd.sandbox import Fault, Sandbox, SandboxConfig
from tests.integration.listener import Heard, Listener, reply
from tests.integration.test_client_transport import CALLS, use_confirm, use_list, use_media, use_token
from tests.integration.test_faults_list import TOKEN_ANSWER

SECRET = "the-client's-secret"


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused_and_its_target_never_hears_of_us(call: str, status: int) -> None:
    with Listener() as target, Sandbox(SandboxConfig(profiles=1)) as sandbox:
        sandbox.inject(Fault(call, "redirect", status=status, target=f"{target.url}/api", times=None))
        with PitchYou("acme", "sandbox-secret", base_url=sandbox.url) as api:
            with pytest.raises((ApiRefused, AuthenticationFailed)) as caught:
                CALLS[call](api, None)
            assert caught.value.status == status
            assert api.retries == 0
        assert target.connections == 0


@pytest.mark.parametrize("call", ["profiles", "media", "confirm"])
def test_the_token_goes_to_the_configured_origin_and_the_secret_to_its_token_endpoint_alone(
    call: str,
) -> None:
    def answers(heard: Heard) -> Iterable[bytes]:
        return [TOKEN_ANSWER if heard.path == "/prefix/token" else reply(b"[]")]

    with Listener(answers) as server, PitchYou("acme", SECRET, base_url=f"{server.url}/prefix/") as api:
        CALLS[call](api, None)
        token, used = server.heard
        assert token.path == "/prefix/token"
        assert used.path.startswith("/prefix/api/")
        assert used.headers["authorization"] == "Bearer t"
        assert "secret" not in f"{used}"
        assert "secret" not in token.path
        assert "secret" not in str(token.headers)


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with Listener() as proxy, Sandbox(SandboxConfig(profiles=1)) as sandbox:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        with PitchYou("acme", "sandbox-secret", base_url=sandbox.url) as api:
            use_list(api)
        assert proxy.connections == 0


def test_errors_hold_no_address_no_token_and_no_secret() -> None:
    def answers(heard: Heard) -> Iterable[bytes]:
        return [reply(b'{"access_token":"TOKENCANARY"}')] if heard.path == "/token" else [b"HTTP/9 x"]

    with Listener(answers) as server, PitchYou("acme", "SECRETCANARY", base_url=server.url) as api:
        for use in (use_list, use_media, use_confirm):
            with pytest.raises(SyncdError) as caught:
                use(api, Deadline(0.4))
            assert not [
                word for word in ("CANARY", "127.0.0.1", "api/", "Bearer") if word in str(caught.value)
            ]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl here to make a certificate")
def test_tls_fails_closed_and_a_private_ca_can_be_configured(tmp_path: Path) -> None:
    ours, foreign = (certificate(tmp_path, address) for address in ("IP:127.0.0.1", "DNS:other.example"))

    def reaches(server_certificate: Path, ca_file: Path | None) -> bool:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(server_certificate)
        with (
            Listener(lambda heard: [TOKEN_ANSWER], tls=context) as server,
            PitchYou("acme", "s", base_url=server.url, ca_file=ca_file) as api,
        ):
            with suppress(ApiUnavailable, DeadlineExceeded):  # it ends in a try, or in a wait
                use_token(api, Deadline(1.0))
            return bool(server.heard)

    assert not reaches(ours, None)  # nobody vouches for it
    assert not reaches(ours, foreign)  # somebody else does
    assert not reaches(foreign, foreign)  # it is another host's
    assert reaches(ours, ours)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl here to make a certificate")
def test_over_tls_a_body_that_does_not_say_where_it_ends_is_refused(tmp_path: Path) -> None:
    file = certificate(tmp_path, "IP:127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)

    def answers(heard: Heard) -> Iterable[bytes]:
        return [TOKEN_ANSWER] if "token" in heard.path else [b"HTTP/1.0 200 OK\r\n\r\n", b"half a file"]

    def fetched(tls: ssl.SSLContext | None) -> bytes:
        with (
            Listener(answers, tls=tls) as server,
            PitchYou("acme", "s", base_url=server.url, ca_file=file) as api,
        ):
            body = Gathered(100)
            api.media("p", "m", body, Deadline(5))
            return bytes(body.received)

    assert fetched(None) == b"half a file"  # plain HTTP cannot tell
    with pytest.raises(ApiUnavailable, match="where it ends") as caught:
        fetched(context)
    assert caught.value.kind == "truncated"


def certificate(folder: Path, address: str) -> Path:
    """A self-signed certificate with its key in one PEM file."""
    path = folder / f"{address.replace(':', '-')}.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ]
    command += ["-subj", "/CN=test", "-addext", f"subjectAltName={address}", "-days", "2"]
    subprocess.run([*command, "-keyout", path, "-out", f"{path}.crt"], check=True, capture_output=True)
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path
