"""Whether a passage says something about a question, so that a bot can say that it does not know.

The limits were found with `parley eval retrieval`, on questions that the documents answer, questions about other
things, and small talk. No single one of them tells these apart: one word that happens to be in the documents
covers all of "hello", and "are you a robot" is like any text about bots.
"""

from __future__ import annotations

from collections.abc import Sequence

from flows.knowledge.quoting import stems
from storage.knowledge import Passage

# Alike enough whatever the words.
_ALIKE = 0.5
# Rather alike, with some of the words.
_RATHER_ALIKE, _SOME_WORDS = 0.3, 0.2
# Little alike, with nearly all of the words, of which there are several.
_LITTLE_ALIKE, _NEARLY_ALL_WORDS, _SEVERAL = 0.15, 0.75, 2
# Where nothing is known of likeness: most of the words, of which there are several.
_MOST_WORDS = 0.6


def fitting(question: str, passages: Sequence[Passage]) -> list[Passage]:
    """Those of the passages that fit the question, in their order."""
    several = len(stems(question)) >= _SEVERAL
    return [passage for passage in passages if _fits(passage, several)]


def _fits(passage: Passage, several_words: bool) -> bool:
    alike, covered = passage.similarity, passage.coverage
    if alike is None:
        return covered >= _MOST_WORDS and several_words
    return (
        alike >= _ALIKE
        or (alike >= _RATHER_ALIKE and covered >= _SOME_WORDS)
        or (alike >= _LITTLE_ALIKE and covered >= _NEARLY_ALL_WORDS and several_words)
    )
