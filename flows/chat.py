"""The chat that a flow's function gets: every verb of the flow API."""

from __future__ import annotations

from flows.stage import Stage
from flows.verbs import answer, ask, call, end, enter, memo, say, verify_otp


class Chat(Stage):
    """A conversation with one person. Verbs are awaited in the flow's own task, one after another."""

    __slots__ = ()

    say = say.say
    ask = ask.ask
    call = call.call
    memo = memo.memo
    answer = answer.answer
    verify_otp = verify_otp.verify_otp
    enter = enter.enter
    end = end.end
