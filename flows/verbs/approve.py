"""`approve`: wait for a person's yes, bound to exactly what will be done."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flows.approval import Action, Approval, approval_of, asker, hash_of, is_done
from flows.errors import FlowMistake
from flows.record import Status
from flows.stage import Stage
from flows.timers import checked
from flows.verbs.deciding import Asked, receive
from flows.visible import as_lines, visible, visible_card
from flows.vocabulary import Card
from storage.approval_records import Approvers

TIME_TO_DECIDE = timedelta(minutes=10)


async def approve(
    chat: Stage,
    shown: str,
    function: Callable[..., Any],
    *arguments: Any,
    by: Approvers = asker,
    expires: timedelta = TIME_TO_DECIDE,
    card: Card | None = None,
) -> Approval:
    """Show what will be done, and wait for somebody's yes to it; false when it was rejected, or nobody said it in time.

    The yes is for `function` with these `arguments`, as `shown` and no other: give what this returns to
    `call(function, *arguments, approval=…)`. `by` says who may decide. Characters that cannot be seen are written
    out. When flow or arguments have changed meanwhile, it is void and asked for anew.
    """
    run = chat.run
    run.begin("approve")
    key = chat.key("approve")
    path = chat.scope + key
    row = run.find(path, "approve")
    if row is None:
        asked = _asked(chat, key, path, shown, card, Action.of(function, arguments, "approve"), by, expires)
        run.open(path)
        done = run.frame.carried.get(path)
        if done is not None and done.digest == asked.hash.hex() and is_done(run.frame, done):
            run.frame.add(chat.scope, key, "approve", done.digest, Status.OK, done.value, False)
        else:
            await receive(chat, asked)
        row = run.frame.rows[path]
    return approval_of(row)


def _asked(
    chat: Stage,
    key: str,
    path: str,
    shown: str,
    card: Card | None,
    action: Action,
    by: Approvers,
    expires: timedelta,
) -> Asked:
    run = chat.run
    run.want(shown)
    if not isinstance(by, Approvers):
        raise FlowMistake('approve: by= is asker, anyone, not_the_asker or operators("ann")')
    if checked(expires, "approve: expires=") <= timedelta():
        raise FlowMistake("approve: expires= is longer than nothing, such as timedelta(minutes=10)")
    shown, card = visible(shown), None if card is None else visible_card(card)
    if not shown.strip():
        raise FlowMistake("approve: say what will be done, so that somebody can approve of it")
    bound = hash_of(chat.session, run.frame.run, path, as_lines(shown, card), by, action)
    return Asked(key, path, shown, card, action, by, bound, expires)
