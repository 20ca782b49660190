"""`channel add|list|disable`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bot.cli.output import AsJson, show, show_one
from bot.cli.session import run, short_runtime, start

app = typer.Typer(help="A tenant's connections to platforms.", no_args_is_help=True)

Tenant = Annotated[str, typer.Option("--tenant", help="The tenant's slug.")]


@app.command()
def add(
    platform: Annotated[str, typer.Argument(help="web or terminal.")],
    account: Annotated[str, typer.Argument(help="The account's id on the platform; for web its site key.")],
    tenant: Tenant,
    origin: Annotated[
        list[str] | None, typer.Option(help="web: an origin whose pages may show the widget; repeatable.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Connect a tenant to an account of a platform."""
    settings = start()

    async def work() -> dict[str, Any]:
        async with short_runtime(settings) as runtime:
            owner = await runtime.tenants.find(tenant)
            if platform not in ("web", "terminal"):
                raise typer.BadParameter(f"{platform!r} is no platform of this version: use web or terminal")
            chosen = {"allowed_origins": origin} if origin else {}
            channel = await runtime.channels.create(owner.id, platform, account, settings=chosen)
            return {"id": channel.id, "platform": platform, "account": account, "tenant": tenant}

    show_one(run(work()), as_json=as_json)


@app.command("list")
def list_command(tenant: Tenant, as_json: AsJson = False) -> None:
    """Show a tenant's channels."""
    settings = start()

    async def work() -> list[dict[str, Any]]:
        async with short_runtime(settings) as runtime:
            owner = await runtime.tenants.find(tenant)
            return [
                {
                    "platform": each.channel.platform,
                    "account": each.channel.account,
                    "created_at": each.created_at,
                    "disabled_at": each.disabled_at,
                    "id": each.channel.id,
                }
                for each in await runtime.channels.list_all(owner.id)
            ]

    show(run(work()), as_json=as_json, empty="No channel yet; `parley channel add` makes one.")
