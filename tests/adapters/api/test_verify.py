"""Who may ask: a good token comes first, then the role."""

from __future__ import annotations

from typing import Any

import pytest
from desk_rehearsal import APPROVAL, HASH, SESSION, DeskRehearsal

from adapters.api.adapter import ROUTES
from adapters.api.route import Route
from storage.operators import Role

EVERY = pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
BODIES = {
    "messages": {"id": "m1", "text": "hello"},
    "events": {"name": "paid", "key": "k"},
    "operators": {"name": "new", "role": "agent"},
    "{approval_id}": {"decision": "approve", "shown_hash": HASH.hex()},
}


def path_of(route: Route) -> str:
    ids = {"session_id": SESSION, "approval_id": APPROVAL}
    return route.path.removeprefix("/api/v1/").format(**ids, name="a-viewer")


def body_of(route: Route) -> Any:
    return BODIES.get(route.path.rpartition("/")[2], {}) if route.takes_body else None


@EVERY
@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer  agent-token",
        "Basic YTpi",
        "agent-token",
        "Bearer unknown",
        "Bearer agent-token x",
        "Bearer agent-tokené",
        "Bearer " + "x" * 201,
    ],
)
async def test_without_a_good_token_nothing_is_told_and_all_refusals_are_the_same(
    nobody: Any, desk: DeskRehearsal, route: Route, header: str | None
) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = await nobody.raw(route.method, path_of(route), headers=headers, data=b"{no json")
    assert answer.status == 401
    assert await answer.json() == {
        "error": {
            "code": "unauthorized",
            "detail": "Send an operator's token that is good as Authorization: Bearer.",
        }
    }
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert desk.done == []


async def test_a_token_in_the_address_or_twice_opens_nothing(nobody: Any) -> None:
    assert (await nobody("GET", "me?token=agent-token"))[0] == 401
    both = [("Authorization", "Bearer agent-token"), ("Authorization", "Bearer viewer-token")]
    answer = await nobody._http.get("/api/v1/me", headers=both)
    assert answer.status == 401


async def test_the_scheme_is_read_in_any_case(nobody: Any) -> None:
    assert (await nobody("GET", "me", headers={"Authorization": "bearer agent-token"}))[0] == 200


@EVERY
@pytest.mark.parametrize("role", list(Role))
async def test_a_role_that_is_too_low_is_refused_and_any_other_let_in(
    http: Any, desk: DeskRehearsal, route: Route, role: Role
) -> None:
    answer = await http.request(
        route.method,
        f"/api/v1/{path_of(route)}",
        headers={"Authorization": f"Bearer {role}-token"},
        json=body_of(route),
    )
    if role.may(route.role):
        assert answer.status == route.status, await answer.text()
    else:
        assert (answer.status, (await answer.json())["error"]["code"]) == (403, "forbidden")
        assert desk.done == []


@EVERY
async def test_while_postgres_is_away_the_answer_is_503(
    admin: Any, desk: DeskRehearsal, route: Route
) -> None:
    desk.away = True
    answer = await admin.raw(route.method, path_of(route), json=body_of(route))
    assert (answer.status, (await answer.json())["error"]["code"]) == (503, "unavailable")
    assert answer.headers["Retry-After"] == "3"
    assert "Postgres" not in await answer.text()


async def test_no_page_of_another_origin_may_read_an_answer(agent: Any) -> None:
    for method in ("GET", "OPTIONS"):
        answer = await agent.raw(method, "me", headers={"Origin": "https://evil.example"})
        assert not [name for name in answer.headers if name.startswith("Access-Control-")]
