"""From the Messages API's stream to our events."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from anthropic.types import MessageDeltaUsage, RawMessageStreamEvent
from anthropic.types import Usage as GivenUsage
from anthropic.types.citations_delta import Citation

from flows.llm.contract import (
    Cited,
    ErrorKind,
    Event,
    Finished,
    ModelError,
    StopReason,
    Text,
    ToolCall,
    Usage,
)

_STOPS = {
    "end_turn": StopReason.ENDED,
    "stop_sequence": StopReason.ENDED,
    "pause_turn": StopReason.ENDED,
    "max_tokens": StopReason.MAX_TOKENS,
    "model_context_window_exceeded": StopReason.MAX_TOKENS,
    "tool_use": StopReason.TOOL_USE,
    "refusal": StopReason.REFUSED,
}


class Reply:
    """Reads one answer, event by event; `finished` once it has ended well.

    `sources` maps the API's count of search results to the request's sources.
    """

    def __init__(self, sources: list[int]) -> None:
        self.finished = False
        self._sources = sources
        self._cited: list[Cited] = []
        self._tools: dict[int, tuple[str, str, list[str]]] = {}
        self._stop: str | None = None
        self._usage = Usage()

    def read(self, event: RawMessageStreamEvent) -> Iterator[Event]:
        """What this event means, if anything. Raises ModelError.

        Kinds of events that a later version of the API brings are passed over, as it asks of its clients.
        """
        match event.type:
            case "message_start":
                self._usage = _usage(event.message.usage, self._usage)
            case "content_block_start":
                if event.content_block.type == "tool_use":
                    self._tools[event.index] = (event.content_block.id, event.content_block.name, [])
                elif event.content_block.type == "text" and event.content_block.text:
                    yield Text(event.content_block.text)
            case "content_block_delta":
                match event.delta.type:
                    case "text_delta":
                        if event.delta.text:
                            yield Text(event.delta.text)
                    case "citations_delta":
                        self._cite(event.delta.citation)
                    case "input_json_delta":
                        if event.index in self._tools:
                            self._tools[event.index][2].append(event.delta.partial_json)
                    case _:
                        # What it thinks is not for people.
                        pass
            case "content_block_stop":
                # The API gives citations before their text or after it; ours always follow it.
                yield from self._cited
                self._cited.clear()
            case "message_delta":
                self._stop = event.delta.stop_reason or self._stop
                self._usage = _usage(event.usage, self._usage)
            case "message_stop":
                yield from self._end()

    def _cite(self, citation: Citation) -> None:
        if citation.type == "search_result_location" and 0 <= citation.search_result_index < len(
            self._sources
        ):
            self._cited.append(Cited(self._sources[citation.search_result_index], citation.cited_text))

    def _end(self) -> Iterator[Event]:
        stop = _STOPS.get(self._stop or "")
        if stop is None:
            raise ModelError(
                ErrorKind.INVALID,
                "the model stopped for a reason that this version does not know: update Parley",
            )
        if stop is StopReason.TOOL_USE:
            # Only now is it certain that each is whole: an answer that was cut or ran out of tokens calls none.
            for call_id, name, pieces in self._tools.values():
                yield ToolCall(call_id, name, _arguments("".join(pieces)))
        self.finished = True
        yield Finished(stop, self._usage)


def _arguments(text: str) -> Mapping[str, Any]:
    try:
        parsed = json.loads(text or "{}")
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise ModelError(ErrorKind.INVALID, "the model called a tool with arguments that are no JSON object")
    return parsed


def _usage(given: GivenUsage | MessageDeltaUsage, before: Usage) -> Usage:
    """The counts are cumulative, and a later event leaves out what did not change."""
    read = given.cache_read_input_tokens
    written = given.cache_creation_input_tokens
    read = before.cache_read_tokens if read is None else read
    written = before.cache_write_tokens if written is None else written
    plain = before.prompt_tokens - before.cache_read_tokens - before.cache_write_tokens
    plain = plain if given.input_tokens is None else given.input_tokens
    return Usage(plain + read + written, given.output_tokens, read, written)
