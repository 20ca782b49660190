"""An answer as the API sends it: one message, or its stream of events.

https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bot.emulators.model.answering import Block
from bot.emulators.model.asked import Asked

# A tool's arguments come in pieces of as many characters.
JSON_PIECE = 6

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to `asked`, cut where its tokens are used up."""

    id: str
    asked: Asked
    blocks: tuple[Block, ...]
    stop_reason: str
    thinking: str | None = None

    @classmethod
    def of(
        cls, id_: str, asked: Asked, blocks: Sequence[Block], stop_reason: str | None, thinking: str | None
    ) -> Reply:
        """The answer with these blocks. `stop_reason` None: whatever follows from them."""
        kept, whole = _within(blocks, asked.max_tokens)
        natural = "tool_use" if any(block.tool for block in kept) else "end_turn"
        return cls(id_, asked, kept, stop_reason or (natural if whole else "max_tokens"), thinking)

    def message(self) -> dict[str, Any]:
        """The whole answer, for who does not stream."""
        return {
            **self._envelope(),
            "content": [self._started(n, block, whole=True) for n, block in enumerate(self._all())],
            "stop_reason": self.stop_reason,
            "usage": self._usage(self._output_tokens()),
        }

    def events(self) -> Iterator[Event]:
        """The stream, from `message_start` to `message_stop`, with a ping as the API sends one."""
        yield {"type": "message_start", "message": {**self._envelope(), "usage": self._usage(1)}}
        for index, block in enumerate(self._all()):
            yield {
                "type": "content_block_start",
                "index": index,
                "content_block": self._started(index, block, whole=False),
            }
            if index == 0:
                yield {"type": "ping"}
            for delta in self._deltas(block):
                yield {"type": "content_block_delta", "index": index, "delta": delta}
            yield {"type": "content_block_stop", "index": index}
        yield {
            "type": "message_delta",
            "delta": {"stop_reason": self.stop_reason, "stop_sequence": None},
            "usage": self._usage(self._output_tokens()),
        }
        yield {"type": "message_stop"}

    def _envelope(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "model": self.asked.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
        }

    def _all(self) -> list[Block | str]:
        """The blocks, with what was thought as a text before them."""
        return [*([] if self.thinking is None else [self.thinking]), *self.blocks]

    def _started(self, index: int, block: Block | str, *, whole: bool) -> dict[str, Any]:
        """A block as it begins, or `whole`."""
        if isinstance(block, str):
            return {
                "type": "thinking",
                "thinking": block if whole else "",
                "signature": "emulated" if whole else "",
            }
        if block.tool is not None:
            arguments = dict(block.arguments) if whole else {}
            return {
                "type": "tool_use",
                "id": f"toolu_{self.id[4:]}{index}",
                "name": block.tool,
                "input": arguments,
            }
        started: dict[str, Any] = {"type": "text", "text": "".join(block.pieces) if whole else ""}
        if block.citations:
            started["citations"] = [dict(citation) for citation in block.citations] if whole else []
        return started

    def _deltas(self, block: Block | str) -> Iterator[dict[str, Any]]:
        if isinstance(block, str):
            yield {"type": "thinking_delta", "thinking": block}
            yield {"type": "signature_delta", "signature": "emulated"}
            return
        if block.tool is not None:
            # The API begins with an empty piece.
            text = json.dumps(dict(block.arguments))
            for piece in ("", *(text[at : at + JSON_PIECE] for at in range(0, len(text), JSON_PIECE))):
                yield {"type": "input_json_delta", "partial_json": piece}
            return
        for citation in block.citations:
            yield {"type": "citations_delta", "citation": dict(citation)}
        for piece in block.pieces:
            yield {"type": "text_delta", "text": piece}

    def _usage(self, output_tokens: int) -> dict[str, Any]:
        return {
            "input_tokens": self.asked.prompt_tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": output_tokens,
        }

    def _output_tokens(self) -> int:
        return max(1, sum(_tokens(piece) for block in self.blocks for piece in _texts(block)))


def _within(blocks: Sequence[Block], max_tokens: int) -> tuple[tuple[Block, ...], bool]:
    """The blocks as far as `max_tokens` reach, and whether that is all of them."""
    kept: list[Block] = []
    left = max_tokens
    for block in blocks:
        pieces: list[str] = []
        for piece in _texts(block):
            left -= _tokens(piece)
            if left < 0:
                cut = Block(tuple(pieces), block.citations)
                return (*kept, *([cut] if block.tool is None else [])), False
            pieces.append(piece)
        kept.append(block)
    return tuple(kept), True


def _texts(block: Block) -> tuple[str, ...]:
    return block.pieces if block.tool is None else (json.dumps(dict(block.arguments)),)


def _tokens(text: str) -> int:
    return (len(text.encode()) + 3) // 4
