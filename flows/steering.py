"""What a message comes to before anything runs: a flow begun, a command carried out, an answer handed on."""

from __future__ import annotations

from enum import Enum
from typing import assert_never

import structlog

from flows.elsewhere import asked_to_carry_on, begin
from flows.exchange import Exchange, PortFailed
from flows.flow import Flow
from flows.input import Input, Puzzled, Typed
from flows.menu import menu, starters
from flows.record import Frame
from flows.refit import step_back, take_back
from flows.repair import Place, own
from flows.router import pick
from flows.routing import Expired, Guess, Menu, Nothing, Offer, Order, Route, Start, Unasked
from flows.timers import hand_down
from flows.vocabulary import Reply
from storage.outcomes import Hand, Result

_log = structlog.get_logger("flows")

ASKED_FOR = "asked for a person"


class Halt(Enum):
    """Nothing is to be run."""

    HALT = "halt"


async def steer(exchange: Exchange, chosen: Route) -> Input | Halt | None:
    """Change the stack of frames as the route says; what the frame on top is run with then, or that none is run."""
    if await asked_to_carry_on(exchange):
        return None
    match chosen:
        case Offer(given):
            return given
        case Start(flow, opening):
            await begin(exchange, flow, opening)
            return None
        case Guess(text, flows):
            await _guess(exchange, text, flows)
            return None
        case Order(name):
            return _obey(exchange, name)
        case Menu():
            _show_menu(exchange, understood=False)
            return Halt.HALT
        case Unasked():
            exchange.tell(exchange.bot.texts.unasked_file)
            return Halt.HALT
        case Expired():
            exchange.consumed = True
            exchange.tell(exchange.bot.texts.expired)
            return None
        case Nothing():
            return Halt.HALT
        case _:
            assert_never(chosen)


def correct(exchange: Exchange, frame: Frame, place: Place, text: str) -> Input | None:
    """Take an earlier answer back, and what to put in its place: nothing when it cannot be taken back."""
    if take_back(frame, frame.rows[place.path]) is None:
        exchange.tell(exchange.bot.texts.corrected)
        return Typed(text)
    exchange.consumed = True
    exchange.redact |= place.sensitive
    exchange.tell(exchange.bot.texts.that_is_done)
    return None


async def _guess(exchange: Exchange, text: str, flows: tuple[Flow, ...]) -> None:
    """Start the flow that the text means; of several the person chooses.

    What a model chose was paid for and may come out differently: it is on record before anything else is done.
    """
    bot = exchange.bot
    picked = await pick(flows, text, exchange.services)
    _log.info("routed", flows=[flow.name for flow in picked.flows], by=picked.by)
    exchange.consumed = True
    if picked.flows or picked.by_model:
        exchange.note(Result("route", picked.by, [flow.name for flow in picked.flows]))
    if len(picked.flows) > 1:
        exchange.say(Reply(bot.texts.which, starters(picked.flows)))
        exchange.settle()
    elif flow := picked.flows[0] if picked.flows else bot.default:
        await begin(exchange, flow, text)
    else:
        _show_menu(exchange, understood=False)
    if picked.by_model:
        try:
            await exchange.checkpoint()
        except PortFailed as failure:
            raise failure.error from failure


def _obey(exchange: Exchange, order: str) -> Input | Halt | None:
    """Carry out a global command."""
    bot, texts, frames = exchange.bot, exchange.bot.texts, exchange.frames
    exchange.consumed = True
    match order:
        case "help" if flow := own(bot, "help", frames):
            exchange.push(flow, exchange.turn.entry.content)
        case "help" if frames:
            return Puzzled()
        case "person" if flow := own(bot, "person", frames):
            exchange.push(flow, exchange.turn.entry.content)
        case "person" if bot.hands_over:
            exchange.hand = Hand(to_person=True, reason=ASKED_FOR)
            exchange.tell(texts.handed_over)
            return Halt.HALT
        case "person":
            exchange.tell(texts.no_person)
        case "cancel" if frames:
            hand_down(frames.pop(), frames)
            _repaired(exchange, "cancel", texts.cancelled)
        case "cancel":
            exchange.tell(texts.nothing_to_cancel)
            return Halt.HALT
        case "start_over" if frames:
            old = frames.pop()
            exchange.push(bot.registry.newest(old.origin) or bot.resolve(old.flow), old.opening)
            frames[-1].events = old.events
            _repaired(exchange, "start_over", texts.started_over)
        case "back" if frames:
            refusal = step_back(frames[-1])
            if refusal is not None:
                exchange.tell(texts.that_is_done if refusal == "that_is_done" else texts.nothing_before)
            else:
                _repaired(exchange, "back", "")
        case _:
            _show_menu(exchange, understood=True)
            return Halt.HALT
    return None


def _repaired(exchange: Exchange, name: str, text: str) -> None:
    """Say that something was repaired: in the bot's own flow of that name, else in a sentence."""
    if flow := own(exchange.bot, name, exchange.frames):
        exchange.push(flow, exchange.turn.entry.content)
    elif text:
        exchange.tell(text)


def _show_menu(exchange: Exchange, *, understood: bool) -> None:
    exchange.say(menu(exchange.bot, understood=understood))
    exchange.settle()
