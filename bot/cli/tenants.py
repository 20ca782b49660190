"""`tenant create|list|show|change`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from bot.cli.output import AsJson, show, show_one
from bot.cli.session import run, short_runtime, start
from storage.spend import SpendCaps

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Slug = Annotated[str, typer.Argument(metavar="SLUG", help="The tenant's short name: a–z, 0–9 and -.")]


Cap = Annotated[str | None, typer.Option(metavar="USD", help='Dollars, such as 5 or 0.50, or "none".')]


@app.callback()
def group() -> None:
    """Make and see tenants: the customers of this runtime, each with a bot of its own."""


@app.command()
def create(
    slug: Slug,
    name: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Its name for people; the slug otherwise.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a tenant. Its bot is the folder <PARLEY_BOTS_DIR>/<SLUG>, with bot.toml and flows/*.py."""
    settings = start()

    async def work() -> dict[str, Any]:
        async with short_runtime(settings) as runtime:
            tenant = await runtime.tenants.create(slug, name)
            return {"id": tenant.id, "slug": tenant.slug, "name": tenant.name}

    made = run(work())
    folder = settings.parley_bots_dir / slug
    show_one({**made, "bot": folder}, as_json=as_json)
    if not as_json:
        typer.echo(
            f"Next: write its flows in {folder / 'flows'}, then `parley channel add web SITE --tenant {slug}`."
        )


@app.command()
def change(
    slug: Slug,
    spend_cap_day: Cap = None,
    spend_cap_month: Cap = None,
    as_json: AsJson = False,
) -> None:
    """Set what a tenant's models may cost, in dollars by UTC's day and month; "none" lifts a cap."""
    given = {"spend_cap_usd_day": spend_cap_day, "spend_cap_usd_month": spend_cap_month}
    chosen = {name: None if cap == "none" else cap for name, cap in given.items() if cap is not None}
    if not chosen:
        raise typer.BadParameter("nothing to change: give --spend-cap-day or --spend-cap-month")
    SpendCaps.of(chosen)
    settings = start()

    async def work() -> dict[str, Any]:
        async with short_runtime(settings) as runtime:
            tenant = await runtime.tenants.find(slug)
            return _settings((await runtime.tenants.change(tenant.id, chosen)).settings)

    show_one({"slug": slug, **run(work())}, as_json=as_json)


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """Show all tenants."""
    settings = start()

    async def work() -> list[dict[str, Any]]:
        async with short_runtime(settings) as runtime:
            return [
                {"slug": tenant.slug, "name": tenant.name, "created_at": tenant.created_at, "id": tenant.id}
                for tenant in await runtime.tenants.list_all()
            ]

    show(run(work()), as_json=as_json, empty="No tenant yet; `parley tenant create SLUG` makes one.")


@app.command("show")
def show_command(slug: Slug, as_json: AsJson = False) -> None:
    """Show one tenant with its channels and its bot's flows."""
    settings = start()

    async def work() -> dict[str, Any]:
        async with short_runtime(settings) as runtime:
            tenant = await runtime.tenants.find(slug)
            bot = await runtime.bots.of(tenant.id)
            channels = await runtime.channels.list_all(tenant.id)
            return {
                "id": tenant.id,
                "slug": tenant.slug,
                "name": tenant.name,
                "created_at": tenant.created_at,
                **_settings(tenant.settings),
                "bot": settings.parley_bots_dir / slug,
                "channels": [f"{each.channel.platform}:{each.channel.account}" for each in channels],
                "flows": [flow.name for flow in bot.registry.all()],
            }

    show_one(run(work()), as_json=as_json)


def _settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Those that a person sets."""
    return {name: settings.get(name) for name in ("spend_cap_usd_day", "spend_cap_usd_month")}
