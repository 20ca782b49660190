"""Operators: who one is, and who there are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from adapters.api.parse import choice, days, name_of
from adapters.api.ports import Operations
from adapters.api.render import operator_document
from adapters.api.route import Call, Route, no_such
from adapters.errors import Refused
from storage.errors import Conflict, NotFound
from storage.operators import Role

_ALL = "/api/v1/operators"


async def show_me(operations: Operations, call: Call) -> dict[str, Any]:
    me = call.operator
    return {"name": me.name, "role": me.role, "tenant_id": me.tenant_id, "expires_at": me.expires_at}


async def list_operators(operations: Operations, call: Call) -> dict[str, Any]:
    return {"operators": [operator_document(each) for each in await operations.operators(call.by)]}


async def admit(operations: Operations, call: Call) -> dict[str, Any]:
    given = call.given
    life = timedelta(days=given["expires_days"]) if "expires_days" in given else None
    try:
        admission = await operations.admit(call.by, given["name"], given["role"], life)
    except Conflict:
        raise Refused(
            409, "name_taken", "There is an operator of this name; revoke them for a new token."
        ) from None
    return {**operator_document(admission.operator), "token": admission.token}


async def revoke(operations: Operations, call: Call) -> None:
    try:
        await operations.revoke(call.by, call.name)
    except NotFound:
        raise no_such("operator") from None


ROUTES = (
    Route("GET", "/api/v1/me", "Who the token says you are.", Role.VIEWER, show_me, "me"),
    Route("GET", _ALL, "All operators of the tenant.", Role.ADMIN, list_operators, "operator_list"),
    Route(
        "POST",
        _ALL,
        "Make an operator. The token is told here and never again.",
        Role.ADMIN,
        admit,
        "admission",
        201,
        body=(
            name_of("name", "1 to 64 of a–z, 0–9 and . _ @ + -, and not console."),
            choice("role", "What they may do.", Role, required=True),
            days("expires_days", "After how many days the token ends; never otherwise."),
        ),
        conflicts=("name_taken",),
    ),
    Route(
        "DELETE",
        f"{_ALL}/{{name}}",
        "End an operator's token, at once.",
        Role.ADMIN,
        revoke,
        None,
        204,
    ),
)
