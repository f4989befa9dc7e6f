"""What the Python client refuses before it sends anything: as the settings do, and what would confirm nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from syncd.errors import BadInput
from syncd.pitchyou import PitchYou
from tests.integration.listener import Heard, Listener, reply


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"base_url": "http://api.pitchyou.de"}, "base_url would send the secret unencrypted"),
        ({"base_url": "HTTP://10.0.0.1:8080"}, "base_url would send the secret unencrypted"),
        ({"base_url": "http://127.0.0.1.example"}, "base_url would send the secret unencrypted"),
        ({"base_url": "api.pitchyou.de"}, "base_url is not a valid URL"),
        ({"base_url": "https://user:pw@api.pitchyou.de"}, "base_url contains a user or password"),
        ({"client_secret": ""}, "client_secret is empty"),
        ({"client_secret": "a\nb"}, "client_secret contains a line break"),
        ({"client_secret": None}, "client_secret is not a text"),
        ({"client_id": ""}, "client_id '' is not valid"),
        ({"client_id": "a.b"}, "client_id 'a.b' is not valid"),
    ],
)
def test_client_refuses_what_the_settings_refuse(arguments: dict[str, Any], told: str) -> None:
    good: dict[str, Any] = {"client_id": "acme", "client_secret": "s3cr3t-value"}
    with pytest.raises(BadInput, match=told) as caught:
        PitchYou(**(good | arguments))
    assert "s3cr3t-value" not in str(caught.value)


def test_all_wrong_arguments_are_told_at_once() -> None:
    with pytest.raises(BadInput) as caught:
        PitchYou("A", "", base_url="http://x.example")
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    "base_url", ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "https://x.example"]
)
def test_loopback_and_https_are_accepted(base_url: str) -> None:
    PitchYou("acme", "secret", base_url=base_url).close()


@pytest.mark.parametrize(
    "wire_ids",
    [
        '"P-1"', "17", b'"P-1"', ["P-1"], ["'P-1'"], [""], ['""'], ["1.5"], ["true"], ["null"], ['["P-1"]'], ["{}"],
        [17], [None], [b'"P-1"'], ['"P-1"', "P-2"], ['"P-1","P-2"'], ["NaN"], ["[" * 100_000],
    ],
)  # fmt: skip
def test_a_confirm_of_what_is_no_id_is_refused_before_anything_is_sent(wire_ids: Any) -> None:
    with Listener() as listener, PitchYou("acme", "secret", base_url=listener.url) as api:
        with pytest.raises(BadInput):
            api.confirm(wire_ids)
        assert api.calls == 0


def test_ids_from_a_generator_are_all_confirmed() -> None:
    def answer(heard: Heard) -> Iterable[bytes]:
        return [
            reply(
                b'{"access_token": "t"}' if heard.path == "/token" else b"", Content_Type="application/json"
            )
        ]

    with Listener(answer, answers=2) as listener, PitchYou("acme", "secret", base_url=listener.url) as api:
        api.confirm(wire_id for wire_id in ('"P-1"', "17"))  # type: ignore[arg-type]  # as a careless caller does
        assert listener.heard[-1].body == b'["P-1",17]'
