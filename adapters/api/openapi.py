"""The API's own description (OpenAPI 3.1), written from the same routes that are served. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from adapters.api.parse import Field
from adapters.api.route import Route
from adapters.api.schemas import SCHEMAS
from storage.operators import Role

PATH = "/api/v1/openapi.json"
_PARAMETER = re.compile(r"\{(\w+)\}")
_REFUSALS = {
    "400": "The query or the body is not what is taken.",
    "401": "No token, or none that is good.",
    "403": "The token's role may not do this.",
    "404": "There is no such thing in your tenant.",
    "408": "The body came too slowly.",
    "413": "The body is too large.",
    "503": "It cannot be done right now; send it again after Retry-After seconds.",
}


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """The whole description."""
    paths: dict[str, dict[str, Any]] = {
        PATH: {
            "get": {
                "operationId": "show_description",
                "summary": "This description.",
                "security": [],
                "responses": {"200": _answer("The description.", {"type": "object"})},
            }
        }
    }
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Parley for operators and back ends",
            "version": "1",
            "description": "Reading sessions, answering in them, telling them what happened, deciding what waits for "
            "a yes. A token belongs to one tenant, and sees nothing of another.",
        },
        "servers": [{"url": "/"}],
        "security": [{"operator": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "operator": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An operator's token: `parley operator add`.",
                }
            },
            "schemas": SCHEMAS,
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.endpoint.__name__,
        "summary": route.summary,
        "description": f"Takes the role {route.role} or more.",
        "responses": _responses(route),
    }
    parameters = [_path_parameter(name) for name in _PARAMETER.findall(route.path)]
    parameters += [_query_parameter(field) for field in route.query]
    if parameters:
        operation["parameters"] = parameters
    if route.takes_body:
        operation["requestBody"] = {
            "required": any(field.required for field in route.body),
            "content": {"application/json": {"schema": _body(route.body)}},
        }
    return operation


def _responses(route: Route) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    if route.answers is None:
        responses[str(route.status)] = {"description": "Done."}
    else:
        schema = {"$ref": f"#/components/schemas/{route.answers}"}
        responses[str(route.status)] = _answer("Done.", schema)
    refusals = ["401", "503", "400"]
    if route.role is not Role.VIEWER:
        refusals.append("403")
    if "{" in route.path:
        refusals.append("404")
    if route.takes_body:
        refusals += ["408", "413"]
    for status in sorted(refusals):
        responses[status] = _answer(_REFUSALS[status], {"$ref": "#/components/schemas/error"})
    if route.conflicts:
        told = f"Not as things stand: {', '.join(route.conflicts)}."
        responses["409"] = _answer(told, {"$ref": "#/components/schemas/error"})
    return responses


def _answer(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _path_parameter(name: str) -> dict[str, Any]:
    schema = {"type": "string", "format": "uuid"} if name.endswith("_id") else {"type": "string"}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameter(field: Field) -> dict[str, Any]:
    return {
        "name": field.name,
        "in": "query",
        "required": field.required,
        "description": field.about,
        "schema": dict(field.schema),
    }


def _body(fields: Sequence[Field]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {field.name: {**field.schema, "description": field.about} for field in fields},
        "required": [field.name for field in fields if field.required],
        "additionalProperties": False,
    }
