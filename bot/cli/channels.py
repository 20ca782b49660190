"""`channel add|change|list|show|disable|enable`."""

from __future__ import annotations

import secrets
import sys
from typing import Annotated, Any

import typer

from adapters.web.verify import is_site
from bot.cli.channel_views import find_channel, rows, told
from bot.cli.output import AsJson, show, show_one
from bot.cli.session import run, short_runtime, start
from bot.cli.slack_channels import connect, given_tokens, refuse_to_enable
from config.bots import is_origin

PLATFORMS = ("web", "slack", "terminal")
SHORTEST_SECRET = 32

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Platform = Annotated[
    str, typer.Argument(metavar="PLATFORM", help=", ".join(PLATFORMS[:-1]) + f" or {PLATFORMS[-1]}.")
]
Account = Annotated[
    str,
    typer.Argument(
        metavar="ACCOUNT", help="Its name on the platform; for web the site key, for slack APP_ID/TEAM_ID."
    ),
]
NewAccount = Annotated[
    str | None,
    typer.Argument(
        metavar="ACCOUNT", help="Its name on the platform, for web the site key; slack's is in the token."
    ),
]
Tenant = Annotated[str, typer.Option("--tenant", metavar="SLUG", help="Whose channel.")]
Origins = Annotated[
    list[str] | None,
    typer.Option(
        "--origin",
        metavar="URL",
        help="web: pages of this origin (https://example.com) may show the widget; may be given several times. "
        "None: what bot.toml says, else pages of our own host.",
    ),
]
IdentitySecret = Annotated[
    str | None,
    typer.Option(
        metavar="new|-",
        help="web: the secret with which the host page signs its users: `new` makes one and prints it once, "
        "`-` reads it from standard input.",
    ),
]

Token = Annotated[
    str | None,
    typer.Option(
        metavar="xoxb-…|-",
        help="slack: the bot's token; `-` reads it from standard input. Otherwise SLACK_BOT_TOKEN.",
    ),
]
SigningSecret = Annotated[
    str | None,
    typer.Option(
        metavar="HEX|-",
        help="slack: of an app of the tenant's own, which calls this server. None: the app of SLACK_SIGNING_SECRET.",
    ),
]
AppToken = Annotated[
    str | None, typer.Option(metavar="xapp-…|-", help="slack: of an app of the tenant's own, in Socket Mode.")
]


@app.callback()
def group() -> None:
    """Connect a tenant's bot to platforms: a web site, a Slack workspace, a terminal."""


@app.command()
def add(
    platform: Platform,
    tenant: Tenant,
    account: NewAccount = None,
    origin: Origins = None,
    identity_secret: IdentitySecret = None,
    token: Token = None,
    signing_secret: SigningSecret = None,
    app_token: AppToken = None,
    as_json: AsJson = False,
) -> None:
    """Connect a tenant to an account of a platform.

    For slack, the workspace is asked whose the token is; again for one that is connected takes its new secrets.
    """
    _check(platform, account)
    settings, credentials = _chosen(platform, origin, identity_secret)
    if platform != "slack" and (token or signing_secret or app_token):
        raise typer.BadParameter("--token, --signing-secret and --app-token are for slack channels")
    environment = start()
    given = given_tokens(environment, token, signing_secret, app_token) if platform == "slack" else None

    async def work() -> dict[str, Any]:
        async with short_runtime(environment) as runtime:
            owner = await runtime.tenants.find(tenant)
            if given is not None:
                made = (await connect(runtime, environment, owner.id, given)).account
            else:
                assert account is not None
                channel = await runtime.channels.create(
                    owner.id, platform, account, settings=settings, credentials=credentials
                )
                made = channel.account
            return await told(runtime, await find_channel(runtime, tenant, platform, made), tenant)

    show_one({**run(work()), **_once(identity_secret, credentials)}, as_json=as_json)


@app.command()
def change(
    platform: Platform,
    account: Account,
    tenant: Tenant,
    origin: Origins = None,
    identity_secret: IdentitySecret = None,
    as_json: AsJson = False,
) -> None:
    """Set a channel's origins or identity secret anew. Running processes follow within a minute."""
    settings, credentials = _chosen(platform, origin, identity_secret)
    if settings is None and credentials is None:
        raise typer.BadParameter("nothing to change: give --origin or --identity-secret")

    _update(tenant, platform, account, as_json, identity_secret, settings=settings, credentials=credentials)


