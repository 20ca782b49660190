"""`verify_otp`: make sure that it is the person, by a one-time code."""

from __future__ import annotations

import re

from flows.errors import Unavailable
from flows.input import Typed
from flows.record import Pending, Status
from flows.routing import digression
from flows.selves import masked
from flows.services import OtpRefused, Verdict
from flows.signals import Parked, Unverified
from flows.stage import Stage
from flows.vocabulary import Reply
from storage.outcomes import Dispatch, Result

_CODE = re.compile(r"(?<!\d)\d{4,10}(?!\d)")


async def verify_otp(chat: Stage, to: str | None = None, via: str | None = None) -> None:
    """Send a code and return once the person has entered it.

    `to` is the address (default: where the tenant's settings say), `via` the platform that carries it.
    Without an address, after too many wrong codes, and when codes cannot be checked at all, the flow goes
    on in its `unverified` branch and nowhere else.
    """
    run = chat.run
    run.begin("verify_otp")
    failure = await prove(chat, to, via)
    if failure is not None:
        raise run.leave(Unverified(failure))


async def prove(chat: Stage, to: str | None, via: str | None) -> str | None:
    """Have a code sent and entered; why that failed, None once it has been done. Parks while it is open."""
    run = chat.run
    key = chat.key("otp")
    path = chat.scope + key
    row = run.find(path, "otp")
    if row is None:
        run.open(path)
        run.frame.sensitive = True
        waiting = run.frame.pending is not None and run.frame.pending.path == path
        given = run.take(path, "otp") if waiting else None
        failure = await (_hear(chat, path, given, to, via) if waiting else _send(chat, path, to, via, ""))
        run.exchange.consumed = True
        chat.record(key, "otp", failure, status=Status.FAILED if failure else Status.OK)
        # A right guess is used up: without this, a turn that is lost here could not prove it again.
        await run.port(run.exchange.checkpoint())
        row = run.frame.rows[path]
    return str(row.value) if row.status is Status.FAILED else None


async def _hear(chat: Stage, path: str, given: object, to: str | None, via: str | None) -> str | None:
    """What the input comes to: None when verified, else why not. Parks while it is open."""
    run, texts = chat.run, chat.run.exchange.bot.texts
    if not isinstance(given, Typed):
        raise _waiting(chat, path, texts.otp_repeat)
    if run.exchange.bot.command(given.text) == "resend":
        return await _send(chat, path, to, via, "", again=True)
    guess = _CODE.search(re.sub(r"(?<=\d)[\s-]+(?=\d)", "", given.text))
    if guess is None:
        if place := run.correctable_place(free_text=False):
            raise run.correct(place)
        if flow := digression(run.exchange.bot, given.text, run.exchange.frames, exact=False):
            raise run.digress(flow)
        raise _waiting(chat, path, texts.otp_repeat)
    run.exchange.redact = True
    services, turn = run.exchange.services, run.exchange.turn
    try:
        check = services.otp_check(turn, _purpose(chat, path), guess.group())
        verdict = await run.port(run.exchange.port(check))
    except Unavailable:
        raise _waiting(chat, path, texts.otp_down) from None
    match verdict:
        case Verdict.OK:
            return None
        case Verdict.WRONG:
            raise _waiting(chat, path, texts.otp_wrong)
        case Verdict.EXPIRED:
            return await _send(chat, path, to, via, texts.otp_expired + " ", again=True)
        case _:
            run.exchange.say(Reply(texts.otp_locked))
    return "locked"


async def _send(
    chat: Stage, path: str, to: str | None, via: str | None, lead: str, *, again: bool = False
) -> str:
    """Have a code made and sent with this turn's commit, and wait; returns why when it cannot be."""
    run, exchange = chat.run, chat.run.exchange
    try:
        start = exchange.services.otp_start(exchange.turn, _purpose(chat, path), to, via)
        started = await run.port(exchange.port(start))
    except Unavailable:
        exchange.say(Reply(exchange.bot.texts.otp_down))
        return "unavailable"
    if isinstance(started, OtpRefused):
        return started.reason
    content = exchange.bot.texts.otp_message.format(code=started.code)
    exchange.dispatches.append(
        Dispatch(exchange.services.new_id(), started.channel_id, started.address, content)
    )
    text = exchange.bot.texts.otp_again if again else exchange.bot.texts.otp_ask
    shown = masked(started.address) if started.secret else started.address
    exchange.note(Result("otp_sent", "otp", shown, "ok", run.frame.flow, run.frame.run, path))
    raise _waiting(chat, path, lead + text.format(address=shown))


def _waiting(chat: Stage, path: str, text: str) -> Parked:
    """Say the text and wait for a code; raise what this returns."""
    chat.run.exchange.say(Reply(text))
    return chat.run.park(Pending(path, "otp", "otp", sensitive=True))


def _purpose(chat: Stage, path: str) -> str:
    """Binds a code to this flow, this run of it and this verb; the port adds the session."""
    return f"{chat.run.frame.flow}/{chat.run.frame.run}/{path}"
