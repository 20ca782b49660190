"""The description is complete, says of each call what it takes, and what is answered is as it says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp import web
from desk_rehearsal import APPROVAL, HASH, SESSION, DeskRehearsal, file_url

from adapters.api.adapter import ROUTES, mount
from adapters.api.openapi import PATH, document
from adapters.api.render import written
from adapters.api.route import Route
from storage.approvals import Decided
from storage.desk import Handled

DESCRIPTION: dict[str, Any] = json.loads(written(document(ROUTES)))
# The words of JSON Schema that are used; a schema with another one would not be checked by `misfits`.
WORDS = {
    "type",
    "enum",
    "const",
    "not",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "format",
    "description",
    "$ref",
}
TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}
EVERY = pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")


def misfits(value: Any, schema: dict[str, Any], at: str = "$") -> Iterator[str]:
    """Where a value is not as its schema says."""
    assert schema.keys() <= WORDS, schema
    if "$ref" in schema:
        schema = DESCRIPTION["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    fits = [isinstance(value, TYPES[kind]) and (kind == "boolean" or value is not True) for kind in kinds]
    if kinds and not any(fits):
        yield f"{at} is no {kinds}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at} is none of {schema['enum']}"
    if "not" in schema and not list(misfits(value, schema["not"], at)):
        yield f"{at} is excluded"
    if "const" in schema and value != schema["const"]:
        yield f"{at} is not {schema['const']}"
    if isinstance(value, str):
        yield from _text_misfits(value, schema, at)
    if isinstance(value, int) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{at} is out of range"
    if isinstance(value, dict):
        known = schema.get("properties", {})
        yield from (f"{at} lacks {name}" for name in schema.get("required", ()) if name not in value)
        if schema.get("additionalProperties") is False:
            yield from (f"{at} has {name}" for name in value.keys() - known.keys())
        for name in value.keys() & known.keys():
            yield from misfits(value[name], known[name], f"{at}.{name}")
    if isinstance(value, list) and "items" in schema:
        for each in value:
            yield from misfits(each, schema["items"], f"{at}[]")


def _text_misfits(value: str, schema: dict[str, Any], at: str) -> Iterator[str]:
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{at} does not match"
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        yield f"{at} has another length"
    match schema.get("format"):
        case "uuid":
            UUID(value)
        case "date-time":
            assert datetime.fromisoformat(value).tzinfo is not None


def operations() -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method.upper(), path): operation
        for path, methods in DESCRIPTION["paths"].items()
        for method, operation in methods.items()
    }


def test_what_is_described_is_what_is_served() -> None:
    app = web.Application()
    mount(app, DeskRehearsal(), file_url)
    served = {
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.resource is not None and route.method not in ("HEAD", "*")
    }
    assert served == set(operations())


async def test_anybody_may_read_the_description(nobody: Any) -> None:
    status, shown = await nobody("GET", PATH.removeprefix("/api/v1/"))
    assert (status, shown) == (200, DESCRIPTION)
    assert shown["openapi"] == "3.1.0"
    assert shown["info"].keys() >= {"title", "version"}


def test_every_reference_leads_somewhere_and_every_schema_is_used() -> None:
    named = set(re.findall(r'"\$ref":\s*"#/components/schemas/(\w+)"', json.dumps(DESCRIPTION)))
    assert named == set(DESCRIPTION["components"]["schemas"])


def test_every_operation_has_its_own_name_and_says_who_may_call_it() -> None:
    names = [operation["operationId"] for operation in operations().values()]
    assert len(names) == len(set(names))
    assert all(operation["summary"].endswith(".") for operation in operations().values())
    open_to_all = [place for place, operation in operations().items() if operation.get("security") == []]
    assert open_to_all == [("GET", PATH)]
    [scheme] = DESCRIPTION["security"][0]
    assert DESCRIPTION["components"]["securitySchemes"][scheme]["scheme"] == "bearer"


@EVERY
def test_the_parameters_of_a_path_are_all_described(route: Route) -> None:
    described = operations()[route.method, route.path].get("parameters", [])
    in_path = {each["name"] for each in described if each["in"] == "path"}
    assert in_path == set(re.findall(r"\{(\w+)\}", route.path))
    assert {each["name"] for each in described if each["in"] == "query"} == {
        each.name for each in route.query
    }
    assert all(each["schema"].keys() <= WORDS for each in described)


SAMPLES: dict[str, list[Any]] = {
    "id": ["m1", "", "a b", "é", "x" * 128, "x" * 129, 5, None],
    "key": ["k", "", "x" * 129, 5],
    "text": ["hello", " x\n", "", "  ", "x" * 8000, "x" * 8001, 5],
    "force": [True, False, 0, "true", None],
    "resolved": [True, False, 1, None],
    "value": [None, 1, [], {"a": "b"}],
    "role": ["viewer", "agent", "admin", "king", 5],
    "expires_days": [1, 3660, 0, 3661, "1", True, 1.5],
    "decision": ["approve", "reject", "yes", "", True],
    "shown_hash": ["0f" * 32, "0F" * 32, "0f" * 31, "0f" * 33, "g" * 64, "", 5],
    "reason": ["it is fine", "", " ", "x" * 8000, "x" * 8001, None],
    "name": ["ada", "a", "x" * 64, "x" * 65, "", 5],
}


@EVERY
def test_a_body_is_taken_where_its_schema_fits_and_nowhere_else(route: Route) -> None:
    operation = operations()[route.method, route.path]
    assert ("requestBody" in operation) == route.takes_body
    if not route.takes_body:
        return
    body = operation["requestBody"]["content"]["application/json"]["schema"]
    assert body["required"] == [field.name for field in route.body if field.required]
    assert body["additionalProperties"] is False
    for field in route.body:
        for value in SAMPLES[field.name]:
            fits = not list(misfits(value, body["properties"][field.name]))
            try:
                field.read(value)
                taken = True
            except ValueError:
                taken = False
            assert taken == fits, (field.name, value)


CALLS = [
    ("GET", "/api/v1/me", None),
    ("GET", "/api/v1/sessions", None),
    ("GET", "/api/v1/sessions/{session_id}", None),
    ("GET", "/api/v1/sessions/{session_id}/messages", None),
    ("POST", "/api/v1/sessions/{session_id}/take", {}),
    ("POST", "/api/v1/sessions/{session_id}/messages", {"id": "m", "text": "hi"}),
    ("POST", "/api/v1/sessions/{session_id}/resume", {}),
    ("POST", "/api/v1/sessions/{session_id}/close", {}),
    ("POST", "/api/v1/sessions/{session_id}/events", {"name": "paid", "key": "k"}),
    ("GET", "/api/v1/approvals", None),
    ("GET", "/api/v1/approvals/{approval_id}", None),
    ("POST", "/api/v1/approvals/{approval_id}", {"decision": "reject", "shown_hash": HASH.hex()}),
    ("GET", "/api/v1/operators", None),
    ("POST", "/api/v1/operators", {"name": "eve", "role": "agent"}),
    ("DELETE", "/api/v1/operators/{name}", None),
]


def test_every_call_is_tried_here() -> None:
    assert {(method, path) for method, path, _ in CALLS} == {(each.method, each.path) for each in ROUTES}


def described(method: str, path: str, status: int) -> dict[str, Any]:
    responses = operations()[method, path]["responses"]
    assert str(status) in responses, (method, path, status)
    content = responses[str(status)].get("content", {})
    schema: dict[str, Any] = content.get("application/json", {}).get("schema", {})
    return schema


@pytest.mark.parametrize(("method", "path", "body"), CALLS, ids=lambda value: str(value))
async def test_every_answer_is_as_described(
    admin: Any, viewer: Any, nobody: Any, desk: DeskRehearsal, method: str, path: str, body: Any
) -> None:
    def place(session_id: UUID = SESSION, approval_id: UUID = APPROVAL, name: str = "a-agent") -> str:
        ids = {"session_id": session_id, "approval_id": approval_id}
        return path.removeprefix("/api/v1/").format(**ids, name=name)

    answers = [
        await admin(method, place(), json=body),
        await nobody(method, place(), json=body),
        await viewer(method, place(), json=body),
        await admin(method, f"{place()}?nothing=1", json=body),
        await admin(method, place(uuid4(), uuid4(), "nobody"), json=body),
    ]
    if body is not None:
        answers += [
            await admin(method, place(), data=b"{"),
            await admin(method, place(), data=b" " * 70_000),
        ]
        desk.outcome, desk.decided = Handled.CLOSED, Decided.CLOSED
        answers.append(await admin(method, place(), json=body))
    desk.away = True
    answers.append(await admin(method, place(), json=body))
    for status, answer in answers:
        schema = described(method, path, status)
        assert (answer is None) == (schema == {})
        assert answer is None or list(misfits(answer, schema)) == [], answer
    assert answers[0][0] < 300 <= 400 <= answers[1][0]
