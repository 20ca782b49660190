"""`link`: the person's chats on several platforms become one person's, by a one-time code.

What it guards against: codes that somebody else talks a person into. Who types a code is shown which chat it is from,
on which platform and under which name, and what will be shared, before saying yes; who is shown a code is told never
to tell it, and is told in that chat when it was used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flows.elsewhere import since
from flows.errors import FlowMistake, Unavailable
from flows.input import Typed
from flows.record import Pending, Status
from flows.routing import digression
from flows.selves import LINKED, OtherSelf, Refusal
from flows.signals import Parked
from flows.stage import Stage
from flows.verbs.ask import ask
from flows.verbs.verify_otp import prove
from flows.vocabulary import Choice, Reply
from storage.outcomes import Link, SentEvent
from storage.spelling import find_code, spelled


@dataclass(frozen=True, slots=True)
class Linked:
    """The other self: its platform, and its name there or as much of its address as shows who it is."""

    platform: str
    name: str


async def link(chat: Stage, to: str | None = None, via: str | None = None) -> Linked | None:
    """Link this chat's user to the person's self in another chat; None when the person did not go through with it.

    Without an address each of the two chats says `link` and shows a code, and either takes the other's. With `to`
    and `via` the code is sent to that address on that platform and typed here; the link is then to whom the
    platform knows by the address, who is made if new. Nothing is linked before the person has seen what, and said
    yes; the commit that ends that turn writes it. It cannot be gone back past: `unlink` ends it.
    """
    run = chat.run
    run.begin("link")
    if (to is None) != (via is None):
        raise FlowMistake('link: to= and via= belong together: to="+44…", via="whatsapp"')
    met = await (_meet(chat) if to is None or via is None else _reach(chat, to, via))
    if met is None:
        return None
    if not met["done"]:
        texts = run.exchange.bot.texts
        choices = [Choice(texts.link_yes, True), Choice(texts.link_no, False)]
        if not await ask(chat, "link_sure", met["shown"], bool, choices=choices, otherwise=False):
            return None
        _join(chat, met)
    return Linked(met["platform"], met["name"])


async def _meet(chat: Stage) -> dict[str, Any] | None:
    """The self whose code was typed here, or with whose chat this one was linked there."""
    run = chat.run
    key = chat.key("link")
    path = chat.scope + key
    row = run.find(path, "link")
    if row is None:
        run.open(path)
        run.frame.sensitive = True
        waiting = run.frame.pending is not None and run.frame.pending.path == path
        met = None
        if waiting:
            met = await _hear(chat, path, run.take(path, LINKED))
        else:
            await _show_code(chat, path)
        run.exchange.consumed = True
        chat.record(key, "link", met, status=Status.OK)
        # A right code is used up: without this, a turn that is lost here could not prove it again.
        await run.port(run.exchange.checkpoint())
        row = run.frame.rows[path]
    found: dict[str, Any] | None = run.value(row)
    return found


async def _hear(chat: Stage, path: str, given: object) -> dict[str, Any] | None:
    """What came: the news that this chat was linked, or a code. None: too many were wrong. Parks while it is open."""
    run, bot = chat.run, chat.run.exchange.bot
    if (told := await _linked_there(chat, path)) is not None:
        return told
    if not isinstance(given, Typed):
        raise _waiting(chat, path, Reply(bot.texts.link_repeat))
    if bot.command(given.text) == "resend":
        await _show_code(chat, path)
        return None
    code = find_code(given.text)
    if code is None:
        if place := run.correctable_place(free_text=False):
            raise run.correct(place)
        if flow := digression(bot, given.text, run.exchange.frames, exact=False):
            raise run.digress(flow)
        raise _waiting(chat, path, Reply(bot.texts.link_repeat))
    run.exchange.redact = True
    selves = run.exchange.services.selves
    try:
        met = await run.port(run.exchange.port(selves.meet(run.exchange.turn, _at(chat, path), code)))
    except Unavailable:
        raise _waiting(chat, path, Reply(bot.texts.link_down)) from None
    if met is Refusal.LOCKED:
        run.exchange.say(Reply(bot.texts.link_locked))
        return None
    if isinstance(met, Refusal):
        raise _waiting(chat, path, Reply(_why(chat, met)))
    return _met(chat, met)


async def _linked_there(chat: Stage, path: str) -> dict[str, Any] | None:
    """Whom this chat was linked with from the other one, if that is so: an event alone proves nothing."""
    run = chat.run
    told = [value for name, value in run.frame.events if name == LINKED and isinstance(value, dict)]
    run.frame.events = [event for event in run.frame.events if event[0] != LINKED]
    who = next((value.get("user") for value in told if value.get("at") == _at(chat, path)), None)
    if who is None:
        return None
    others = await run.port(run.exchange.port(run.exchange.services.selves.of(chat.session)))
    other = next((each for each in others if str(each.user_id) == who), None)
    return None if other is None else {"done": True, "platform": other.platform, "name": other.called}


async def _show_code(chat: Stage, path: str) -> None:
    """Show a new code and wait; returns when none can be made."""
    run, texts = chat.run, chat.run.exchange.bot.texts
    try:
        code = await run.port(
            run.exchange.port(run.exchange.services.selves.code(run.exchange.turn, _at(chat, path)))
        )
    except Unavailable:
        run.exchange.say(Reply(texts.link_down))
        return
    raise _waiting(chat, path, Reply(texts.link_ask.format(code=spelled(code)), sensitive=True))


async def _reach(chat: Stage, to: str, via: str) -> dict[str, Any] | None:
    """The self at an address, once the code that was sent there has been typed here."""
    run = chat.run
    known = len(run.frame.rows)
    if await prove(chat, to, via) is not None:
        if len(run.frame.rows) > known:
            run.exchange.say(Reply(run.exchange.bot.texts.unverified))
        return None
    key = chat.key("link")
    path = chat.scope + key
    row = run.find(path, "link")
    if row is None:
        run.open(path)
        met = await run.port(
            run.exchange.port(run.exchange.services.selves.reach(run.exchange.turn, via, to))
        )
        if isinstance(met, Refusal):
            run.exchange.say(Reply(_why(chat, met)))
        chat.record(key, "link", None if isinstance(met, Refusal) else _met(chat, met))
        row = run.frame.rows[path]
    found: dict[str, Any] | None = run.value(row)
    return found


def _join(chat: Stage, met: dict[str, Any]) -> None:
    """Have the link written by the turn's commit, and the other chat told."""
    run = chat.run
    key = chat.key("linked")
    path = chat.scope + key
    if run.find(path, "linked") is not None:
        return
    run.open(path)
    exchange = run.exchange
    address = met["external_id"]
    exchange.links.append(Link(UUID(met["user"]), met["platform"] if address else "", address))
    if met["session"]:
        told = {"at": met["at"], "user": str(chat.session.user_id)}
        exchange.events.append(SentEvent(UUID(met["session"]), LINKED, told, f"{run.frame.run}/{path}"))
    chat.record(key, "linked", None, final=True)


