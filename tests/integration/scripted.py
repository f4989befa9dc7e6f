"""A PitchYou that answers as a test says, for answers that the sandbox cannot give, with a database behind the client."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from syncd.pitchyou import PitchYou
from tests.integration.listener import Heard, Listener, reply
from tests.integration.settling import CONFIRM, LIST
from tests.scene import Scene, scene
from tests.unit.log_lines import lines

TOKEN_ANSWER = reply(b'{"access_token":"t","expires_in":3600}', Content_Type="application/json")
CONFIRMED = reply(b"{}", Content_Type="application/json")

# The bytes of a response, or a function that makes them when the request comes.
Scripted = bytes | Callable[[], bytes]


def listing(*profiles: dict[str, Any] | bytes, status: str = "200 OK", **headers: Any) -> bytes:
    """Returns a response with a list of these profiles."""
    elements = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in profiles]
    return reply(b"[%b]" % b",".join(elements), status=status, Content_Type="application/json", **headers)


def logged(event: str, do: Callable[[], object]) -> list[dict[str, Any]]:
    """Runs `do` and returns the events of this name that it logs."""
    found = [json.loads(line) for line in lines("json", "info", lambda _: do())]
    return [each for each in found if each["event"] == event]


@dataclass
class Script:
    """What a scripted PitchYou was asked, with the scene whose client asks it."""

    scene: Scene
    listener: Listener

    @property
    def confirms(self) -> list[list[Any]]:
        """The ids of each confirm, in order."""
        return [json.loads(heard.body) for heard in self.listener.requests(CONFIRM)]


@contextmanager
def scripted(
    database_url: str,
    media_root: Path,
    lists: Sequence[Scripted],
    *,
    media: Sequence[Scripted] = (),
    confirms: Sequence[Scripted] = (CONFIRMED,),
    api: dict[str, Any] | None = None,
    **plan: Any,
) -> Iterator[Script]:
    """Sets up a client whose PitchYou gives these responses in order, and then the last one of each kind again."""
    answers = {
        kind: list(given) for kind, given in (("list", lists), ("media", media), ("confirm", confirms))
    }

    def answer(heard: Heard) -> list[bytes]:
        if heard.path == "/token":
            return [TOKEN_ANSWER]
        kind = {LIST: "list", CONFIRM: "confirm"}.get(heard.path, "media")
        left = answers[kind]
        given = left.pop(0) if len(left) > 1 else left[0]
        return [given if isinstance(given, bytes) else given()]

    with (
        scene(database_url, media_root, **plan) as s,
        Listener(answer) as listener,
        PitchYou("acme", "secret", base_url=listener.url, **(api or {})) as client,
    ):
        yield Script(replace(s, client=replace(s.client, api=client)), listener)
