"""The OpenAPI document is valid, and every answer of the sandbox, in every reading, is as it says."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from jsonschema import Draft202012Validator, ValidationError
from openapi_spec_validator import validate
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from syncd.sandbox import Fault, Sandbox, SandboxConfig
from syncd.sandbox.api.control import openapi_document
from tests.integration.sandbox_calls import calling, media_of

DOCUMENT = json.loads(openapi_document())
REGISTRY: Registry[Any] = Registry().with_resource("urn:api", DRAFT202012.create_resource(DOCUMENT))

READINGS: list[dict[str, Any]] = [
    {},
    {"descriptions": "list", "id_type": "integer", "media_fields": "array", "download_uri": "absolute"},
    {"descriptions": "map", "id_type": "guid", "answer_kinds": "text", "download_uri": "elsewhere"},
    {"chat_answer": "text", "id_type": "reserved", "signed_uris": True, "token_lifetime": None},
    {"chat_format": "form", "expires_in_string": True, "list_transfer": "length"},
    {"confirm_wrapper": "profileIds", "media_gone": 1.0, "media_gone_status": 410},
    {"token_auth": "basic", "token_format": "json"},
]


def check(template: str, answer: httpx.Response) -> None:
    """Raises when the status or the content type is not in the document, or the body is not as its schema says."""
    method = answer.request.method.lower()
    responses = DOCUMENT["paths"][template][method]["responses"]
    known = responses.get(str(answer.status_code)) or responses[f"{answer.status_code // 100}XX"]
    if "$ref" in known:
        known = DOCUMENT["components"]["responses"][known["$ref"].rpartition("/")[2]]
    kind = answer.headers["content-type"].partition(";")[0]
    body = answer.json() if kind == "application/json" else answer.text
    validator(known["content"][kind].get("schema", {})).validate(body)


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    absolute = json.loads(json.dumps(schema).replace('"#/', '"urn:api#/'))
    return Draft202012Validator(absolute, registry=REGISTRY)


def test_the_document_is_valid_openapi_and_its_examples_are_as_it_says() -> None:
    validate(DOCUMENT)
    for schema in DOCUMENT["components"]["schemas"].values():
        for example in schema.get("examples", ()):
            validator(schema).validate(example)


def test_the_document_is_served_by_the_sandbox() -> None:
    with calling() as (_, calls):
        answer = calls.http.get("/_sandbox/openapi.json")
        assert answer.headers["content-type"].startswith("application/json")
        assert answer.json() == DOCUMENT


@pytest.mark.parametrize("reading", READINGS, ids=lambda reading: "-".join(reading) or "default")
def test_every_answer_in_every_reading_is_as_the_document_says(reading: dict[str, Any]) -> None:
    config = SandboxConfig(profiles=30, media_per_profile=2, media_late=0.1, **reading)
    with Sandbox(config) as sandbox, httpx.Client(base_url=sandbox.url, trust_env=False) as http:
        statuses: dict[str, set[int]] = {}
        for template, answer in (
            *refused(http),
            *asked_for_a_token(http, config),
            *answered(http, config),
            *visited(http),
        ):
            check(template, answer)
            statuses.setdefault(template, set()).add(answer.status_code)
    media = {401, 404, 410} if config.media_gone else {200, 401, 404}
    assert statuses == {
        "/token": {200, 400, 401},
        "/api/jobtemplates/v1/gettemplates": {200, 401},
        "/api/applicant/v1/profiles": {200, 401},
        "/api/media/v1/download/{profileId}/{mediaId}": media,
        "/api/applicant/v1/confirm": {200, 400, 401},
        "/api/chattoken/v1": {200, 400, 401, 404},
        "/go/{external_job_id}": {200, 404},
        "/{token}": {200, 404},
    }


def refused(http: httpx.Client) -> Iterator[tuple[str, httpx.Response]]:
    for template, methods in DOCUMENT["paths"].items():
        if template.startswith("/api/"):
            for method in methods:
                yield template, http.request(method, template.format(profileId="P", mediaId="M"))
    yield "/token", http.post("/token", content=b"nonsense")


def asked_for_a_token(http: httpx.Client, config: SandboxConfig) -> Iterator[tuple[str, httpx.Response]]:
    for secret in ("wrong", config.client_secret):
        fields = {"grant_type": "client_credentials"}
        credentials = {"client_id": config.client_id, "client_secret": secret}
        if config.token_auth == "basic":
            sent = {**in_the_body(config.token_format, fields), "auth": tuple(credentials.values())}
        else:
            sent = in_the_body(config.token_format, fields | credentials)
        answer = http.post("/token", **sent)
        yield "/token", answer
    http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"


def answered(http: httpx.Client, config: SandboxConfig) -> Iterator[tuple[str, httpx.Response]]:
    yield "/api/jobtemplates/v1/gettemplates", http.get("/api/jobtemplates/v1/gettemplates")
    listed = http.get("/api/applicant/v1/profiles")
    yield "/api/applicant/v1/profiles", listed
    ids = [profile["profileId"] for profile in listed.json()]
    for profile in listed.json():
        for entry in media_of(profile):
            key = f"{quote(str(profile['profileId']), safe='')}/{quote(str(entry['mediaId']), safe='')}"
            yield (
                "/api/media/v1/download/{profileId}/{mediaId}",
                http.get(f"/api/media/v1/download/{key}"),
            )
    yield "/api/media/v1/download/{profileId}/{mediaId}", http.get("/api/media/v1/download/P/M")
    for body in ({config.confirm_wrapper: ids} if config.confirm_wrapper else ids, 7):
        yield "/api/applicant/v1/confirm", http.post("/api/applicant/v1/confirm", json=body)
    for asked in ({"profileId": ids[0], "recruiterName": "Frau Jäger"}, {"profileId": "unknown"}, {"a": "b"}):
        answer = http.post("/api/chattoken/v1", **in_the_body(config.chat_format, asked))
        yield "/api/chattoken/v1", answer
        if answer.status_code == 200:
            token = answer.text if config.chat_answer == "text" else answer.json()
            yield "/{token}", http.get(f"/chat/{token}")


def visited(http: httpx.Client) -> Iterator[tuple[str, httpx.Response]]:
    yield "/{token}", http.get("/chat/unknown")
    for query in ("?jkey=azubi&title=Azubi", "?jkey=unknown"):
        yield "/go/{external_job_id}", http.get(f"/go/AZ-1{query}", headers={"Host": "acme.pitchyou.de"})


def in_the_body(kind: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {"json": fields} if kind == "json" else {"data": fields}


@pytest.mark.parametrize(
    ("template", "element"),
    [
        ("/api/applicant/v1/profiles", {"steps": []}),
        ("/api/applicant/v1/profiles", {"profileId": 1.5}),
        ("/api/applicant/v1/profiles", {"profileId": "P", "steps": {}}),
        ("/api/applicant/v1/profiles", {"profileId": "P", "cv": {"mediaId": "M"}}),
        ("/api/applicant/v1/profiles", {"profileId": "P", "utmSource": 7}),
        ("/api/jobtemplates/v1/gettemplates", {"descriptions": "no key"}),
        ("/api/jobtemplates/v1/gettemplates", {"templateKey": "k", "descriptions": 7}),
    ],
)
def test_an_answer_that_is_not_as_the_document_says_is_refused(template: str, element: Any) -> None:
    with calling(profiles=0) as (sandbox, calls):
        sandbox.put_raw_profile(json.dumps(element).encode())
        sandbox.set_templates([element])
        with pytest.raises(ValidationError):
            check(template, calls.http.get(template))


def test_an_undocumented_status_or_content_type_is_refused() -> None:
    with calling() as (sandbox, calls):
        for fault in ("status", "html"):
            sandbox.inject(Fault("profiles", fault))
            with pytest.raises(KeyError):
                check("/api/applicant/v1/profiles", calls.list_profiles())
