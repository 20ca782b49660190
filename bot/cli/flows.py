"""`flows list`, and the rest of `flows`."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.bots import bot_of
from bot.cli import flow_checks, flow_graphs, flow_tests
from bot.cli.output import AsJson, show
from bot.cli.session import start
from bot.demo import SLUG
from config.bots import load_bot

app = typer.Typer(
    help="See the conversations of a tenant's bot.", no_args_is_help=True, rich_markup_mode=None
)

for module in (flow_tests, flow_graphs, flow_checks):
    module.add_to(app)


@app.callback()
def group() -> None:
    """See the conversations of a tenant's bot: the Python files in <PARLEY_BOTS_DIR>/<slug>/flows."""


@app.command("list")
def list_command(
    tenant: Annotated[str, typer.Option(metavar="SLUG", help="Whose bot.")] = SLUG,
    as_json: AsJson = False,
) -> None:
    """Show a bot's flows and what starts them. Needs no server, so it is a quick check of a flow's file."""
    settings = start()
    bot = bot_of(load_bot(settings.parley_bots_dir, tenant))
    rows = [
        {
            "flow": flow.name,
            "version": flow.version,
            "description": flow.description,
            "phrases": list(flow.phrases),
            "sensitive": flow.sensitive,
            "default": flow is bot.default,
        }
        for flow in bot.registry.all()
    ]
    show(rows, as_json=as_json, empty=f"No flow in {settings.parley_bots_dir / tenant / 'flows'} yet.")
