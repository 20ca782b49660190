"""Operators at their desks: the API of a running process, and the calls that the guide shows."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientSession
from clocks import MovableClock
from guides import ROOT, blocks
from house import House

from storage.operators import Operators, Role
from storage.tenants import Tenant


@dataclass
class Desk:
    """One operator's way to the API."""

    http: ClientSession
    url: str
    token: str

    async def __call__(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.token}"}
        url = f"{self.url}/api/v1/{path}"
        async with self.http.request(method, url, headers=headers, **more) as answer:
            return answer.status, await answer.json() if answer.status != 204 else None

    async def only_session(self) -> str:
        [session] = (await self("GET", "sessions"))[1]["sessions"]
        return str(session["session_id"])


async def tenant(house: House, slug: str = "acme") -> Tenant:
    return await house.runtime.tenants.find(slug)


async def employ(
    house: House, http: ClientSession, name: str, role: Role = Role.AGENT, slug: str = "acme"
) -> Desk:
    """A new operator of a tenant."""
    operators = Operators(house.runtime.database, MovableClock())
    admission = await operators.create((await tenant(house, slug)).id, name, role)
    return Desk(http, house.url, admission.token)


def calls_in_the_guide() -> list[tuple[str, str, bytes | None, bool]]:
    """(method, address, body, with a token) of each curl line in docs/operators.md."""
    shown = [each.text for each in blocks(ROOT / "docs/operators.md") if each.language == "sh"]
    found = []
    for text in "".join(shown).replace("\\\n", " ").splitlines():
        if not text.startswith("curl -s "):
            continue
        curl = argparse.ArgumentParser()
        curl.add_argument("-s", action="store_true")
        curl.add_argument("-X")
        curl.add_argument("-H", default="")
        curl.add_argument("-d")
        curl.add_argument("url")
        given = curl.parse_args(shlex.split(text)[1:])
        assert given.H in ("", "Authorization: Bearer $TOKEN")
        body = None if given.d is None else given.d.encode()
        found.append((given.X or ("GET" if body is None else "POST"), given.url, body, bool(given.H)))
    return found
