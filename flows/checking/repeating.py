"""Whether a flow comes the same way each time that it is run over the same record."""

from __future__ import annotations

import inspect
import sys
from dataclasses import dataclass
from datetime import timedelta
from itertools import zip_longest
from pathlib import Path
from traceback import walk_tb
from types import CodeType, FrameType
from typing import Any

import flows
from flows.blame import place
from flows.bot import Bot
from flows.checking.replaying import Bounds, replay
from flows.errors import FlowMistake, Unrecordable
from flows.flow import Flow
from flows.record import read_frames
from flows.rehearsal.acting import act, conversation_of
from flows.rehearsal.conversation import Conversation, NotShown
from flows.rehearsal.forgotten import UNAWAITED, forgotten
from flows.rehearsal.script import Act, Script
from flows.rehearsal.watch import Watch, flows_by_code, stack
from flows.values import encode

_ENGINE = str(Path(flows.__file__).parent)
# The clock moves between the runs, so that a flow that looks at it shows.
_LATER = (timedelta(), timedelta(hours=25), timedelta(hours=25))


@dataclass(frozen=True, slots=True)
class Step:
    """A verb that a run met. `name` is what the record knows it by, `given` what else must not change."""

    flow: str
    place: str
    verb: str
    name: str = ""
    given: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Unsteady:
    """Two runs over one record that differ. Not `grave`: only in words, which are not said twice anyway.

    `mistake`: it is wrong in every run; `flow` may be empty then.
    """

    flow: str
    place: str
    verb: str
    difference: str
    grave: bool
    mistake: bool = False


class _Footprints(Bounds):
    """The verbs that a run meets while it replays."""

    def __init__(self, flows_known: dict[CodeType, str], flow: Flow) -> None:
        self._flows = flows_known
        self._flow = flow
        self.steps: list[Step] = []

    def met(self, verb: str, *, live: bool) -> None:
        super().met(verb, live=live)
        said = sys._getframe(2)
        frames = list(stack(said))
        flow = next(
            (self._flows[each.f_code] for each in frames if each.f_code in self._flows), self._flow.name
        )
        self.steps.append(Step(flow, self._place(frames), verb, *_arguments(said)))

    def _place(self, frames: list[FrameType]) -> str:
        """Where the author's code says the verb; for a branch of `gather`, which is a task of its own, the flow."""
        for frame in frames:
            if not frame.f_code.co_filename.startswith(_ENGINE):
                return f"{frame.f_code.co_filename}:{frame.f_lineno}"
        code = inspect.unwrap(self._flow.script).__code__
        return f"{code.co_filename}:{code.co_firstlineno}"


async def check(bot: Bot, script: Script) -> list[Unsteady]:
    """Play a test, and before each of its turns run what waits several times over its record.

    Mistakes that its turns come to, and what was called without `await`, are found as well.
    """
    conversation = conversation_of(bot, script, Watch(bot, script.given))
    found: dict[tuple[str, str], Unsteady] = {}
    with forgotten() as unawaited:
        for line in script.talk:
            if not isinstance(line, Act):
                continue
            for each in await _repeat(conversation):
                found.setdefault((each.place, each.verb), each)
            try:
                await act(conversation, line)
            except NotShown:
                break
            if (mistake := _mistake(conversation)) is not None:
                found.setdefault((mistake.place, mistake.verb), mistake)
        conversation.failure = None  # it holds on to what was forgotten
    for lost in unawaited:
        mistake = Unsteady("", lost.place, lost.name, UNAWAITED, grave=True, mistake=True)
        found.setdefault((lost.place, lost.name), mistake)
    return list(found.values())


def _mistake(conversation: Conversation) -> Unsteady | None:
    """What the author of the flow that failed in this turn has to change; None for what only the test lacks."""
    failed = conversation.failure
    if failed is None or not isinstance(failed.cause, FlowMistake):
        return None
    known = flows_by_code(conversation.bot)
    met = [known[each.f_code] for each, _ in walk_tb(failed.cause.__traceback__) if each.f_code in known]
    flow = met[-1] if met else ""
    return Unsteady(flow, place(failed.cause), "mistake", str(failed.cause), grave=True, mistake=True)


async def _repeat(conversation: Conversation) -> list[Unsteady]:
    bot, state = conversation.bot, conversation.state
    known = flows_by_code(bot)
    found = []
    for position, frame in enumerate(read_frames(state.data)):
        flow = bot.registry.get(frame.flow, frame.version)
        if flow is None:
            continue
        runs = []
        for later in _LATER:
            frames, prints = read_frames(state.data), _Footprints(known, flow)
            services = conversation.services.fork(later)
            await replay(bot, frames, frames[position], flow, services, prints, session=conversation.session)
            runs.append(prints.steps)
        for other in runs[1:]:
            found += _difference(flow, runs[0], other)
    return found


def _difference(flow: Flow, one: list[Step], other: list[Step]) -> list[Unsteady]:
    """Where two runs part, and before that where they say other words."""
    found = []
    for left, right in zip_longest(one, other):
        step: Step = left or right
        if left is None or right is None:
            told = f"one run comes to {_told(step)}, another ends before it"
        elif (left.place, left.verb, left.name) != (right.place, right.verb, right.name):
            told = f"{_told(left)} in one run, {_told(right)} in another"
        elif left.given != right.given:
            told = f"its arguments differ from run to run: {left.given} and {right.given}"
        else:
            if left.words != right.words:
                told = f"its words differ from run to run: {left.words!r} and {right.words!r}"
                found.append(Unsteady(step.flow, step.place, step.verb, told, grave=False))
            continue
        found.append(Unsteady(step.flow, step.place, step.verb, told, grave=True))
        break
    return found


def _told(step: Step) -> str:
    name = f" {step.name!r}" if step.name else ""
    return f"{step.verb}{name} (line {step.place.rpartition(':')[2]})"


def _arguments(said: FrameType) -> tuple[str, str, str]:
    """The name, the arguments and the words that a verb was given, as they stand in its frame."""
    given = said.f_locals
    name: Any = given.get("name") or given.get("event") or given.get("flow") or given.get("function")
    if isinstance(name, Flow):
        name = name.name
    elif callable(name):
        name = getattr(name, "__name__", type(name).__name__)
    words = next((given[word] for word in ("prompt", "text", "question") if word in given), "")
    return (
        name if isinstance(name, str) else "",
        _written([*given.get("args", ()), *given.get("arguments", ()), *filter(None, [given.get("shown")])]),
        words if type(words) is str else type(words).__name__,
    )


def _written(arguments: list[Any]) -> str:
    try:
        return ", ".join(str(each) for each in encode(arguments, "call"))
    except (Unrecordable, FlowMistake):
        return ""
