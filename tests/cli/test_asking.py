"""`ingest`, `ask` and `eval retrieval`, as somebody uses them who tries Parley's own guides."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def guides(tmp_path_factory):
    """The demo's documents, from which the demo's start leaves what is no document."""
    return [str(ROOT / "README.md"), str(ROOT / "docs")]


def test_the_guides_are_taken_in_and_answer(deployed, guides):
    deployed.run("tenant", "create", "demo")
    taken = deployed.run("ingest", *guides, "--tenant", "demo", "--json")
    assert taken.code == 0, taken.err
    assert taken.json["created"] > 20

    answer = deployed.run("ask", "How does the one-time code check work?")
    assert "This is what I found" in answer.out
    assert "\n  [1] " in answer.out
    told = deployed.run("ask", "What is the capital of Mongolia?", "--json").json
    assert (told["found"], told["text"], told["citations"]) == (False, "", [])

    scores = deployed.run("eval", "retrieval", str(ROOT / "docs/questions.jsonl"), "--json").json
    # Floors, a little below what was measured.
    assert scores["mrr"] >= 0.8
    assert scores["hit"]["3"] >= 0.9
    assert scores["answered"] >= 0.93
    assert scores["refused"] == 1.0
    said = deployed.run("eval", "retrieval", str(ROOT / "docs/questions.jsonl")).out
    assert "MRR@10: 0." in said
    assert said.count("\nmiss: ") == len(scores["misses"])


def test_questions_name_documents_that_there_are(deployed, guides):
    deployed.run("tenant", "create", "demo")
    deployed.run("ingest", *guides, "--tenant", "demo")
    there = {
        document["source_id"]
        for document in deployed.run("documents", "list", "--tenant", "demo", "--json").json
    }
    from flows.knowledge.evaluation import read_questions

    named = {
        source for question in read_questions(ROOT / "docs/questions.jsonl") for source in question.sources
    }
    assert named <= there


def test_what_cannot_be_asked_says_why(deployed, tmp_path):
    assert "there is no tenant 'nobody'" in deployed.run("ask", "why?", "--tenant", "nobody").said
    questions = tmp_path / "q.jsonl"
    questions.write_text("{")
    refused = deployed.run("eval", "retrieval", str(questions))
    assert (refused.code, "q.jsonl:1 is no question" in refused.said) == (1, True)
