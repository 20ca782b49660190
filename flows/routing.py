"""Where a message goes, as far as that is decided without a model and without running anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from flows.bot import Bot
from flows.flow import Flow
from flows.input import Input, Pressed, Typed
from flows.record import Frame
from storage.records import Entry, EntryKind

DEEPEST_STACK = 5
ORDERS = frozenset({"cancel", "start_over", "back", "help", "person"})


@dataclass(frozen=True, slots=True)
class Offer:
    """To the verb that waits, which judges it."""

    given: Input


@dataclass(frozen=True, slots=True)
class Start:
    """A flow begins, upon what is under way if anything is."""

    flow: Flow
    opening: str


@dataclass(frozen=True, slots=True)
class Guess:
    """Nothing decides it: what the text means is to be found out among `flows` (see `flows.router`)."""

    text: str
    flows: tuple[Flow, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """One of the words that work everywhere: one of `ORDERS`."""

    name: str


@dataclass(frozen=True, slots=True)
class Menu:
    """Nothing answers to it: say what the bot can do."""


@dataclass(frozen=True, slots=True)
class Unasked:
    """Files without a word, and nothing that waits."""


@dataclass(frozen=True, slots=True)
class Expired:
    """A button of an ask that no longer waits."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing waits for such an entry."""


Route: TypeAlias = Offer | Start | Guess | Order | Menu | Unasked | Expired | Nothing


def route(bot: Bot, entry: Entry, frames: Sequence[Frame]) -> Route:
    """Where an entry goes, in the documented order.

    An action goes to its own ask or is expired; then exact global commands; then the ask that waits, which
    itself lets another flow in (see `digression`). With nothing waiting: commands, phrases, patterns, then a
    guess where there is more than one flow to guess, the default flow, the menu.
    """
    if entry.kind not in (EntryKind.MESSAGE, EntryKind.ACTION):
        return Nothing()
    text = entry.content
    if entry.kind is EntryKind.ACTION or (entry.payload is not None and not text):
        if not (isinstance(entry.payload, str) and entry.payload.startswith("text:")):
            return _action(bot, entry.payload, frames)
        text = entry.payload.removeprefix("text:")
    if (name := bot.command(text)) is not None and name in ORDERS:
        return Order(name)
    if frames:
        return _beside(bot, text, frames) or Offer(Typed(text, entry.attachments))
    if entry.attachments and not text.strip():
        return Unasked()
    if flow := bot.triggers.match(text):
        return Start(flow, text)
    flows = guessable(bot)
    if flows and text.strip():
        return Guess(text, flows)
    return Start(bot.default, text) if bot.default else Menu()


def _beside(bot: Bot, text: str, frames: Sequence[Frame]) -> Route | None:
    """Where a text goes while the flow that talks waits for something else, and the person is free meanwhile."""
    waiting, under_way = frames[-1].pending, {frame.flow for frame in frames}
    if waiting is None or not waiting.leaves_free or len(frames) >= DEEPEST_STACK or not text.strip():
        return None
    if flow := bot.triggers.match(text):
        return None if flow.name in under_way else Start(flow, text)
    if waiting.kind == "approve" and bot.command(text) in ("approve", "reject"):
        return None
    if bot.default is not None and bot.default.name in under_way:
        return None
    flows = tuple(flow for flow in guessable(bot) if flow.name not in under_way)
    if flows and text.strip():
        return Guess(text, flows)
    return Start(bot.default, text) if bot.default else None


def guessable(bot: Bot) -> tuple[Flow, ...]:
    """The flows that a message may mean without naming them: those that say what they do, or how they are asked for.

    A phrase of one word says neither: it is a keyword, and too much is like it ("blue" is like "colour").
    """
    return tuple(
        flow
        for flow in bot.registry.all()
        if flow is not bot.default
        and not flow.repairs
        and (flow.description or any(len(phrase.split()) > 1 for phrase in flow.phrases))
    )


def digression(bot: Bot, text: str, frames: Sequence[Frame], *, exact: bool) -> Flow | None:
    """The flow that interrupts an ask: by any trigger, or for a free-text ask an exact one only.

    A flow that is under way already is not entered again.
    """
    flow = bot.triggers.exact(text) if exact else bot.triggers.match(text)
    if flow is None or len(frames) >= DEEPEST_STACK or any(frame.flow == flow.name for frame in frames):
        return None
    return flow


def _action(bot: Bot, payload: object, frames: Sequence[Frame]) -> Route:
    if not isinstance(payload, str):
        return Expired()
    kind, _, rest = payload.partition(":")
    if kind == "flow":
        flow = bot.registry.newest(rest)
        under_way = any(frame.flow == rest for frame in frames) or len(frames) >= DEEPEST_STACK
        return Expired() if flow is None or under_way else Start(flow, "")
    address, _, mark = rest.rpartition(":")
    if kind == "ask" and frames:
        top = frames[-1]
        if top.pending is not None and address == f"{top.run}:{top.pending.path}":
            return Offer(Pressed(mark))
    return Expired()
