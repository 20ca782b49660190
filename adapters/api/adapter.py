"""The API on an aiohttp application. A token comes first: without a good one nothing is read and nothing is told."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from uuid import UUID

import structlog
from aiohttp import web

from adapters.api import acting, approvals, operators, sessions
from adapters.api.openapi import PATH, document
from adapters.api.parse import read_body as read_fields
from adapters.api.parse import read_query
from adapters.api.ports import Operations
from adapters.api.render import written
from adapters.api.route import NO_ID, Call, FileUrl, Route, no_such
from adapters.api.verify import check_role, operator_of
from adapters.errors import Refused
from adapters.web.exchange import answer, as_refusal, read_body
from adapters.web.parse import parse_id
from adapters.web.render import refusal_body
from storage.errors import Unavailable
from storage.operators import is_name

log = structlog.get_logger("parley.api")

ROUTES: tuple[Route, ...] = (*operators.ROUTES, *sessions.ROUTES, *acting.ROUTES, *approvals.ROUTES)

Endpoint = Callable[[web.Request], Awaitable[web.StreamResponse]]


def mount(app: web.Application, operations: Operations, file_url: FileUrl) -> None:
    """Add the API to `app`. Its answers are not for pages of other origins: there is no CORS.

    `file_url` makes the link of a tenant's file, good for a short while.
    """
    described = written(document(ROUTES))

    async def describe(_: web.Request) -> web.StreamResponse:
        return answer(described)

    app.router.add_get(PATH, describe)
    for route in ROUTES:
        app.router.add_route(route.method, route.path, _refusing(_serve(route, operations, file_url)))
    app.router.add_route("*", "/api/v1/{rest:.*}", _refusing(_nothing))


def _serve(route: Route, operations: Operations, file_url: FileUrl) -> Endpoint:
    async def endpoint(request: web.Request) -> web.StreamResponse:
        operator = await operator_of(operations, request)
        check_role(operator, route.role)
        session_id, approval_id = _id_in(request, "session"), _id_in(request, "approval")
        name = _name_in(request)
        given = read_query(route.query, list(request.query.items()))
        if route.takes_body:
            given = read_fields(route.body, await read_body(request))
        told = await route.endpoint(
            operations, Call(operator, given, file_url, session_id, approval_id, name)
        )
        if told is None:
            return web.Response(status=route.status, headers={"Cache-Control": "no-store"})
        return answer(written(told), route.status)

    return endpoint


def _refusing(endpoint: Endpoint) -> Endpoint:
    """Answer what the endpoint refuses as JSON."""

    async def respond(request: web.Request) -> web.StreamResponse:
        try:
            return await endpoint(request)
        except (Refused, Unavailable) as error:
            refusal = as_refusal(error)
            if isinstance(error, Unavailable):
                log.warning("api_unavailable", error=str(error))
        response = answer(refusal_body(refusal), refusal.status)
        if refusal.retry_after is not None:
            response.headers["Retry-After"] = str(max(1, round(refusal.retry_after)))
        if refusal.status == 401:
            response.headers["WWW-Authenticate"] = "Bearer"
        return response

    return respond


async def _nothing(request: web.Request) -> web.StreamResponse:
    """What no route answers: another method than the path takes, or no path of ours."""
    allowed = {route.method for route in ROUTES if _fits(route, request.path)}
    if not allowed and request.path != PATH:
        raise Refused(404, "not_found", f"There is nothing here; {PATH} describes what there is.")
    response = answer(refusal_body(Refused(405, "method_not_allowed", "This path takes other methods.")), 405)
    response.headers["Allow"] = ", ".join(sorted(allowed or {"GET"}))
    return response


def _fits(route: Route, path: str) -> bool:
    return re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", route.path), path) is not None


def _id_in(request: web.Request, thing: str) -> UUID:
    """The id of a session or an approval that the path names. Raises Refused 404 for what is no id."""
    text = request.match_info.get(f"{thing}_id")
    if text is None:
        return NO_ID
    found = parse_id(text)
    if found is None:
        raise no_such(thing)
    return found


def _name_in(request: web.Request) -> str:
    """The operator that the path names. Raises Refused 404 for what nobody can be called."""
    name = request.match_info.get("name", "")
    if "name" in request.match_info and not is_name(name):
        raise no_such("operator")
    return name
