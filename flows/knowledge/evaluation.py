"""How good retrieval is: questions with the documents that answer them, and what a search made of each.

A file of questions is JSON Lines: `{"question": "How do I start it?", "sources": ["README.md"]}`. A question whose
`sources` are empty is one that the documents do not answer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import orjson

from config.errors import ConfigError
from flows.knowledge.fit import fitting
from storage.knowledge import Passage

DEEPEST = 10


class QuestionsUnreadable(ConfigError):
    """A file of questions cannot be used; the text says which line and what to do."""


@dataclass(frozen=True, slots=True)
class Question:
    """`sources` are the `source_id`s of the documents that answer it."""

    text: str
    sources: frozenset[str]


@dataclass(frozen=True, slots=True)
class Miss:
    """A question whose best passage is of the wrong document. `rank` of the first right one, from 1."""

    question: str
    rank: int | None
    found: str


@dataclass(frozen=True, slots=True)
class Scores:
    """`hit` is the share of questions with a right document among the first 1, 3 and 10; `ndcg` is at 10.

    `answered`: the share of answerable questions with a fitting passage; `refused`: the share of the others without.
    None where there are no such questions.
    """

    questions: int
    hit: dict[int, float]
    mrr: float
    ndcg: float
    answered: float
    refused: float | None
    misses: tuple[Miss, ...]
    wrongly_answered: tuple[str, ...]


def read_questions(path: Path) -> list[Question]:
    """The questions of a file. Raises QuestionsUnreadable."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise QuestionsUnreadable(f"{path} cannot be read: {error}") from None
    questions = [_question(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not any(question.sources for question in questions):
        raise QuestionsUnreadable(
            f'{path} has no question with sources: write {{"question": "…", "sources": ["…"]}}'
        )
    return questions


def judge(found: Sequence[tuple[Question, Sequence[Passage]]]) -> Scores:
    """The scores of what a search found for each question."""
    answerable = [(question, passages) for question, passages in found if question.sources]
    others = [(question, passages) for question, passages in found if not question.sources]
    ranks = [_rank(question, passages) for question, passages in answerable]
    wrongly = tuple(question.text for question, passages in others if fitting(question.text, passages))
    return Scores(
        questions=len(answerable),
        hit={depth: fmean(rank is not None and rank <= depth for rank in ranks) for depth in (1, 3, DEEPEST)},
        mrr=fmean(1 / rank if rank else 0.0 for rank in ranks),
        # The documents that answer are alternatives, so one of them on top is all that there is to gain.
        ndcg=fmean(1 / math.log2(rank + 1) if rank else 0.0 for rank in ranks),
        answered=fmean(bool(fitting(question.text, passages)) for question, passages in answerable),
        refused=1 - len(wrongly) / len(others) if others else None,
        misses=tuple(
            Miss(question.text, rank, _first(passages))
            for (question, passages), rank in zip(answerable, ranks, strict=True)
            if rank != 1
        ),
        wrongly_answered=wrongly,
    )


def _rank(question: Question, passages: Sequence[Passage]) -> int | None:
    """The place of the first right document, each document counted once."""
    documents = dict.fromkeys(passage.source_id for passage in passages)
    return next((rank for rank, name in enumerate(documents, 1) if name in question.sources), None)


def _first(passages: Sequence[Passage]) -> str:
    return f"{passages[0].source_id} › {passages[0].heading}" if passages else ""


def _question(path: Path, number: int, line: str) -> Question:
    try:
        read = orjson.loads(line)
        text, sources = read["question"], read["sources"]
        if not (isinstance(text, str) and text.strip() and isinstance(sources, list)):
            raise TypeError
        return Question(text, frozenset(map(str, sources)))
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise QuestionsUnreadable(
            f'{path}:{number} is no question: write {{"question": "…", "sources": ["…"]}}'
        ) from None
