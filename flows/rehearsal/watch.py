"""Looks on while a test is played: which flows talk, what they call, and what a call is answered with."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from types import CodeType, FrameType
from typing import Any

from flows.bot import Bot
from flows.perform import perform
from flows.rehearsal.script import Answer, Given, Raised

_ASYNC = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


class Watch:
    """Since `begin`: `reached` flows by name, `calls` with their arguments, `problems` of the test itself."""

    def __init__(self, bot: Bot, given: Given) -> None:
        self._given = given
        self._flows = flows_by_code(bot)
        self._taken: dict[str, int] = {}
        self.begin()

    def begin(self) -> None:
        """The person does something: what follows belongs to that."""
        self.reached: list[str] = []
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.problems: list[str] = []

    def met(self, verb: str, *, live: bool) -> None:
        for frame in stack(sys._getframe(2)):
            flow = self._flows.get(frame.f_code)
            if flow is not None and flow not in self.reached:
                self.reached.append(flow)

    def stand_in(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        async def answer(*arguments: Any) -> Any:
            self.calls.append((name, arguments))
            if name in self._given.run:
                result = function(*arguments)
                return await result if inspect.isawaitable(result) else result
            return self._answer(name)

        return answer

    def recall(self, flow: str, kind: str, path: str, digest: str) -> None:
        """A test gives answers by name, not by place."""

    def _answer(self, name: str) -> Any:
        answers = self._given.calls.get(name)
        if answers is None:
            self.problems.append(
                f"the call {name} has no answer: write one under `given: calls: {name}:`, "
                f"or have it really made with `given: run: [{name}]`"
            )
            raise failure("NoAnswer", f"the test has no answer for {name}")
        answer: Answer = answers[min(self._taken.get(name, 0), len(answers) - 1)]
        self._taken[name] = self._taken.get(name, 0) + 1
        if isinstance(answer, Raised):
            raise failure(answer.kind, answer.message)
        return answer.value


def failure(kind: str, message: str) -> Exception:
    """An exception that a call records as `kind`, without trying again."""
    kinds: Any = type(kind, (Exception,), {"permanent": True})
    made: Exception = kinds(message)
    return made


def flows_by_code(bot: Bot) -> dict[CodeType, str]:
    """The flow that each piece of a flow's code belongs to."""
    found: dict[CodeType, str] = {}
    for flow in bot.registry.every_version():
        for function in (flow.script, flow.unverified_branch):
            if function is not None:
                found[inspect.unwrap(function).__code__] = flow.name
    return found


def stack(frame: FrameType | None) -> Iterator[FrameType]:
    """The coroutines from a verb's outwards, as far as the engine or, in a branch of `gather`, its task."""
    while frame is not None and frame.f_code.co_flags & _ASYNC and frame.f_code is not perform.__code__:
        yield frame
        frame = frame.f_back
