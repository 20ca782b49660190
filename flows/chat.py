"""The chat that a flow's function gets: every verb of the flow API."""

from __future__ import annotations

from flows.stage import Stage
from flows.verbs import (
    answer,
    approve,
    ask,
    call,
    continue_as,
    end,
    enter,
    flag,
    gather,
    generate,
    handoff,
    link,
    memo,
    remember,
    say,
    send_event,
    unlink,
    verify_otp,
    wait,
)


class Chat(Stage):
    """A conversation with one person. Verbs are awaited in the flow's own task, one after another."""

    __slots__ = ()

    say = say.say
    ask = ask.ask
    call = call.call
    gather = gather.gather
    memo = memo.memo
    remember = remember.remember
    flag = flag.flag
    answer = answer.answer
    generate = generate.generate
    approve = approve.approve
    verify_otp = verify_otp.verify_otp
    enter = enter.enter
    end = end.end
    continue_as = continue_as.continue_as
    wait = wait.wait
    send_event = send_event.send_event
    handoff = handoff.handoff
    link = link.link
    unlink = unlink.unlink
