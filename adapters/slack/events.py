"""What Slack can tell us, as a closed set of values. `parse()` in parse.py makes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from adapters.slack.places import Origin, Person, Place, SharedFile, Viewed


@dataclass(frozen=True, slots=True)
class Verification:
    challenge: str


@dataclass(frozen=True, slots=True)
class Said:
    """A person's message. `user_team` is the team that they belong to, as far as the payload says it."""

    origin: Origin
    user: str
    user_team: str | None
    place: Place
    ts: str
    text: str
    mentions_us: bool
    files: tuple[SharedFile, ...] = ()
    is_thread_broadcast: bool = False
    viewing: tuple[Viewed, ...] = ()
    person: Person | None = None


@dataclass(frozen=True, slots=True)
class Edited:
    """A person changed the words of the message `ts`; `at` is when, as a `ts`."""

    origin: Origin
    user: str
    user_team: str | None
    place: Place
    ts: str
    text: str
    at: str | None = None


@dataclass(frozen=True, slots=True)
class Deleted:
    """The message `ts` is gone; `user` is who wrote it, where Slack still says so."""

    origin: Origin
    user: str | None
    place: Place
    ts: str
    at: str | None = None


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button, a select or another element was used.

    `value` is a button's value, what was chosen, or typed; several are listed. None: the choice was taken back.
    `place` and `message_ts` are missing in a view, `message_ts` on messages that only one person sees.
    `answers` are all the elements of the message or view with what they hold, by block and action.
    """

    origin: Origin
    user: str
    user_team: str | None
    action_id: str
    block_id: str
    value: str | tuple[str, ...] | None
    label: str
    action_ts: str | None
    trigger_id: str | None
    place: Place | None = None
    message_ts: str | None = None
    view_id: str | None = None
    response_url: str | None = field(default=None, repr=False)
    answers: Mapping[tuple[str, str], str | tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rated:
    """Feedback by the buttons below an answer: `value` 1 or -1 for our own message `message_id`."""

    origin: Origin
    user: str
    user_team: str | None
    place: Place
    message_id: str
    value: int
    message_ts: str | None = None
    trigger_id: str | None = None
    action_ts: str | None = None


@dataclass(frozen=True, slots=True)
class Reacted:
    """A reaction to the bot's message `ts`: feedback 1 or -1, and 0 once it is taken away."""

    origin: Origin
    user: str
    channel: str
    ts: str
    reaction: str
    value: int


@dataclass(frozen=True, slots=True)
class Submitted:
    """A modal was sent. `version` is the view's hash, which is another after each change of the view."""

    origin: Origin
    user: str
    user_team: str | None
    view_id: str
    callback_id: str
    version: str | None
    private: str
    answers: Mapping[tuple[str, str], str | tuple[str, ...]]
    trigger_id: str | None = None


@dataclass(frozen=True, slots=True)
class Closed:
    """A modal was closed without being sent."""

    origin: Origin
    user: str
    view_id: str
    callback_id: str
    private: str


@dataclass(frozen=True, slots=True)
class Commanded:
    """A slash command, `command` with its slash."""

    origin: Origin
    user: str
    user_team: str | None
    place: Place
    command: str
    text: str
    trigger_id: str | None = None
    response_url: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Opened:
    """A person opened the conversation with the agent; in a new thread where `place` has one."""

    origin: Origin
    user: str
    place: Place
    viewing: tuple[Viewed, ...] = ()


@dataclass(frozen=True, slots=True)
class ContextChanged:
    """A person looks at something else now; `place` is missing where Slack does not say in which conversation."""

    origin: Origin
    user: str
    place: Place | None
    viewing: tuple[Viewed, ...] = ()


@dataclass(frozen=True, slots=True)
class Stopped:
    """A person pressed Stop; `streams` are the messages that were being streamed."""

    origin: Origin
    user: str
    place: Place
    streams: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HomeOpened:
    origin: Origin
    user: str
    view_id: str | None = None


@dataclass(frozen=True, slots=True)
class Uninstalled:
    origin: Origin


@dataclass(frozen=True, slots=True)
class TokensRevoked:
    """The tokens of these users are worth nothing any more; `bots` are our own."""

    origin: Origin
    users: tuple[str, ...]
    bots: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RateLimited:
    """Slack holds back events of the workspace for the minute (seconds of the epoch): over 30,000 an hour."""

    origin: Origin
    minute: int | None


@dataclass(frozen=True, slots=True)
class UserChanged:
    origin: Origin
    person: Person


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing for us, and why. It claims its event's id and nothing else."""

    origin: Origin
    reason: str


Event: TypeAlias = (
    Verification
    | Said
    | Edited
    | Deleted
    | Pressed
    | Rated
    | Reacted
    | Submitted
    | Closed
    | Commanded
    | Opened
    | ContextChanged
    | Stopped
    | HomeOpened
    | Uninstalled
    | TokensRevoked
    | RateLimited
    | UserChanged
    | Ignored
)
