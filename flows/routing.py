"""Where a message goes, decided without a model and without running anything."""

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
ORDERS = frozenset({"cancel", "start_over", "back", "help"})


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
class Order:
    """One of the words that work everywhere: one of `ORDERS`."""

    name: str


@dataclass(frozen=True, slots=True)
class Menu:
    """Nothing answers to it: say what the bot can do."""


@dataclass(frozen=True, slots=True)
class Expired:
    """A button of an ask that no longer waits."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing waits for such an entry."""


Route: TypeAlias = Offer | Start | Order | Menu | Expired | Nothing


def route(bot: Bot, entry: Entry, frames: Sequence[Frame]) -> Route:
    """Where an entry goes, in the documented order.

    An action goes to its own ask or is expired; then exact global commands; then the ask that waits, which
    itself lets another flow in (see `digression`). With nothing waiting: commands, phrases, patterns, the
    default flow, the menu.
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
        return Offer(Typed(text))
    flow = bot.triggers.match(text) or bot.default
    return Start(flow, text) if flow else Menu()


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
