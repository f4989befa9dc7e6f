"""Implements the endpoints of the article. Each takes a request, has its effect, and returns the answer."""

import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from syncd.sandbox.api.chats import Chat, Chats
from syncd.sandbox.api.replies import OCTETS, Reply, error_reply, json_reply
from syncd.sandbox.api.templates import Templates
from syncd.sandbox.api.tokens import Tokens, read_body
from syncd.sandbox.audit.store_audit import AuditUnavailable, audit_confirm
from syncd.sandbox.config import SandboxConfig
from syncd.sandbox.content.population import Entry, Population
from syncd.sandbox.content.profiles import share_of
from syncd.sandbox.ledger import Confirm, Ledger, MediaKey

_MEDIA_PREFIX = "/api/media/v1/download/"
_ROUTES = {
    ("POST", "/token"): "token",
    ("GET", "/api/jobtemplates/v1/gettemplates"): "templates",
    ("GET", "/api/applicant/v1/profiles"): "profiles",
    ("POST", "/api/applicant/v1/confirm"): "confirm",
    ("POST", "/api/chattoken/v1"): "chat",
}


@dataclass(frozen=True)
class Call:
    """A request as the endpoints see it; `path` is still percent-encoded, and without the query."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""
    query: str = ""


@dataclass
class World:
    """The state that all endpoints share: the options, the clients' applications, the tokens, chats and the ledger."""

    config: SandboxConfig
    populations: dict[str, Population]
    ledger: Ledger
    tokens: Tokens = field(init=False)
    templates: dict[str, Templates] = field(init=False)
    chats: Chats = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = Tokens(self.config, self.ledger)
        self.templates = {client: Templates(self.config) for client in self.populations}
        self.chats = Chats()


def route(method: str, path: str) -> tuple[str, str] | None:
    """Returns the endpoint's name and path template, or None if the article has no such call."""
    name = _ROUTES.get((method, path))
    if name:
        return name, path
    if method == "GET" and path.startswith(_MEDIA_PREFIX) and path.count("/") == 6:
        return "media", _MEDIA_PREFIX + "{profileId}/{mediaId}"
    return None


def media_key(client: str, path: str) -> MediaKey:
    """Returns the key of the file in a download path, with decoded ids."""
    profile, media = path.removeprefix(_MEDIA_PREFIX).split("/")
    return client, unquote(profile), unquote(media)


def answer(world: World, name: str, call: Call) -> Reply:
    """Runs the endpoint and returns its answer."""
    if name == "token":
        return world.tokens.answer(call.headers, call.body)
    client = world.tokens.client_of(call.headers.get("Authorization"))
    if client is None:
        return error_reply(401, "no token, or it has expired", {"WWW-Authenticate": "Bearer"})
    if name == "media":
        return _media(world, client, call)
    if name == "profiles":
        return _profiles(world, client)
    if name == "confirm":
        return _confirm(world, client, call)
    if name == "chat":
        return _chat(world, client, call)
    return json_reply(world.templates[client].listed())


def _profiles(world: World, client: str) -> Reply:
    population = world.populations[client]
    listed = population.to_list()
    number = world.ledger.add_list(client, len(listed))
    signature = secrets.token_hex(8)

    def finish(_: bytes) -> None:
        population.mark_taken(listed)
        world.ledger.finish_list(number)

    length = None
    if world.config.list_transfer == "length":
        length = sum(map(len, _array(population, listed, signature)))
    pieces = _array(population, listed, signature, mark=True)
    return Reply(body=pieces, length=length, pieces=len(listed) + 2, before_end=finish)


def _array(
    population: Population, listed: list[tuple[Entry, int]], signature: str, *, mark: bool = False
) -> Iterator[bytes]:
    yield b"["
    separator = b""
    for entry, version in listed:
        if mark:
            population.mark_listed(entry, version)
        yield separator + population.encode(entry, version, signature)
        separator = b","
    yield b"]"


def _media(world: World, client: str, call: Call) -> Reply:
    config, key = world.config, media_key(client, call.path)
    population = world.populations[client]
    body = population.media(key[1], key[2])
    if body is None:
        return error_reply(404, "no such file")
    confirmed = all(entry.confirmed >= entry.version for entry in population.find_text(key[1]))
    if confirmed and not config.media_after_confirm:
        return error_reply(404, "the profile was confirmed, its files are gone")
    if is_gone(config, key):
        return error_reply(config.media_gone_status, "the file was erased")
    if share_of(config.seed, "late", *key) < config.media_late:
        before = world.ledger.media.get(key)
        if before is None or before.requests < config.media_late_tries:
            return error_reply(404, "the file is not there yet")
    return Reply(
        body=body,
        content_type=OCTETS,
        before_end=lambda sent: world.ledger.add_media_bytes(key, sent),
    )


def is_gone(config: SandboxConfig, key: MediaKey) -> bool:
    """Says whether the sandbox always answers 404 or 410 for this file."""
    return share_of(config.seed, "gone", *key) < config.media_gone


def _confirm(world: World, client: str, call: Call) -> Reply:
    ids = _confirm_ids(call.body, world.config.confirm_wrapper)
    if ids is None:
        wrapper = world.config.confirm_wrapper
        wanted = f'an object with the array "{wrapper}"' if wrapper else "a bare array of profileIds"
        world.ledger.add_confirm(Confirm(client, (), 400))
        return error_reply(400, f"the confirm must be {wanted}")
    population = world.populations[client]
    try:
        findings = audit_confirm(world.config, population, world.ledger, ids)
    except AuditUnavailable as error:
        return error_reply(
            503, f"not confirmed, the audit cannot read the store: {error}", {"Retry-After": "1"}
        )
    status = _confirm_status(world.config, population, ids)
    world.ledger.add_confirm(Confirm(client, tuple(ids), status, tuple(findings)))
    if status != 200:
        return error_reply(status, "the array contains an id that cannot be confirmed; nothing was confirmed")
    for each in ids:
        population.confirm(each)
    return json_reply({"confirmed": len(ids)})


def _confirm_ids(body: bytes, wrapper: str | None) -> list[Any] | None:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if wrapper is not None:
        parsed = parsed.get(wrapper) if isinstance(parsed, dict) and len(parsed) == 1 else None
    return parsed if isinstance(parsed, list) else None


def _confirm_status(config: SandboxConfig, population: Population, ids: list[Any]) -> int:
    if any(str(each) in config.bad_confirm_ids for each in ids):
        return config.confirm_bad_status
    found = [population.find(each) for each in ids]
    if config.confirm_strict and not all(found):
        return 404
    again = config.confirm_again_status
    if again and any(entries and entries[-1].confirmed >= entries[-1].version for entries in found):
        return again
    return 200


def _chat(world: World, client: str, call: Call) -> Reply:
    given = read_body(call.headers, call.body, world.config.chat_format)
    if given is None:
        return error_reply(400, f"the chat token request must have a {world.config.chat_format} body")
    profile = given.get("profileId")
    if not profile:
        return error_reply(400, "profileId is missing")
    if not world.populations[client].find_text(profile):
        return error_reply(404, "no such profile")
    recruiter = given.get("recruiterName")
    world.ledger.add_chat(client, profile, recruiter)
    token = world.chats.open(Chat(client, profile, recruiter))
    if world.config.chat_answer == "text":
        return Reply(body=token.encode(), content_type="text/plain; charset=utf-8")
    return json_reply(token)
