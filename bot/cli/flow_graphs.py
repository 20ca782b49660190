"""`flows graph`: flows drawn from their code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from bot.bots import bot_of
from bot.cli.output import AsJson, show_one
from bot.cli.session import run, short_runtime, start
from bot.demo import SLUG
from config.bots import load_bot
from config.settings import Settings
from flows.drawing.mermaid import elsewhere, mermaid
from flows.drawing.tracing import trace
from storage.keys import Vault
from storage.states import States


def add_to(app: typer.Typer) -> None:
    """Add `graph`."""

    @app.command()
    def graph(
        flow: Annotated[
            str | None, typer.Argument(metavar="[FLOW]", help="The flow's name; all of the bot's otherwise.")
        ] = None,
        tenant: Annotated[str, typer.Option(metavar="SLUG", help="Whose bot.")] = SLUG,
        live: Annotated[
            bool, typer.Option("--live", help="With the number of sessions that wait at each ask.")
        ] = False,
        as_json: AsJson = False,
    ) -> None:
        """Draw flows in Mermaid: asks, calls, branches and entered flows, taken from the code."""
        settings = start()
        bot = bot_of(load_bot(settings.parley_bots_dir, tenant))
        graphs = [trace(each) for each in ([bot.resolve(flow)] if flow else bot.registry.all())]
        waiting = run(_waiting(settings, tenant)) if live else {}
        drawn = mermaid(graphs, waiting)
        if as_json:
            flows = [each.flow for each in graphs]
            counts = [
                {"flow": name, "state_name": path, "sessions": count}
                for (name, path), count in waiting.items()
                if name in flows
            ]
            show_one({"flows": flows, "mermaid": drawn, "waiting": counts}, as_json=True)
            return
        typer.echo(drawn)
        for name, place, count in elsewhere(graphs, waiting):
            typer.echo(f"{count} wait at {place} of {name}, which its code no longer has", err=True)


async def _waiting(settings: Settings, tenant: str) -> Mapping[tuple[str, str], int]:
    async with short_runtime(settings) as runtime:
        owner = await runtime.tenants.find(tenant)
        return await States(runtime.database, Vault(runtime.database, runtime.secrets)).waiting(owner.id)
