"""What Slack knows, as plain frozen records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Json = dict[str, Any]
ChannelKind = Literal["channel", "private", "im", "mpim"]

# All that the emulator knows to ask for and to subscribe to: https://docs.slack.dev/reference/scopes
SCOPES = frozenset(
    {
        *("app_mentions:read", "assistant:write", "channels:history", "channels:read"),
        *("chat:write", "commands", "files:read", "files:write", "groups:history"),
        *("groups:read", "im:history", "im:read", "im:write", "mpim:history", "mpim:read"),
        *("reactions:read", "reactions:write", "team:read", "users:read"),
    }
)
EVENTS = frozenset(
    {
        *("agent_session_stopped", "app_context_changed", "app_home_opened", "app_mention"),
        *("app_uninstalled", "assistant_thread_context_changed", "assistant_thread_started"),
        *("message.channels", "message.groups", "message.im", "message.mpim"),
        *("reaction_added", "reaction_removed", "tokens_revoked", "user_change"),
    }
)


@dataclass(frozen=True, slots=True)
class App:
    """An app's configuration.

    `events_url`, `interactivity_url` and `commands_url` are where Slack posts to, "" where it has none.
    `escapes_commands`: people and channels in a command's text come as ids. `socket_mode` None: over a Socket Mode
    connection while there is one, else by HTTP.
    """

    id: str
    name: str
    client_id: str
    client_secret: str
    signing_secret: str
    verification_token: str
    app_token: str
    command: str = "/parley"
    escapes_commands: bool = True
    events_url: str = ""
    interactivity_url: str = ""
    commands_url: str = ""
    redirect_urls: tuple[str, ...] = ()
    scopes: frozenset[str] = SCOPES
    events: frozenset[str] = EVENTS
    rotates_tokens: bool = False
    socket_mode: bool | None = None


@dataclass(frozen=True, slots=True)
class Enterprise:
    """An organisation with several workspaces."""

    id: str
    name: str
    domain: str


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace; `enterprise_id` None where it stands alone."""

    id: str
    name: str
    domain: str
    enterprise_id: str | None = None


@dataclass(frozen=True, slots=True)
class User:
    """A member of a workspace, a person or an app's bot."""

    id: str
    team_id: str
    name: str
    real_name: str
    tz: str = "Europe/Berlin"
    tz_offset: int = 3600
    locale: str = "en-US"
    bot_id: str | None = None
    app_id: str | None = None


@dataclass(frozen=True, slots=True)
class Channel:
    """A conversation. `shared_with` are the other workspaces of a Slack Connect channel."""

    id: str
    team_id: str
    name: str
    kind: ChannelKind
    created: int
    members: tuple[str, ...] = ()
    shared_with: tuple[str, ...] = ()
    archived: bool = False


@dataclass(frozen=True, slots=True)
class Installation:
    """An app in a workspace, or in an organisation: then `team_id` is None."""

    app_id: str
    team_id: str | None
    enterprise_id: str | None
    bot_user_id: str
    bot_id: str
    installer: str
    scopes: frozenset[str]

    @property
    def tenant(self) -> str:
        """The workspace or the organisation that it is in."""
        return self.team_id or self.enterprise_id or ""


@dataclass(frozen=True, slots=True)
class File:
    """A file; `content` None until it was uploaded, `shares` the (channel, ts) of messages that show it."""

    id: str
    team_id: str
    user: str
    name: str
    title: str
    mimetype: str
    size: int
    created: int
    content: bytes | None = None
    shares: tuple[tuple[str, str], ...] = ()
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Edit:
    """Who changed a message last, and when."""

    user: str
    ts: str


@dataclass(frozen=True, slots=True)
class Reaction:
    """An emoji on a message, with those who put it there."""

    name: str
    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it stands. `ephemeral_to` is the only user who sees it; `streaming_state` None: never streamed."""

    channel: str
    ts: str
    user: str
    text: str
    team_id: str
    thread_ts: str | None = None
    subtype: str | None = None
    bot_id: str | None = None
    app_id: str | None = None
    blocks: tuple[Mapping[str, Any], ...] = ()
    attachments: tuple[Mapping[str, Any], ...] = ()
    metadata: Mapping[str, Any] | None = None
    files: tuple[str, ...] = ()
    reactions: tuple[Reaction, ...] = ()
    edited: Edit | None = None
    client_msg_id: str | None = None
    ephemeral_to: str | None = None
    broadcast: bool = False
    streaming_state: Literal["in_progress", "completed", "errored"] | None = None
    chunks: tuple[Mapping[str, Any], ...] = ()

    @property
    def is_reply(self) -> bool:
        return self.thread_ts is not None and self.thread_ts != self.ts


@dataclass(frozen=True, slots=True)
class View:
    """A modal or a Home tab that is open for a user."""

    id: str
    team_id: str
    user: str
    installation: Installation
    body: Mapping[str, Any]
    hash: str
    root_id: str
    previous_id: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        return str(self.body.get("type"))


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the Web API that came in, without its token; `answer` None: the connection was cut instead."""

    method: str
    team_id: str | None
    arguments: Mapping[str, Any]
    answer: Mapping[str, Any] | None
    status: int
    at: float
