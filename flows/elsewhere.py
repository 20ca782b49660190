"""What a person has under way in another of their chats: offered when they start it here, and taken up.

Looked for only when nothing is under way here and the user is linked to another (`Session.linked`, which comes with
the claim), so that nobody else pays for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flows.exchange import Exchange
from flows.flow import Flow
from flows.record import Damaged, Frame, read_frames
from flows.selves import LINKED, Parked
from flows.signals import Elsewhere
from flows.take_up import TAKE_UP
from storage.outcomes import TakenUp
from storage.records import EntryKind

# What may go on in another session. An approval, or a person who has taken over, belongs to its own.
_MOVABLE = frozenset({"ask", "wait", "otp", "link"})
# Codes hold for one session, so these send a new one.
_CODES = frozenset({"otp", "link"})


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A session's parked flows, as they would go on here."""

    parked: Parked
    frames: list[Frame]

    @property
    def flows(self) -> set[str]:
        return {name for frame in self.frames for name in (frame.flow, frame.origin)}


async def begin(exchange: Exchange, flow: Flow, opening: str) -> None:
    """Start a flow; one that the person has under way in another chat is asked about first."""
    if not exchange.frames and exchange.turn.session.linked:
        for waiting in await _waiting(exchange):
            if flow.name in waiting.flows:
                _offer(exchange, waiting, flow, opening)
                return
    exchange.push(flow, opening)


async def asked_to_carry_on(exchange: Exchange) -> bool:
    """Whether the person said "continue" where nothing is under way and something is elsewhere: it is offered then."""
    entry, bot = exchange.turn.entry, exchange.bot
    if exchange.frames or not exchange.turn.session.linked or entry.kind is not EntryKind.MESSAGE:
        return False
    if bot.command(entry.content) != "carry_on":
        return False
    for waiting in await _waiting(exchange):
        _offer(exchange, waiting, None, entry.content)
        return True
    return False


async def follow(exchange: Exchange, answer: Elsewhere) -> None:
    """Do as the question was answered: the frames move here, or the flow that was meant begins."""
    bot, question = exchange.bot, exchange.frames.pop()
    exchange.consumed = True
    if answer.session_id is None:
        flow = bot.registry.newest(answer.flow)
        if flow is not None:
            exchange.push(flow, question.opening)
        else:
            exchange.tell(bot.texts.take_up_left)
        return
    chosen = next(
        (each for each in await _waiting(exchange) if str(each.parked.session_id) == answer.session_id), None
    )
    if chosen is None:
        exchange.tell(bot.texts.take_up_gone)
        return
    for frame in chosen.frames:
        _bring(exchange, frame, chosen.parked.session_id)
    place = exchange.services.selves.place_of(exchange.turn.session.platform)
    notice = bot.texts.taken_up_there.format(place=place)
    exchange.adopt(chosen.frames, TakenUp(chosen.parked.session_id, chosen.parked.version, notice))
    exchange.tell(bot.texts.taken_up)


async def is_there_still(exchange: Exchange, taken_up: TakenUp) -> bool:
    """Whether what a lost attempt took up still waits where it was."""
    return any(
        (each.parked.session_id, each.parked.version) == (taken_up.session_id, taken_up.version)
        for each in await _waiting(exchange)
    )


async def told_of_link(exchange: Exchange) -> bool:
    """Whether the entry is the news that the user was linked from another chat, and no flow waits to hear it.

    The person is told then, if it is so: an event alone proves nothing.
    """
    payload = exchange.turn.entry.payload
    if not isinstance(payload, dict) or payload.get("name") != LINKED:
        return False
    if any(frame.pending is not None and frame.pending.kind == "link" for frame in exchange.frames):
        return False
    value = payload.get("value")
    who = value.get("user") if isinstance(value, dict) else None
    for other in await exchange.services.selves.of(exchange.turn.session):
        if str(other.user_id) == who:
            text = exchange.bot.texts.linked_there
            exchange.tell(text.format(place=other.place, name=other.called))
    return True


def since(exchange: Exchange, then: datetime) -> str:
    """A day as people say it: "today", "yesterday", "Monday", else its date. UTC."""
    texts, day = exchange.bot.texts, then.date()
    days = (exchange.services.now().date() - day).days
    if days <= 0:
        return texts.today
    if days == 1:
        return texts.yesterday
    names = texts.weekdays.split()
    return names[day.weekday()] if days < 7 and len(names) == 7 else day.isoformat()


async def _waiting(exchange: Exchange) -> Iterator[_Waiting]:
    """What can be taken up here, the latest first."""
    parked = await exchange.services.selves.parked(exchange.turn.session)
    waiting = (_Waiting(each, _frames(each)) for each in parked)
    return (each for each in waiting if each.frames and _is_movable(exchange, each.frames))


def _frames(parked: Parked) -> list[Frame]:
    try:
        return read_frames(parked.data)
    except Damaged:
        return []


def _is_movable(exchange: Exchange, frames: list[Frame]) -> bool:
    return all(
        frame.flow != TAKE_UP.name
        and exchange.bot.registry.newest(frame.flow) is not None
        and frame.pending is not None
        and frame.pending.kind in _MOVABLE
        and not any(row.kind == "approve" and "used" not in (row.value or ()) for row in frame.rows.values())
        for frame in frames
    )


def _offer(exchange: Exchange, waiting: _Waiting, flow: Flow | None, opening: str) -> None:
    bottom = waiting.frames[0]
    asked = flow or exchange.bot.resolve(bottom.origin or bottom.flow)
    exchange.push(TAKE_UP, opening)
    question = exchange.frames[-1]
    question.slots = {
        "session": str(waiting.parked.session_id),
        "title": asked.title,
        "place": waiting.parked.place,
        "since": since(exchange, waiting.parked.since),
        "flow": flow.name if flow else "",
    }
    # So that "start over" starts what was meant.
    question.origin = flow.name if flow else ""


def _bring(exchange: Exchange, frame: Frame, home: UUID) -> None:
    """Make a frame fit for this session: its timers are new ones, its calls keep their idempotency keys."""
    new_id = exchange.services.new_id
    frame.alarms = [alarm._replace(id=str(new_id())) for alarm in frame.alarms]
    frame.home = frame.home or str(home)
    if frame.pending is not None and frame.pending.kind in _CODES:
        frame.pending = None
