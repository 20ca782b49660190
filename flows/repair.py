"""Conversation repair: an earlier answer corrected, a question asked back, a question that is not understood.

What `cancel`, `start over`, `back` and `help` do is in the engine. Each repair has a name, and a bot's own flow of the
name `repair_<name>` takes the place of the built-in words (see `own`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flows.bot import Bot
from flows.errors import Unavailable
from flows.exchange import Exchange
from flows.flow import Flow
from flows.knowledge.fit import fitting
from flows.record import Frame
from flows.routing import DEEPEST_STACK
from flows.triggers import normalise

# The second wrong answer in a row.
MISUNDERSTOOD_AFTER = 2


@dataclass(frozen=True, slots=True)
class Correction:
    """What a message corrects: `old`, an answer or a question's name (empty: not said), to `new`.

    `plain`: it says so; otherwise ("actually …") it is one only where it answers nothing.
    """

    new: str
    old: str
    plain: bool


@dataclass(frozen=True, slots=True)
class Place:
    """An answered question that a correction fits, by its path in the record.

    `strict`: it does not take any text. `among_choices`: it takes its choices only. `named`: the correction named it.
    """

    path: str
    strict: bool
    among_choices: bool
    named: bool
    sensitive: bool


def correction(bot: Bot, text: str) -> Correction | None:
    """The correction that a message may be."""
    said = text.strip().rstrip(".!").rstrip()
    for pattern, plain in bot.corrections:
        found = pattern.fullmatch(said)
        parts = found.groupdict("") if found else {}
        if new := parts.get("new", "").strip():
            return Correction(new, parts.get("old", "").strip(), plain)
    return None


def names(correction: Correction, question: str, answers: Sequence[object]) -> bool:
    """Whether a correction names a question, by its name or by what was answered."""
    old = normalise(correction.old)
    return bool(old) and old in {normalise(question), *(normalise(str(answer)) for answer in answers)}


def corrected(
    said: Correction | None, places: Sequence[Place], last_answer: str, *, free_text: bool
) -> Place | None:
    """Which of the answered questions that a correction fits it is about; None when it is about none.

    `places` in the order of the conversation; `last_answer` is the path of the last answered question. `free_text`:
    the question that waits takes any text, so that only a plain correction is one. What takes any text is corrected
    only if it was named, or was the last to be answered and nothing else fits.
    """
    if said is None or (free_text and not said.plain):
        return None
    if said.old:
        return next((place for place in reversed(places) if place.named), None)
    strict = [place for place in places if place.strict]
    among = [place for place in strict if place.among_choices]
    if among or strict:
        return (among or strict)[-1]
    just_answered = bool(places) and places[-1].path == last_answer
    return places[-1] if said.plain and not free_text and just_answered else None


async def asked_back(exchange: Exchange, text: str) -> Flow | None:
    """The flow that answers a question asked in the middle of another; None when it is none, or nobody can tell.

    Raises PortFailed.
    """
    bot = exchange.bot
    if not any(pattern.fullmatch(text.strip()) for pattern in bot.questions):
        return None
    flow = own(bot, "question", exchange.frames)
    if flow is None or not flow.needs_passages:
        return flow
    try:
        found = await exchange.port(exchange.services.retrieve(text))
    except Unavailable:
        return None
    return flow if fitting(text, found) else None


def own(bot: Bot, name: str, frames: Sequence[Frame]) -> Flow | None:
    """The bot's flow for a repair, unless it is under way already or too much is."""
    flow = bot.registry.newest(f"repair_{name}")
    if flow is None or len(frames) >= DEEPEST_STACK or any(frame.flow == flow.name for frame in frames):
        return None
    return flow
