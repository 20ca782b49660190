"""The scores of a search, counted by hand."""

from __future__ import annotations

import math
from uuid import UUID

import pytest

from flows.knowledge.evaluation import Question, QuestionsUnreadable, judge, read_questions
from flows.knowledge.fit import fitting
from storage.knowledge import Passage


def passage(source_id: str, similarity: float = 0.6, coverage: float = 0.5) -> Passage:
    return Passage(
        UUID(int=1), UUID(int=2), "kb", source_id, "T", "H", "text", None, 1.0, similarity, coverage
    )


def question(*sources: str) -> Question:
    return Question("how much is it", frozenset(sources))


def test_scores():
    right, second, missed = (
        (question("a", "z"), [passage("a"), passage("b")]),
        (question("a"), [passage("b"), passage("b"), passage("a")]),
        (question("a"), [passage("b", similarity=0.1, coverage=0.1)]),
    )
    known, unknown = (question(), [passage("a", 0.1, 0.1)]), (question(), [passage("a")])
    scores = judge([right, second, missed, known, unknown])
    assert scores.questions == 3
    assert scores.hit == {1: pytest.approx(1 / 3), 3: pytest.approx(2 / 3), 10: pytest.approx(2 / 3)}
    # A document's second passage does not push others down.
    assert scores.mrr == pytest.approx((1 + 1 / 2 + 0) / 3)
    assert scores.ndcg == pytest.approx((1 + 1 / math.log2(3)) / 3)
    assert scores.answered == pytest.approx(2 / 3)
    assert scores.refused == pytest.approx(1 / 2)
    assert [(miss.rank, miss.found) for miss in scores.misses] == [(2, "b › H"), (None, "b › H")]
    assert scores.wrongly_answered == ("how much is it",)


@pytest.mark.parametrize(
    ("asked", "similarity", "coverage", "fits"),
    [
        ("what does a card cost", 0.6, 0.0, True),
        ("what does a card cost", 0.4, 0.3, True),
        ("what does a card cost", 0.4, 0.1, False),
        ("what does a card cost", 0.2, 1.0, True),
        ("what does a card cost", 0.2, 0.5, False),
        ("what does a card cost", 0.1, 1.0, False),
        ("hello", 0.26, 1.0, False),
    ],
)
def test_what_fits(asked: str, similarity: float, coverage: float, fits: bool) -> None:
    assert bool(fitting(asked, [passage("a", similarity, coverage)])) is fits


@pytest.mark.parametrize(
    ("asked", "coverage", "fits"),
    [("was kostet eine karte", 0.7, True), ("was kostet eine karte", 0.5, False), ("karte", 1.0, False)],
)
def test_where_nothing_is_known_of_likeness_most_of_several_words_must_fit(
    asked: str, coverage: float, fits: bool
) -> None:
    passages = [Passage(UUID(int=1), UUID(int=2), "kb", "a", "T", "H", "x", None, 1.0, None, coverage)]
    assert bool(fitting(asked, passages)) is fits


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("", "no question with sources"),
        ('{"question": "q", "sources": []}', "no question with sources"),
        ('{"question": "q", "sources": ["a"]}\n{"question": ""', ":2 is no question"),
        ('{"question": "q", "sources": ["a"]}\n{"question": " ", "sources": []}', ":2 is no question"),
        ("[]", ":1 is no question"),
        ('{"question": "q", "sources": "a"}', ":1 is no question"),
    ],
)
def test_a_file_that_cannot_be_used_says_where(tmp_path, content, line):
    path = tmp_path / "q.jsonl"
    path.write_text(content)
    with pytest.raises(QuestionsUnreadable, match=line):
        read_questions(path)


def test_a_file_of_another_kind(tmp_path):
    (tmp_path / "q.jsonl").write_bytes(b"\xff\xfe")
    for name in ("q.jsonl", "missing.jsonl"):
        with pytest.raises(QuestionsUnreadable, match="cannot be read"):
            read_questions(tmp_path / name)


def test_questions_are_read(tmp_path):
    path = tmp_path / "q.jsonl"
    path.write_text('{"question": "q", "sources": ["a", "b"]}\n\n{"question": "r", "sources": []}\n')
    assert read_questions(path) == [Question("q", frozenset("ab")), Question("r", frozenset())]
