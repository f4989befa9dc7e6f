"""A file that is redirected elsewhere, and secrets on whose encoding servers differ (ADR 29, 32)."""

import base64
from pathlib import Path

import pytest

from syncd.errors import ApiRefused, AuthenticationFailed
from syncd.model import Outcome
from syncd.pitchyou import PitchYou, TokenAuth
from tests.integration.listener import Heard, Listener, reply
from tests.integration.scripted import TOKEN_ANSWER, listing, logged, scripted

FILES = {"profileId": "P", "steps": [], "cv": [{"mediaId": "moved"}, {"mediaId": "here"}]}
SECRETS = ["a+b", "50%", "a:b", "schlüssel", "a b", "a&b=c", "%41", "a/b", "ordinary-1_2.3~"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_file_that_is_redirected_is_left_at_pitchyou_with_a_warning_and_holds_up_no_other(
    status: int, database_url: str, tmp_path: Path
) -> None:
    with Listener() as storage:
        moved = reply(status=f"{status} Moved", Location=f"{storage.url}/signed?sig=1")
        media = [moved, reply(b"the file")]
        with scripted(
            database_url, tmp_path / "m", [listing(FILES)], media=media, media_concurrency=1
        ) as script:
            (warned,) = logged("media_redirected", script.scene.cycle)
            assert warned["error"] == f"http_{status}"
            rows = script.scene.rows("SELECT state, last_error FROM ats.media ORDER BY state")
            assert [tuple(row.values()) for row in rows] == [("pending", f"http_{status}"), ("stored", None)]
            assert script.confirms == []
            assert script.scene.value("SELECT outcome FROM ops.cycle") == Outcome.PARTIAL.value
            script.scene.execute("UPDATE ats.media SET next_attempt_at = now()")
            assert script.scene.cycle().outcome is Outcome.OK
            assert script.confirms == [["P"]]
        assert storage.connections == 0


def test_a_redirected_token_request_is_not_called_a_refusal_of_the_credentials() -> None:
    with Listener() as target:
        answer = reply(status="302 Found", Location=f"{target.url}/token")
        with (
            Listener(lambda heard: [answer]) as listener,
            PitchYou("acme", "s", base_url=listener.url) as api,
        ):
            with pytest.raises(ApiRefused, match="redirects are not followed"):
                api.authenticate()
            assert len(listener.heard) == 1
        assert target.connections == 0


@pytest.mark.parametrize("secret", SECRETS)
def test_basic_raw_sends_the_secret_as_it_is(secret: str) -> None:
    with Listener(lambda heard: [TOKEN_ANSWER]) as listener:
        with PitchYou("acme", secret, base_url=listener.url, token_auth="basic_raw") as api:
            api.authenticate()
        (heard,) = listener.heard
    assert credentials(heard) == f"acme:{secret}"
    assert heard.body == b"grant_type=client_credentials"


@pytest.mark.parametrize(("auth", "other"), [("basic", "basic_raw"), ("basic_raw", "basic")])
@pytest.mark.parametrize("secret", SECRETS)
def test_a_refused_secret_on_whose_encoding_servers_differ_says_what_to_try(
    secret: str, auth: TokenAuth, other: TokenAuth
) -> None:
    def answer(heard: Heard) -> list[bytes]:
        return [TOKEN_ANSWER if credentials(heard) in accepted else reply(status="401 Unauthorized")]

    accepted: set[str] = set()
    with Listener(answer) as listener:
        api = PitchYou("acme", secret, base_url=listener.url, token_auth=auth)
        with api, pytest.raises(AuthenticationFailed) as caught:
            api.authenticate()
        hint = f'token_auth = "{other}"'
        assert (hint in str(caught.value)) is (secret != SECRETS[-1])
        assert secret not in str(caught.value)
        # Only one attempt: some servers lock an account after a few.
        assert len(listener.heard) == 1
        with PitchYou("acme", secret, base_url=listener.url, token_auth=other) as api:
            with pytest.raises(AuthenticationFailed):
                api.authenticate()
            accepted.add(credentials(listener.heard[-1]))
            api.authenticate()


def credentials(heard: Heard) -> str:
    return base64.b64decode(heard.headers["authorization"].split()[1]).decode()
