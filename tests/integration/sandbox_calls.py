"""A small, correct client of the sandbox, for the sandbox's own tests."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import quote

import httpx

from syncd.sandbox import Sandbox, SandboxConfig


class Calls:
    """Makes the calls of the article as one client with one token."""

    def __init__(self, sandbox: Sandbox, client: str = "acme", secret: str = "sandbox-secret") -> None:
        self.client, self.secret = client, secret
        self.http = httpx.Client(base_url=sandbox.url, trust_env=False, timeout=5)
        self.http.headers["Authorization"] = f"Bearer {self.token()}"

    def token(self) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client,
            "client_secret": self.secret,
        }
        answer = self.http.post("/token", data=form)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def list_profiles(self) -> httpx.Response:
        return self.http.get("/api/applicant/v1/profiles")

    def profiles(self) -> list[dict[str, Any]]:
        answer = self.list_profiles()
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()
        return found

    def ids(self) -> list[Any]:
        return [profile["profileId"] for profile in self.profiles()]

    def media(self, profile_id: Any, media_id: Any) -> httpx.Response:
        return self.http.get(
            f"/api/media/v1/download/{quote(str(profile_id), safe='')}/{quote(str(media_id), safe='')}"
        )

    def confirm(self, body: Any) -> httpx.Response:
        return self.http.post("/api/applicant/v1/confirm", json=body)

    def chat_token(self, profile_id: Any, recruiter: str | None = None) -> str:
        asked = {"profileId": profile_id, "recruiterName": recruiter}
        answer = self.http.post("/api/chattoken/v1", json=asked)
        assert answer.status_code == 200, answer.text
        return str(answer.json())


@contextmanager
def calling(**switches: Any) -> Iterator[tuple[Sandbox, Calls]]:
    """Starts a sandbox with these options, and yields it with a client that has a token."""
    switches.setdefault("profiles", 10)
    with Sandbox(SandboxConfig(**switches)) as sandbox:
        calls = Calls(sandbox, sandbox.config.client_id, sandbox.config.client_secret)
        with closing(calls.http):
            yield sandbox, calls


def media_of(profile: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Returns every media entry of a profile."""
    for held in (
        profile.get("cv"),
        profile.get("profileImage"),
        *(s.get("attachments") for s in profile["steps"]),
    ):
        yield from held if isinstance(held, list) else [held] if held else []
