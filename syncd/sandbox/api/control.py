"""Lets a test in another process control a running sandbox: /_sandbox/…, without a token, for loopback only."""

import json
from dataclasses import asdict
from importlib import resources
from typing import Any
from urllib.parse import parse_qs

from syncd.sandbox.api.endpoints import Call, World
from syncd.sandbox.api.replies import Reply, error_reply, json_reply
from syncd.sandbox.audit.store_audit import AuditUnavailable, audit_store
from syncd.sandbox.content.population import Population
from syncd.sandbox.faults import Fault, FaultBook, fault_from_mapping, parse_fault


def answer(world: World, faults: FaultBook, call: Call) -> Reply:
    """Answers a control request; with 400 and a sentence if the request is invalid."""
    name = call.path.removeprefix("/_sandbox/")
    if name == "stray":
        token = "with" if call.headers.get("Authorization") else "without"
        world.ledger.add_finding(f"a redirect to another origin was followed, {token} a token")
        return json_reply([])
    try:
        reply = _control(world, faults, f"{call.method} {name}", call)
    except (ValueError, KeyError, RecursionError) as error:
        return error_reply(400, str(error))
    return reply or error_reply(404, f"no control request {call.method} {call.path}")


def _control(world: World, faults: FaultBook, request: str, call: Call) -> Reply | None:
    if request == "GET ledger":
        return json_reply(world.ledger.summary())
    if request == "GET audit":
        return _audit(world)
    if request == "POST profiles":
        return _profiles(world, call)
    if request in ("PUT templates", "DELETE templates"):
        return _templates(world, call)
    if request == "GET openapi.json":
        return Reply(body=openapi_document())
    if request == "GET faults":
        return json_reply(faults.active())
    if request == "POST faults":
        for fault in read_faults(call.body):
            faults.add(fault)
        return json_reply(faults.active())
    if request == "DELETE faults":
        faults.clear()
        return json_reply([])
    if request == "DELETE tokens":
        world.tokens.revoke()
        return json_reply([])
    return None


def read_faults(body: bytes) -> list[Fault]:
    """Parses the faults in a request body: a JSON object or array of objects, or one fault per line as on the command line."""
    text = body.decode()
    if text.lstrip()[:1] in ("{", "["):
        parsed: Any = json.loads(text)
        return [fault_from_mapping(each) for each in (parsed if isinstance(parsed, list) else [parsed])]
    found = [parse_fault(line) for line in text.splitlines() if line.strip()]
    if not found:
        raise ValueError("the request names no fault")
    return found


def _profiles(world: World, call: Call) -> Reply:
    given = _given(call)
    population = _population(world, given.get("client"))
    if "add" in given:
        population.add(int(given["add"]))
    elif "change" in given:
        entries = population.find_text(given["change"])
        if not entries:
            raise KeyError(f"no profile {given['change']}")
        population.change(entries[0].profile_id, None, int(given.get("add_media", 0)), (), None)
    elif call.body:
        population.add_raw(call.body)
    else:
        raise ValueError("say add=N, change=PROFILE_ID, or send the bytes of one raw element")
    return json_reply({"profiles": len(population.entries())})


def _templates(world: World, call: Call) -> Reply:
    client = _population(world, _given(call).get("client")).tenant.client_id
    elements = json.loads(call.body) if call.method == "PUT" else None
    if call.method == "PUT" and not isinstance(elements, list):
        raise ValueError("the templates must be a JSON array")
    world.templates[client].replace(elements)
    return json_reply(world.templates[client].listed())


def openapi_document() -> bytes:
    """Returns the OpenAPI 3.1 document of the API that the article describes."""
    return resources.files("syncd.sandbox").joinpath("assets").joinpath("openapi.json").read_bytes()


def _given(call: Call) -> dict[str, str]:
    return {key: values[-1] for key, values in parse_qs(call.query).items()}


def _population(world: World, client: str | None) -> Population:
    name = client or world.config.client_id
    if name not in world.populations:
        raise KeyError(f"the sandbox has no client {name}")
    return world.populations[name]


def _audit(world: World) -> Reply:
    try:
        report = audit_store(world.config, world.populations, world.ledger)
    except AuditUnavailable as error:
        return error_reply(503, str(error))
    return json_reply({**asdict(report), "findings_so_far": list(world.ledger.findings)})
