"""`slack manifest|install-link`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

import orjson
import typer
import yaml

from adapters.slack.manifest import manifest
from bot.cli.output import AsJson, show_one
from bot.cli.session import run, short_runtime, start
from bot.cli.whose import Tenant, tenant_of
from bot.demo import SLUG
from config.bots import load_bot
from config.errors import ConfigError
from config.settings import Settings

LONGEST_LIFE_H = 30 * 24

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def group() -> None:
    """Make a Slack app for a tenant's bot, and have workspaces install it."""


@app.command("manifest")
def manifest_command(
    tenant: Annotated[str, typer.Option(metavar="SLUG", help="Whose bot: its name and suggestions.")] = SLUG,
    name: Annotated[
        str | None, typer.Option(metavar="TEXT", help="The app's name; otherwise the bot's.")
    ] = None,
    public_url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Where Slack reaches this server; otherwise PARLEY_PUBLIC_URL."),
    ] = None,
    socket_mode: Annotated[
        bool, typer.Option("--socket-mode", help="Have Slack's events come over a connection that we open.")
    ] = False,
    token_rotation: Annotated[
        bool | None,
        typer.Option(
            help="Tokens that are renewed twice a day, for good; not for `channel add slack --token`. On unless in "
            "Socket Mode."
        ),
    ] = None,
    as_yaml: Annotated[bool, typer.Option("--yaml", help="Print YAML rather than JSON.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, as without it.")] = False,
) -> None:
    """Print the app's manifest, for "Create an app", "From a manifest" on api.slack.com/apps. Needs no server."""
    if as_yaml and as_json:
        raise typer.BadParameter("--json and --yaml are one or the other")
    settings = start()
    bot = load_bot(settings.parley_bots_dir, tenant)
    document = manifest(
        _reached_at(public_url, settings, socket_mode),
        name or bot.name,
        description=bot.greeting,
        prompts=bot.suggestions,
        socket_mode=socket_mode,
        token_rotation=not socket_mode if token_rotation is None else token_rotation,
    )
    if as_yaml:
        typer.echo(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), nl=False)
    else:
        typer.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())


@app.command("install-link")
def install_link(
    tenant: Tenant = None,
    hours: Annotated[
        int, typer.Option(min=1, max=LONGEST_LIFE_H, metavar="N", help="How long the link is good.")
    ] = 24,
    as_json: AsJson = False,
) -> None:
    """Print a link by which a workspace's admin installs the app for this tenant.

    Whoever has it can connect workspaces to the tenant's bot until it ends, so pass it on like a password.
    """
    settings = start()
    settings.require("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET")

    async def work() -> dict[str, Any]:
        async with short_runtime(settings) as runtime:
            tenant_id = await tenant_of(runtime, tenant)
            link, end = runtime.slack.links.url(settings.public_url, tenant_id, life=timedelta(hours=hours))
            return {"link": link, "expires_at": end}

    show_one(run(work()), as_json=as_json)


def _reached_at(given: str | None, settings: Settings, socket_mode: bool) -> str | None:
    """Where Slack reaches the server. Raises ConfigError and, for a wrong option, BadParameter."""
    if given is None and settings.parley_public_url is None:
        if socket_mode:
            return None
        raise ConfigError(
            "PARLEY_PUBLIC_URL is not set: set it to where Slack reaches this server, give --public-url, or take "
            "--socket-mode, which needs no address"
        )
    url = given.rstrip("/") if given is not None else settings.public_url
    if url.startswith("https://") and len(url) > len("https://"):
        return url
    if socket_mode and given is None:
        # Slack calls nothing there, and takes no other than https to send people back to.
        return None
    fault = f"{url!r} is no address that Slack calls: it begins with https://"
    if given is not None:
        raise typer.BadParameter(fault, param_hint="'--public-url'")
    raise ConfigError(f"PARLEY_PUBLIC_URL {fault}")