def _met(chat: Stage, other: OtherSelf) -> dict[str, Any]:
    """What the record has of another self, with what the person is shown of it."""
    exchange = chat.run.exchange
    texts, under_way = exchange.bot.texts, ""
    if (
        other.flow is not None
        and other.since is not None
        and (flow := exchange.bot.registry.newest(other.flow))
    ):
        under_way = texts.link_under_way.format(flow=flow.title, since=since(exchange, other.since))
    return {
        "done": False,
        "user": str(other.user_id),
        "session": str(other.session_id) if other.session_id else "",
        "at": other.at,
        "platform": other.platform,
        "external_id": other.external_id,
        "name": other.called,
        "shown": texts.link_sure.format(
            place=other.place, name=other.called, count=other.remembered, under_way=under_way
        ),
    }


def _why(chat: Stage, refusal: Refusal) -> str:
    texts = chat.run.exchange.bot.texts
    return {
        Refusal.WRONG: texts.link_wrong,
        Refusal.LOCKED: texts.link_locked,
        Refusal.OWN: texts.link_own,
        Refusal.LINKED: texts.link_linked,
        Refusal.FULL: texts.link_full,
    }[refusal]


def _waiting(chat: Stage, path: str, reply: Reply) -> Parked:
    """Say it and wait for a code, or for news from the other chat; raise what this returns."""
    chat.run.exchange.say(reply)
    return chat.run.park(Pending(path, "link", LINKED, sensitive=True))


def _at(chat: Stage, path: str) -> str:
    """Where this verb waits, by the run of its flow."""
    return f"{chat.run.frame.run}/{path}"
