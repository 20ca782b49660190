"""Whose things a command is about, and in whose name it acts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer

from bot.errors import Failed
from bot.runtime import Runtime
from storage.audit import Actor, ActorKind
from storage.errors import Invalid
from storage.operators import CONSOLE, Role

Tenant = Annotated[
    str | None,
    typer.Option("--tenant", metavar="SLUG", help="Whose; may be left out where there is only one."),
]
InNameOf = Annotated[
    str | None, typer.Option("--as", metavar="NAME", help=f"Act as this operator; otherwise as {CONSOLE!r}.")
]


async def tenant_of(runtime: Runtime, slug: str | None) -> UUID:
    """The tenant that was named, or the only one there is. Raises NotFound and Invalid."""
    if slug is not None:
        return (await runtime.tenants.find(slug)).id
    tenants = await runtime.tenants.list_all()
    if len(tenants) != 1:
        there = ", ".join(each.slug for each in tenants[:5]) + (" …" if len(tenants) > 5 else "")
        raise Invalid(
            f"there are several tenants ({there}): name one with --tenant"
            if tenants
            else "there is no tenant yet; `parley tenant create SLUG` makes one"
        )
    return tenants[0].id


async def actor_of(runtime: Runtime, slug: str | None, name: str | None, needed: Role) -> Actor:
    """Who acts by a command, in which tenant. An operator who is named must be there and may do this."""
    tenant_id = await tenant_of(runtime, slug)
    if name is not None:
        operator = await runtime.operations.operator(tenant_id, name)
        if not operator.is_good(datetime.now(UTC)):
            raise Failed(
                f"the operator {name!r} was revoked or has expired; `parley operator add {name}` lets them in again"
            )
        if not operator.role.may(needed):
            raise Failed(f"the operator {name!r} is a {operator.role}; this takes the role {needed}")
    return Actor(tenant_id, ActorKind.COMMAND, name or CONSOLE)
