"""A proxy for all clients or for one: what is accepted, whose credentials go where, and what is said otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncd.cli.wiring import proxy_of
from syncd.errors import ConfigurationError
from syncd.pitchyou import Proxy
from syncd.settings import Settings, load_settings

BASE = {
    "SYNCD_DATABASE__URL": "postgresql://u@h/db",
    "SYNCD_CLIENT_ID": "acme",
    "SYNCD_CLIENT_SECRET": "geheim",
}


def load(**environ: str) -> Settings:
    return load_settings(None, BASE | environ, need_media=False)


def proxy(**environ: str) -> Proxy | None:
    settings = load(**environ)
    return proxy_of(settings.sync, settings.clients[0])


def test_without_a_proxy_there_is_none_whatever_the_environment_says() -> None:
    assert proxy(HTTPS_PROXY="http://other:1", ALL_PROXY="http://other:1") is None
    assert proxy(SYNCD_PROXY="") is None


def test_a_clients_own_proxy_comes_before_that_of_all_and_gets_no_credentials_but_its_own(
    tmp_path: Path,
) -> None:
    (tmp_path / "credentials").write_text("u:p\n")
    (tmp_path / "credentials").chmod(0o600)
    common = {
        "SYNCD_SYNC__PROXY": "http://Common:3128/",
        "SYNCD_SYNC__PROXY_CREDENTIALS_FILE": str(tmp_path / "credentials"),
    }
    assert proxy(**common) == Proxy("http://common:3128", "u:p")
    own = {"SYNCD_PROXY": "https://own:8080"}
    assert proxy(**common, **own) == Proxy("https://own:8080")
    assert proxy(**common, **own, SYNCD_PROXY_CREDENTIALS="me:secret") == Proxy(
        "https://own:8080", "me:secret"
    )


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"SYNCD_PROXY": "proxy:3128"}, "write http://HOST:PORT"),
        ({"SYNCD_PROXY": "socks5://proxy:1080"}, "write http://HOST:PORT"),
        ({"SYNCD_PROXY": "http://proxy"}, "write http://HOST:PORT"),
        ({"SYNCD_PROXY": "http://proxy:3128/path"}, "write http://HOST:PORT"),
        ({"SYNCD_PROXY": "http://u:CANARY@proxy:3128"}, "proxy_credentials_file"),
        ({"SYNCD_PROXY_CREDENTIALS": "u:CANARY"}, "set both or none"),
        ({"SYNCD_PROXY": "http://proxy:3128", "SYNCD_PROXY_CREDENTIALS": "CANARY"}, "USER:PASSWORD"),
        (
            {"SYNCD_SYNC__PROXY": "http://proxy:1", "SYNCD_SYNC__PROXY_CREDENTIALS_FILE": "/nowhere/x"},
            "cannot be read",
        ),
    ],
)
def test_what_cannot_be_used_is_said_with_its_key_and_without_a_secret(
    environ: dict[str, str], said: str
) -> None:
    with pytest.raises(ConfigurationError, match="proxy") as caught:
        load(**environ)
    assert said in str(caught.value)
    assert "CANARY" not in str(caught.value)


def test_credentials_are_not_shown() -> None:
    settings = load(SYNCD_PROXY="http://proxy:3128", SYNCD_PROXY_CREDENTIALS="u:CANARY")
    assert "CANARY" not in repr(settings)
