"""What is kept of a call: its model, parameters, counts and sources' names, and nothing that anybody wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_never

from flows.llm.contract import Cited, Event, Finished, ModelError, ModelRequest, Text, ToolCall, Usage


def described(request: ModelRequest) -> Mapping[str, Any]:
    """A request as JSON, without its texts."""
    return {
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "effort": request.effort,
        "messages": len(request.messages),
        "characters": len(request.system) + sum(len(said.text) for said in request.messages),
        "sources": [source.source for source in request.sources],
        "tools": [tool.name for tool in request.tools],
    }


class Tally:
    """Counts a call's events, and learns how it ended. `usage` is None where nobody knows it."""

    def __init__(self) -> None:
        self.finished: Finished | None = None
        self.usage: Usage | None = None
        self.error: str | None = None
        self._characters = 0
        self._cited: set[int] = set()
        self._tool_calls = 0

    def count(self, event: Event) -> None:
        match event:
            case Text(text):
                self._characters += len(text)
            case Cited(source_index):
                self._cited.add(source_index)
            case ToolCall():
                self._tool_calls += 1
            case Finished(_, usage):
                self.finished, self.usage = event, usage
            case _:
                assert_never(event)

    def failed(self, error: ModelError) -> None:
        """It ended with this error."""
        self.error = f"{error.kind}: {error}"
        self.usage = error.usage

    def described(self) -> Mapping[str, Any]:
        """The answer as JSON, without its texts."""
        return {
            "stop": self.finished.stop if self.finished else None,
            "characters": self._characters,
            "cited": sorted(self._cited),
            "tool_calls": self._tool_calls,
            "cache_read_tokens": self.usage.cache_read_tokens if self.usage else None,
            "cache_write_tokens": self.usage.cache_write_tokens if self.usage else None,
        }
