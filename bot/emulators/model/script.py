"""What the emulator is told to do with its next requests.

A step is a JSON object:

    {"text": "Hello" or ["Hel", "lo"]}        says this, in these pieces
    {"thinking": "…"}                         thinks first
    {"tool_use": {"name": "…", "input": {}}}  calls a tool, or several when it is a list
    {"cite": [0, 1]}                          the text quotes these search results
    {"stop_reason": "refusal"}                ends like this
    {"error": 529, "retry_after": 3}          answers with an error instead
    {"delay": 0.1}                            waits as long before each event
    {"fault": "cut", "after": 4}              breaks the connection off after as many events; 0: before all
    {"fault": "stall", "after": 4, "seconds": 60}
    {"fault": "error", "after": 4, "type": "overloaded_error"}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bot.emulators.model.answering import Block, citation, pieces
from bot.emulators.model.asked import Asked

_FAULTS = ("cut", "stall", "error")
_STOPS = {
    *("end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal"),
    "model_context_window_exceeded",
}


class BadScript(ValueError):
    """A script that cannot be followed; says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong in an answer after `after` events."""

    kind: Literal["cut", "stall", "error"]
    after: int = 0
    seconds: float = 3600.0
    type: str = "overloaded_error"


@dataclass(frozen=True, slots=True)
class Step:
    """How one request is answered. Without `text` and `tools` the emulator answers by itself."""

    text: tuple[str, ...] | None = None
    thinking: str | None = None
    tools: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    cite: tuple[int, ...] = ()
    stop_reason: str | None = None
    error: int | None = None
    retry_after: int | None = None
    delay: float = 0.0
    fault: Fault | None = None

    def blocks(self, asked: Asked) -> tuple[Block, ...] | None:
        """What it says, None where the emulator is to answer by itself."""
        if self.text is None and not self.tools:
            return None
        cited = tuple(citation(result, 0) for result in asked.results if result.index in self.cite)
        said = () if self.text is None else (Block(self.text, cited),)
        return (*said, *(Block(tool=name, arguments=arguments) for name, arguments in self.tools))


def steps(script: Any) -> list[Step]:
    """Read a script. Raises BadScript."""
    if not isinstance(script, list):
        raise BadScript("a script is a list of steps")
    return [_step(step, f"step {number}") for number, step in enumerate(script, 1)]


def _step(step: Any, place: str) -> Step:
    if not isinstance(step, dict):
        raise BadScript(f"{place} is no object")
    known = {
        *("text", "thinking", "tool_use", "cite", "stop_reason", "error", "retry_after", "delay"),
        *("fault", "after", "seconds", "type"),
    }
    if unknown := step.keys() - known:
        raise BadScript(f"{place} has the unknown key {sorted(unknown)[0]!r}")
    stop_reason = step.get("stop_reason")
    if stop_reason is not None and stop_reason not in _STOPS:
        raise BadScript(f"{place}: stop_reason is one of {', '.join(sorted(_STOPS))}")
    try:
        return Step(
            _text(step.get("text")),
            step.get("thinking"),
            _tools(step.get("tool_use")),
            tuple(int(index) for index in step.get("cite", ())),
            stop_reason,
            None if step.get("error") is None else int(step["error"]),
            None if step.get("retry_after") is None else int(step["retry_after"]),
            float(step.get("delay", 0.0)),
            _fault(step, place),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadScript(f"{place} cannot be read ({error})") from None


def _text(text: Any) -> tuple[str, ...] | None:
    if text is None:
        return None
    return pieces(text) if isinstance(text, str) else tuple(str(piece) for piece in text)


def _tools(tools: Any) -> tuple[tuple[str, Mapping[str, Any]], ...]:
    listed = [] if tools is None else [tools] if isinstance(tools, dict) else tools
    return tuple((str(tool["name"]), dict(tool.get("input", {}))) for tool in listed)


def _fault(step: Mapping[str, Any], place: str) -> Fault | None:
    kind = step.get("fault")
    if kind is None:
        return None
    if kind not in _FAULTS:
        raise BadScript(f"{place}: fault is one of {', '.join(_FAULTS)}")
    return Fault(
        kind,
        int(step.get("after", 0)),
        float(step.get("seconds", 3600.0)),
        str(step.get("type", "overloaded_error")),
    )
