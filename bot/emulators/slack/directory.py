"""Who and what there is: apps, organisations, workspaces, users, channels, installations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bot.emulators.slack.ids import Clock, Ids, digest, lasting_secret
from bot.emulators.slack.records import (
    App,
    Channel,
    ChannelKind,
    Enterprise,
    Installation,
    User,
    Workspace,
)
from bot.emulators.slack.refusals import Refused

SLACKBOT = "USLACKBOT"


class Directory:
    """Keeps them by id."""

    def __init__(self, ids: Ids, clock: Clock) -> None:
        self.apps: dict[str, App] = {}
        self.enterprises: dict[str, Enterprise] = {}
        self.workspaces: dict[str, Workspace] = {}
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self.installations: list[Installation] = []
        self._bots: dict[tuple[str, str], tuple[str, str]] = {}
        self._ids = ids
        self._clock = clock

    def add_app(self, name: str, *, app_url: str | None = None, command: str = "/parley") -> App:
        """An app whose request URLs are those of Parley at `app_url`."""
        id_ = self._ids.lasting("A")
        at = "" if app_url is None else app_url.rstrip("/")
        events = f"{at}/slack/events" if at else ""
        app = App(
            id_,
            name,
            f"100.{len(self.apps) + 1:03}",
            lasting_secret("client", id_),
            lasting_secret("signing", id_),
            lasting_secret("verification", id_)[:24],
            f"xapp-1-{id_}-{lasting_secret('app', id_)}",
            command,
            events_url=events,
            interactivity_url=events,
            commands_url=events,
            redirect_urls=(f"{at}/slack/oauth_redirect",) if at else (),
        )
        self.apps[id_] = app
        return app

    def add_enterprise(self, name: str) -> Enterprise:
        id_ = self._ids.lasting("E")
        self.enterprises[id_] = Enterprise(id_, name, _domain(name))
        return self.enterprises[id_]

    def add_workspace(self, name: str, enterprise: Enterprise | None = None) -> Workspace:
        id_ = self._ids.lasting("T")
        self.workspaces[id_] = Workspace(id_, name, _domain(name), enterprise.id if enterprise else None)
        return self.workspaces[id_]

    def add_user(
        self, team_id: str, real_name: str, *, tz: str = "Europe/Berlin", locale: str = "en-US"
    ) -> User:
        id_ = self._ids.lasting("U")
        self.users[id_] = User(id_, team_id, _domain(real_name), real_name, tz=tz, locale=locale)
        return self.users[id_]

    def add_channel(
        self,
        team_id: str,
        name: str,
        members: tuple[str, ...],
        *,
        kind: ChannelKind = "channel",
        shared_with: tuple[str, ...] = (),
    ) -> Channel:
        id_ = _direct_id(kind, members) if kind in ("im", "mpim") else self._ids.lasting("C")
        self.channels[id_] = Channel(
            id_, team_id, name, kind, int(self._clock()), tuple(dict.fromkeys(members)), shared_with
        )
        return self.channels[id_]

    def install(
        self,
        app: App,
        tenant: Workspace | Enterprise,
        installer: User,
        *,
        scopes: frozenset[str] | None = None,
    ) -> Installation:
        """Install an app, again if it is there, with these scopes or all that it asks for.

        Its bot becomes a member of the tenant's open channels.
        """
        if (app.id, tenant.id) not in self._bots:
            bot_user_id, bot_id = self._ids.lasting("U"), self._ids.lasting("B")
            self._bots[app.id, tenant.id] = bot_user_id, bot_id
            self.users[bot_user_id] = User(
                bot_user_id, tenant.id, _domain(app.name), app.name, bot_id=bot_id, app_id=app.id
            )
        bot_user_id, bot_id = self._bots[app.id, tenant.id]
        team_id = tenant.id if isinstance(tenant, Workspace) else None
        enterprise_id = tenant.enterprise_id if isinstance(tenant, Workspace) else tenant.id
        self.remove(app.id, tenant.id)
        installation = Installation(
            app.id,
            team_id,
            enterprise_id,
            bot_user_id,
            bot_id,
            installer.id,
            app.scopes if scopes is None else scopes,
        )
        self.installations.append(installation)
        for channel in list(self.channels.values()):
            if channel.kind == "channel" and any(
                self.in_reach(installation, each) for each in (channel.team_id, *channel.shared_with)
            ):
                self.join(channel.id, bot_user_id)
        return installation

    def remove(self, app_id: str, tenant: str) -> None:
        self.installations = [
            each for each in self.installations if (each.app_id, each.tenant) != (app_id, tenant)
        ]

    def join(self, channel_id: str, user_id: str) -> None:
        channel = self.channels[channel_id]
        if user_id not in channel.members:
            self.channels[channel_id] = replace(channel, members=(*channel.members, user_id))

    def leave(self, channel_id: str, user_id: str) -> None:
        channel = self.channels[channel_id]
        members = tuple(member for member in channel.members if member != user_id)
        self.channels[channel_id] = replace(channel, members=members)

    def archive(self, channel_id: str) -> None:
        self.channels[channel_id] = replace(self.channels[channel_id], archived=True)

    def direct(self, team_id: str, *users: str) -> Channel:
        """The direct message of these users, opened where there is none."""
        kind: ChannelKind = "im" if len(users) == 2 else "mpim"
        if (there := self.channels.get(_direct_id(kind, users))) is not None:
            return there
        name = "" if kind == "im" else f"mpdm-{'--'.join(self.users[user].name for user in users)}-1"
        return self.add_channel(team_id, name, users, kind=kind)

    def in_reach(self, installation: Installation, team_id: str) -> bool:
        """Whether an installation covers a workspace."""
        if installation.team_id is not None:
            return installation.team_id == team_id
        workspace = self.workspaces.get(team_id)
        return workspace is not None and workspace.enterprise_id == installation.enterprise_id

    def visible(self, installation: Installation, channel_id: object) -> Channel:
        """A channel that an installation can see. Raises Refused."""
        channel = self.channels.get(channel_id) if isinstance(channel_id, str) else None
        if channel is None or not any(
            self.in_reach(installation, team) for team in (channel.team_id, *channel.shared_with)
        ):
            raise Refused("channel_not_found")
        if channel.kind != "channel" and installation.bot_user_id not in channel.members:
            raise Refused("channel_not_found")
        return channel

    def watching(self, channel: Channel) -> Iterator[Installation]:
        """The installations whose bots are in a channel, one for each app."""
        seen = set()
        for installation in self.installations:
            if installation.bot_user_id in channel.members and installation.app_id not in seen:
                seen.add(installation.app_id)
                yield installation


def _domain(name: str) -> str:
    return "-".join(name.lower().split())


def _direct_id(kind: ChannelKind, members: tuple[str, ...]) -> str:
    """The id of a direct message says whose it is, so that it is the same in every run."""
    return f"{'D' if kind == 'im' else 'G'}0{digest(*sorted(members))}"
