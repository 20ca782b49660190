"""Messages that come in quick succession: which flow says what becomes of them, and how they are put together."""

from __future__ import annotations

from dataclasses import replace

from flows.bot import Bot
from flows.engine import as_it_stands
from flows.flow import Flow
from flows.record import FORMAT
from flows.services import Services
from storage.outcomes import Outcome, Result
from storage.records import Entry, EntryKind, Turn

MOST_JOINED = 20
_JOINED = "joined"


def flow_of(bot: Bot, turn: Turn) -> Flow | None:
    """The flow whose `overlap` holds for a turn that has not begun: the one under way, else the one that would start.

    What only a guess would start counts as the default flow's.
    """
    if turn.state.flow is not None:
        return bot.registry.newest(turn.state.flow)
    return bot.triggers.match(turn.entry.content) or bot.default


def joinable(bot: Bot, entry: Entry) -> bool:
    """Whether it is a plain message: no button, file, command or exact phrase, which all mean something alone."""
    text = entry.content
    return (
        entry.kind is EntryKind.MESSAGE
        and entry.payload is None
        and entry.damage is None
        and not entry.attachments
        and bool(text.strip())
        and bot.command(text) is None
        and bot.triggers.exact(text) is None
    )


def held(turn: Turn) -> list[str]:
    """The messages before this one that are answered together with it."""
    texts = turn.state.data.get(_JOINED)
    return [text for text in texts if isinstance(text, str)] if isinstance(texts, list) else []


def joined(turn: Turn) -> Turn:
    """The turn with the messages that were held for it, one to a line."""
    before = held(turn)
    if not before:
        return turn
    return replace(turn, entry=replace(turn.entry, content="\n".join([*before, turn.entry.content])))


def hold(bot: Bot, turn: Turn, services: Services) -> Outcome | None:
    """What a turn comes to whose message is answered with the next one; None when the state cannot hold it."""
    outcome, waits_for_secret = as_it_stands(bot, turn, services)
    if outcome.damage is not None or outcome.state is None:
        return None
    frames = outcome.state.data.get("frames", [])
    data = {"format": FORMAT, "frames": frames, _JOINED: [*held(turn), turn.entry.content]}
    return replace(
        outcome,
        state=replace(outcome.state, data=data),
        redact_input=waits_for_secret,
        reason=_JOINED,
        results=(Result(_JOINED, _JOINED, None),),
    )
