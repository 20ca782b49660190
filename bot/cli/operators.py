"""`operator add|list|revoke`: who may read sessions and answer in them."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

import typer

from bot.cli.output import AsJson, show, show_one
from bot.cli.session import run, short_runtime, start
from bot.cli.whose import Tenant, actor_of
from storage.operators import LONGEST_LIFE, Operator, Role

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="NAME", help="1 to 64 of a–z, 0–9 and . _ @ + -.")]


@app.callback()
def group() -> None:
    """Make and end the accounts of operators, who use the API and act in sessions."""


@app.command()
def add(
    name: Name,
    tenant: Tenant = None,
    role: Annotated[
        Role, typer.Option(help="viewer: reads; agent: answers as well; admin: makes operators as well.")
    ] = Role.AGENT,
    expires_days: Annotated[
        int | None,
        typer.Option(min=1, max=LONGEST_LIFE.days, metavar="N", help="When the token ends; never otherwise."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make an operator and print their token, once; or a new token for one whose own is over."""
    settings = start()

    async def work() -> dict[str, Any]:
        async with short_runtime(settings) as runtime:
            by = await actor_of(runtime, tenant, None, Role.ADMIN)
            life = None if expires_days is None else timedelta(days=expires_days)
            admission = await runtime.operations.admit(by, name, role, life)
            return {**_told(admission.operator), "token": admission.token}

    show_one(run(work()), as_json=as_json)


@app.command("list")
def list_command(tenant: Tenant = None, as_json: AsJson = False) -> None:
    """Show a tenant's operators, also those who may not come in any more."""
    settings = start()

    async def work() -> list[dict[str, Any]]:
        async with short_runtime(settings) as runtime:
            by = await actor_of(runtime, tenant, None, Role.ADMIN)
            return [_told(each) for each in await runtime.operations.operators(by)]

    show(run(work()), as_json=as_json, empty="No operator yet; `parley operator add NAME` makes one.")


@app.command()
def revoke(name: Name, tenant: Tenant = None, as_json: AsJson = False) -> None:
    """End an operator's token, at once. What they have said and taken stays theirs."""
    settings = start()

    async def work() -> dict[str, Any]:
        async with short_runtime(settings) as runtime:
            by = await actor_of(runtime, tenant, None, Role.ADMIN)
            return _told(await runtime.operations.revoke(by, name))

    show_one(run(work()), as_json=as_json)


def _told(operator: Operator) -> dict[str, Any]:
    return {
        "name": operator.name,
        "role": operator.role.value,
        "created_at": operator.created_at,
        "expires_at": operator.expires_at,
        "last_used_at": operator.last_used_at,
        "revoked_at": operator.revoked_at,
    }
