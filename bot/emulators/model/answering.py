"""What the emulator says by itself: it quotes the sentences that fit the question best, and invents nothing."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.emulators.model.asked import Asked, Found

QUOTES = 2
_WORD = re.compile(r"\w+")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n\s*\n")
# Words that say nothing of what is asked.
_EMPTY = frozenset(
    _WORD.findall(
        "a about an and are as at be by can could do does for from get has have how i in is it its me my of on or "
        "our should that the there this to use used was we what when where which who why will with you your"
    )
)


@dataclass(frozen=True, slots=True)
class Block:
    """A block of an answer: text with its citations, or a call of a tool (`tool` is its name)."""

    pieces: tuple[str, ...] = ()
    citations: tuple[Mapping[str, Any], ...] = ()
    tool: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)


def blocks_for(asked: Asked) -> tuple[Block, ...]:
    """The answer to a request that no script is for; the same for the same request."""
    if not any(result.blocks for result in asked.results):
        return (
            Block(
                pieces(f"This is the model emulator, and no model is behind it. You wrote: {asked.question}")
            ),
        )
    quotes = _best(asked)
    if not quotes:
        return (Block(pieces("The search results do not say.")),)
    blocks = []
    for number, (sentence, result, block) in enumerate(quotes):
        if number:
            blocks.append(Block((" ",)))
        blocks.append(Block(pieces(sentence), (citation(result, block),)))
    return tuple(blocks)


def citation(result: Found, block: int) -> Mapping[str, Any]:
    """The location of one block of a search result."""
    return {
        "type": "search_result_location",
        "cited_text": result.blocks[block],
        "search_result_index": result.index,
        "source": result.source,
        "title": result.title,
        "start_block_index": block,
        "end_block_index": block + 1,
    }


def pieces(text: str) -> tuple[str, ...]:
    """A text in the pieces that it is streamed in: three words each."""
    return tuple(re.findall(r"(?:\s*\S+){1,3}\s*", text)) or (text,)


def _best(asked: Asked) -> list[tuple[str, Found, int]]:
    """The sentences that share the question's rarest words: the best one, and those that are nearly as good."""
    wanted = _words(asked.question)
    candidates = list(_sentences(asked))
    spread = Counter(word for sentence, _, _ in candidates for word in _words(sentence))
    scored = []
    for place, (sentence, result, block) in enumerate(candidates):
        shared = wanted & _words(sentence)
        score = sum(math.log(1 + len(candidates) / spread[word]) for word in shared)
        if shared:
            scored.append((-score, place, (sentence, result, block)))
    scored.sort(key=lambda each: each[:2])
    return [quote for score, _, quote in scored[:QUOTES] if score <= 0.6 * scored[0][0]]


def _sentences(asked: Asked) -> Iterator[tuple[str, Found, int]]:
    for result in asked.results:
        for number, text in enumerate(result.blocks):
            for sentence in _SENTENCE.split(text):
                if sentence.strip():
                    yield sentence.strip(), result, number


def _words(text: str) -> frozenset[str]:
    return frozenset(_stem(word) for word in _WORD.findall(text.lower())) - _EMPTY


def _stem(word: str) -> str:
    """Plurals and the like are the same word."""
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) > len(ending) + 3:
            return word.removesuffix(ending)
    return word
