"""Where the web server listens, and where heartbeats go: what is accepted, what is refused, and what is never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncd.bind import host_and_port, reachable
from syncd.cli.health import DEFAULT
from syncd.cli.serving import heartbeat_targets, site_of
from syncd.errors import ConfigurationError
from syncd.pitchyou import Proxy
from syncd.settings import Settings, WebSettings, load_settings
from syncd.web.heartbeat import Target

BASE = {
    "SYNCD_DATABASE__URL": "postgresql://u:CANARY@h/db",
    "SYNCD_CLIENT_ID": "acme",
    "SYNCD_CLIENT_SECRET": "geheim",
}


def load(**environ: str) -> Settings:
    return load_settings(None, BASE | environ, need_media=False)


def test_health_asks_where_the_settings_let_the_daemon_listen() -> None:
    assert WebSettings().bind == DEFAULT
    assert host_and_port("[::1]:80") == ("::1", 80)
    assert reachable("0.0.0.0:8080") == ("127.0.0.1", 8080)
    assert reachable("[::]:8080") == ("::1", 8080)
    assert reachable("10.0.0.7:8080") == ("10.0.0.7", 8080)


def test_any_address_may_be_listened_on() -> None:
    assert load(SYNCD_WEB__BIND="0.0.0.0:8080").web.bind == "0.0.0.0:8080"
    assert load(SYNCD_WEB__BIND="").web.bind == ""


def test_the_token_is_read_and_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("CANARY\n")
    file.chmod(0o600)
    web = load(SYNCD_WEB__TOKEN_FILE=str(file)).web
    assert web.token is not None
    assert web.token.reveal() == "CANARY"
    assert "CANARY" not in repr(web)


def test_each_installation_has_a_name_of_its_own_that_tells_nothing() -> None:
    one, same = load(), load(SYNCD_DATABASE__URL="postgresql://u:other@h/db")
    others = load(SYNCD_MEDIA__ROOT="/elsewhere"), load(SYNCD_DATABASE__URL="postgresql://u@h/other")
    assert site_of(one) == site_of(same)
    assert len({site_of(each) for each in (one, *others)}) == 3


def test_a_clients_own_heartbeat_comes_before_that_of_all_and_goes_the_clients_way() -> None:
    assert heartbeat_targets(load()) == {}
    common = {
        "SYNCD_SYNC__HEARTBEAT_URL": "https://alive.example/{client_id}?k=CANARY",
        "SYNCD_SYNC__PROXY": "http://proxy:3128",
    }
    expected = Target("https://alive.example/acme?k=CANARY", Proxy("http://proxy:3128"))
    assert heartbeat_targets(load(**common)) == {"acme": expected}
    own = {"SYNCD_HEARTBEAT_URL": "http://127.0.0.1:9/x"}
    assert heartbeat_targets(load(**common, **own)) == {"acme": Target("http://127.0.0.1:9/x")}
    assert "CANARY" not in repr(load(**common)) + repr(heartbeat_targets(load(**common)))


@pytest.mark.parametrize(
    "url",
    [
        "http://alive.example/CANARY",
        "ftp://alive.example/CANARY",
        "https:///CANARY",
        "https://u:CANARY@alive.example/x",
        "https://{client_id}.example/CANARY",
        "https://alive.example/CANARY#x",
        "https://alive.example/CANARY {x}",
        "CANARY",
    ],
)
def test_what_cannot_be_requested_safely_is_refused_and_not_shown(url: str) -> None:
    for variable in ("SYNCD_HEARTBEAT_URL", "SYNCD_SYNC__HEARTBEAT_URL"):
        with pytest.raises(ConfigurationError, match="heartbeat_url") as caught:
            load(**{variable: url})
        assert "CANARY" not in str(caught.value)
