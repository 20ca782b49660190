"""What an `approve` does with what was said or decided, or with time that is up: settled, or asked again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from flows.approval import Action, is_made
from flows.input import Input, Pressed, Puzzled, TimeUp, Typed
from flows.record import ASKER, OTHERS, Pending, Row, Status
from flows.routing import digression
from flows.signals import Parked
from flows.stage import Stage
from flows.timers import set_alarms, time_is_up
from flows.triggers import normalise
from flows.visible import as_lines
from flows.vocabulary import ApprovalMark, Button, Card, Reply
from storage.approval_records import ApprovalStatus, Approvers, Decision, NewApproval

_YES, _NO = "yes", "no"


@dataclass(frozen=True, slots=True)
class Asked:
    """One approval as it is asked for now; `hash` is what a decision is bound to."""

    key: str
    path: str
    shown: str
    card: Card | None
    action: Action
    by: Approvers
    hash: bytes
    expires: timedelta

    @property
    def label(self) -> str:
        """Tells, on record, whether the person who talks may decide it."""
        return ASKER if self.by.the_asker else OTHERS


async def receive(chat: Stage, asked: Asked) -> None:
    """Record what came of it, or ask for it and wait."""
    run, exchange, texts = chat.run, chat.run.exchange, chat.run.exchange.bot.texts
    given = run.take(asked.path, asked.label)
    waiting = _waiting(chat, asked.path)
    if waiting is None or waiting.digest != asked.hash.hex():
        # Whatever was said was not said to what is asked for now.
        exchange.consumed = exchange.consumed or given is not None
        if waiting is not None:
            exchange.void_approvals[UUID(waiting.value["id"])] = "changed"
        raise _ask(chat, asked, "" if waiting is None else texts.approve_changed)
    approval_id = UUID(waiting.value["id"])
    decision = await _hear(chat, asked, approval_id, given)
    stands = _what_counts(chat, decision, await _settle(chat, asked, approval_id, decision))
    if stands.status is ApprovalStatus.PENDING:
        if not asked.by.the_asker:  # the person is not the one to be reminded
            raise _parked(chat, asked)
        raise _put(chat, asked, approval_id, asked.shown)
    if given is not None:
        exchange.consumed = True
    if decision is not None and decision.by is not None and stands.status is not decision.status:
        late = stands.status is ApprovalStatus.EXPIRED
        exchange.say(Reply(texts.approve_expired if late else texts.approve_decided))
    value = {
        **waiting.value,
        "status": stands.status.value,
        "reason": stands.reason,
        "by": stands.by,
    }
    chat.record(asked.key, "approve", value, digest=waiting.digest)


def _waiting(chat: Stage, path: str) -> Row | None:
    """The approval that the flow has been waiting for here; not one that was left behind by going back."""
    frame = chat.run.frame
    row = frame.rows.get(path)
    at_it = frame.pending is not None and frame.pending.path == path
    return row if row is not None and row.status is Status.STARTED and at_it else None


async def _hear(chat: Stage, asked: Asked, approval_id: UUID, given: Input | None) -> Decision | None:
    """What is decided by this input, None when nothing is. Parks when it is something else that was said."""
    run, texts = chat.run, chat.run.exchange.bot.texts
    match given:
        case TimeUp(role="due"):
            return Decision(ApprovalStatus.EXPIRED)
        case None if time_is_up(run, asked.path):
            return Decision(ApprovalStatus.EXPIRED)
        case Pressed() | Typed() | Puzzled() if not asked.by.the_asker:
            raise _told(chat, asked, texts.approve_waiting)
        case Pressed(mark):
            answer, _, pressed = mark.partition("-")
            if pressed != approval_id.hex or answer not in (_YES, _NO):
                raise _put(chat, asked, approval_id, f"{texts.expired}\n{asked.shown}")
            return _by_asker(chat, answer == _YES, None)
        case Typed(text):
            return _read(chat, asked, approval_id, text.strip())
        case Puzzled():
            raise _put(chat, asked, approval_id, f"{texts.approve_how}\n{asked.shown}")
        case _:
            return None


def _read(chat: Stage, asked: Asked, approval_id: UUID, text: str) -> Decision:
    """What the asker decides in words: exactly those that mean yes or no. Parks when it is neither."""
    run, bot = chat.run, chat.run.exchange.bot
    words, command = normalise(text), bot.command(text)
    if command == "approve" or words in ("1", normalise(bot.texts.approve_yes)):
        return _by_asker(chat, True, None)
    if command == "reject" or words in ("2", normalise(bot.texts.approve_no)):
        return _by_asker(chat, False, None)
    for pattern in bot.rejections:
        if found := pattern.fullmatch(text):
            return _by_asker(chat, False, found.groupdict().get("reason"))
    if place := run.correctable_place(free_text=False):
        raise run.correct(place)
    if flow := digression(bot, text, run.exchange.frames, exact=False):
        raise run.digress(flow)
    run.exchange.consumed = True
    raise _put(
        chat,
        asked,
        approval_id,
        f"{bot.texts.not_understood} {bot.texts.approve_how}\n{asked.shown}",
    )


def _by_asker(chat: Stage, yes: bool, reason: str | None) -> Decision:
    status = ApprovalStatus.APPROVED if yes else ApprovalStatus.REJECTED
    return Decision(status, f"user:{chat.session.user_id}", reason)


async def _settle(chat: Stage, asked: Asked, approval_id: UUID, decision: Decision | None) -> Decision:
    """Have it decided, once and for all, unless it was before; what stands from now on."""
    run, exchange = chat.run, chat.run.exchange
    settled = exchange.services.approval_settle(
        chat.session, approval_id, asked.hash, decision, sensitive=run.frame.sensitive
    )
    return await run.port(exchange.port(settled))


def _what_counts(chat: Stage, decision: Decision | None, stands: Decision) -> Decision:
    """What the flow goes on with.

    Where the person's own word stands and the flow waits all the same, the turn of it failed or was stopped: it counts
    when they say it again, or when the call was made. What somebody else said counts.
    """
    own = stands.by == f"user:{chat.session.user_id}"
    if stands.status is ApprovalStatus.USED:
        if not is_made(chat.session, chat.run.frame, stands.used_by):
            if decision is not None and decision.status is not ApprovalStatus.APPROVED:
                return decision
            if decision is None and own:
                return Decision(ApprovalStatus.PENDING)
        return Decision(ApprovalStatus.APPROVED, stands.by, stands.reason)
    return Decision(ApprovalStatus.PENDING) if own and decision is None else stands


def _ask(chat: Stage, asked: Asked, lead: str) -> Parked:
    """A new approval, and the question for it; raise what this returns."""
    run, exchange = chat.run, chat.run.exchange
    approval_id, due = exchange.services.new_id(), exchange.services.now() + asked.expires
    exchange.approvals[approval_id] = NewApproval(
        approval_id,
        run.frame.flow,
        asked.action.name,
        as_lines(asked.shown, asked.card),
        asked.hash,
        asked.by,
        due,
        run.frame.sensitive,
    )
    value = {"id": str(approval_id), "action": asked.action.name, "digest": asked.action.digest}
    value["until"] = due.isoformat()
    run.frame.add(chat.scope, asked.key, "approve", asked.hash.hex(), Status.STARTED, value, False)
    run.frame.alarms = []
    set_alarms(run, asked.path, due=due)
    return _put(chat, asked, approval_id, f"{lead}\n{asked.shown}".lstrip("\n"))


def _put(chat: Stage, asked: Asked, approval_id: UUID, text: str) -> Parked:
    """Show it, with buttons for who may press them, and wait; raise what this returns."""
    run, texts = chat.run, chat.run.exchange.bot.texts
    address = f"ask:{run.frame.run}:{asked.path}:"
    buttons: tuple[Button, ...] = ()
    if asked.by.the_asker:
        buttons = (
            Button(texts.approve_yes, f"{address}{_YES}-{approval_id.hex}"),
            Button(texts.approve_no, f"{address}{_NO}-{approval_id.hex}"),
        )
    else:
        text = f"{text}\n{texts.approve_waiting}"
    until = run.frame.rows[asked.path].value["until"]
    run.exchange.say(Reply(text, choices=buttons, card=asked.card, approval=ApprovalMark(approval_id, until)))
    return _parked(chat, asked)


def _told(chat: Stage, asked: Asked, text: str) -> Parked:
    """Say something while somebody else is waited for; raise what this returns."""
    chat.run.exchange.consumed = True
    chat.run.exchange.say(Reply(text))
    return _parked(chat, asked)


def _parked(chat: Stage, asked: Asked) -> Parked:
    return chat.run.park(Pending(asked.path, "approve", asked.label))