@app.command("list")
def list_command(tenant: Tenant, as_json: AsJson = False) -> None:
    """Show a tenant's channels."""
    environment = start()

    async def work() -> list[dict[str, Any]]:
        async with short_runtime(environment) as runtime:
            return await rows(runtime, tenant)

    empty = f"No channel yet; `parley channel add web SITE --tenant {tenant}` makes one."
    show(run(work()), as_json=as_json, empty=empty)


@app.command("show")
def show_command(platform: Platform, account: Account, tenant: Tenant, as_json: AsJson = False) -> None:
    """Show one channel with its settings; of secrets only whether they are set."""
    environment = start()

    async def work() -> dict[str, Any]:
        async with short_runtime(environment) as runtime:
            return await told(runtime, await find_channel(runtime, tenant, platform, account), tenant)

    show_one(run(work()), as_json=as_json)


@app.command()
def disable(platform: Platform, account: Account, tenant: Tenant, as_json: AsJson = False) -> None:
    """Take nothing from a channel any more. Running processes follow within a minute."""
    _update(tenant, platform, account, as_json, disabled=True)


@app.command()
def enable(platform: Platform, account: Account, tenant: Tenant, as_json: AsJson = False) -> None:
    """Undo `disable`. Running processes follow within a minute."""
    _update(tenant, platform, account, as_json, disabled=False)


def _update(
    tenant: str,
    platform: str,
    account: str,
    as_json: bool,
    identity_secret: str | None = None,
    *,
    settings: dict[str, Any] | None = None,
    credentials: dict[str, str] | None = None,
    disabled: bool | None = None,
) -> None:
    environment = start()

    async def work() -> dict[str, Any]:
        async with short_runtime(environment) as runtime:
            channel = (await find_channel(runtime, tenant, platform, account)).channel
            if disabled is False:
                await refuse_to_enable(runtime, channel)
            kept = {**channel.credentials, **credentials} if credentials else None
            await runtime.channels.update(
                channel.tenant_id, channel.id, settings=settings, credentials=kept, disabled=disabled
            )
            return await told(runtime, await find_channel(runtime, tenant, platform, account), tenant)

    show_one({**run(work()), **_once(identity_secret, credentials)}, as_json=as_json)


def _once(wanted: str | None, credentials: dict[str, str] | None) -> dict[str, str]:
    """A secret that was just made; nobody can ask for it again."""
    return credentials if wanted == "new" and credentials else {}


def _check(platform: str, account: str | None) -> None:
    if platform not in PLATFORMS:
        raise typer.BadParameter(f"{platform!r} is no platform of this version: use {' or '.join(PLATFORMS)}")
    if platform == "slack":
        if account is not None:
            raise typer.BadParameter("a Slack account is not named: the token says which it is")
        return
    if account is None:
        raise typer.BadParameter(f"a {platform} channel needs an ACCOUNT")
    if platform == "web" and not is_site(account):
        raise typer.BadParameter(f"{account!r} is no site key: use 1 to 64 of a–z, A–Z, 0–9, . _ and -")


def _chosen(
    platform: str, origins: list[str] | None, identity_secret: str | None
) -> tuple[dict[str, Any] | None, dict[str, str] | None]:
    """Settings and credentials as given; None where nothing was."""
    if platform != "web" and (origins or identity_secret):
        raise typer.BadParameter("--origin and --identity-secret are for web channels")
    for origin in origins or ():
        if not is_origin(origin):
            raise typer.BadParameter(f"{origin!r} is no origin: write one such as https://example.com")
    settings = {"allowed_origins": origins} if origins else None
    return settings, _credentials(identity_secret)


def _credentials(identity_secret: str | None) -> dict[str, str] | None:
    match identity_secret:
        case None:
            return None
        case "new":
            return {"identity_secret": secrets.token_urlsafe(SHORTEST_SECRET)}
        case "-":
            secret = sys.stdin.readline().strip()
            if len(secret) < SHORTEST_SECRET:
                raise typer.BadParameter(f"an identity secret has at least {SHORTEST_SECRET} characters")
            return {"identity_secret": secret}
        case _:
            raise typer.BadParameter(
                "a secret is not given as an argument, where others see it: use new or -"
            )
