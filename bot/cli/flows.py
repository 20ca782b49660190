"""`flows list`."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.bots import bot_of
from bot.cli.output import AsJson, show
from bot.cli.session import start
from config.bots import load_bot

app = typer.Typer(help="The conversations of a tenant's bot.", no_args_is_help=True)


@app.command("list")
def list_command(
    tenant: Annotated[str, typer.Option("--tenant", help="The tenant's slug.")] = "demo", as_json: AsJson = False
) -> None:
    """Show a bot's flows and what starts them; needs no server."""
    settings = start()
    bot = bot_of(load_bot(settings.parley_bots_dir, tenant))
    rows = [
        {
            "flow": flow.name,
            "version": flow.version,
            "description": flow.description,
            "phrases": list(flow.phrases) if as_json else "; ".join(flow.phrases),
            "sensitive": flow.sensitive if as_json else ("yes" if flow.sensitive else ""),
        }
        for flow in bot.registry.all()
    ]
    show(rows, as_json=as_json, empty=f"{settings.parley_bots_dir / tenant}/flows has no flow yet.")
