"""Search: BM25 as by hand, vectors exactly, both fused; nobody else's documents, and nothing that was deleted."""

from __future__ import annotations

import hashlib
import math
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.documents import Documents
from storage.knowledge import NewChunk, NewDocument
from storage.retrieval import Retrieval

MODEL = "all-MiniLM-L6-v2-int8"
WORDS = (
    "refund",
    "card",
    "limit",
    "euro",
    "week",
    "cheap",
    "blue",
    "parcel",
    "order",
    "bank",
    "tree",
    "stone",
    "lamp",
)


def towards(*axes: int) -> list[float]:
    """A vector of length one between these axes."""
    length = math.sqrt(len(axes))
    return [1 / length if axis in axes else 0.0 for axis in range(384)]


def document(source_id: str, **metadata: str) -> NewDocument:
    digest = hashlib.sha256(source_id.encode()).digest()
    return NewDocument("kb", source_id, f"Title of {source_id}", "text", digest, "en", metadata)


def chunk(position: int, text: str, *axes: int, heading: str = "Guide › Cards") -> NewChunk:
    return NewChunk(position, heading, text, text, towards(*axes or (position,)))


@pytest.fixture
def documents(room, clock):
    return Documents(room.database, clock)


@pytest.fixture
def find(room):
    retrieval = Retrieval(room.database)

    async def find(tenant, question, *axes, **more):
        return await retrieval.find(tenant, question, model=MODEL, embedding=towards(*axes or (300,)), **more)

    return find


async def test_a_passage_tells_where_it_is_from(documents, find, acme):
    await documents.put(
        acme,
        document("fees.md", url="https://x.example/fees"),
        [chunk(0, "a card costs five euro", 7)],
        MODEL,
    )
    (passage,) = await find(acme, "what does a card cost?", 7)
    assert (passage.source, passage.source_id, passage.title) == ("kb", "fees.md", "Title of fees.md")
    assert (passage.heading, passage.content) == ("Guide › Cards", "a card costs five euro")
    assert passage.url == "https://x.example/fees"
    assert passage.similarity == pytest.approx(1.0, abs=0.001)
    assert passage.coverage == pytest.approx(1.0)
    assert passage.score == pytest.approx(1.0)


async def test_a_tenant_without_documents_finds_nothing(find, room, acme):
    assert not await Retrieval(room.database).has_documents(acme)
    assert await find(acme, "anything") == []


@pytest.mark.parametrize(
    "question", ["", "the of and", "'; drop table documents; --", "日本", "&|!():*<->", "x" * 5000]
)
async def test_a_question_of_any_characters_is_only_a_question(documents, find, room, acme, question):
    await documents.put(acme, document("a.md"), [chunk(0, "a card costs five euro")], MODEL)
    assert [passage.content for passage in await find(acme, question, 0)] == ["a card costs five euro"]
    assert await Retrieval(room.database).has_documents(acme)


async def test_words_rank_as_bm25_does(documents, find, acme):
    """Counted here from the definition: k1 = 1.2, b = 0.75, average length 90, df of the tenant."""
    chance = random.Random(3)
    texts = [" ".join(chance.choices(WORDS, k=chance.randint(3, 40))) for _ in range(30)]
    await documents.put(acme, document("a.md"), [chunk(n, text) for n, text in enumerate(texts)], MODEL)
    question = "refund parcel lamp"
    found = await find(acme, question, lexical_weight=1.0, limit=20)
    expected = sorted((bm25(question.split(), text.split(), texts), text) for text in texts)[::-1]
    best = [text for score, text in expected if score > 0]
    assert [passage.content for passage in found] == best[:20]


def bm25(question: list[str], words: list[str], texts: list[str]) -> float:
    score = 0.0
    for word in question:
        df = sum(word in text.split() for text in texts)
        frequency = words.count(word)
        idf = math.log(1 + (len(texts) - df + 0.5) / (df + 0.5))
        score += idf * frequency * 2.2 / (frequency + 1.2 * (0.25 + 0.75 * len(words) / 90))
    return score


async def test_meaning_ranks_by_the_cosine_and_misses_none(documents, find, acme):
    chunks = [chunk(n, f"text {n}", n, 200, *range(300, 300 + n)) for n in range(60)]
    await documents.put(acme, document("a.md"), chunks, MODEL)
    found = await find(acme, "", 200, lexical_weight=0.0, limit=10)
    assert [passage.content for passage in found] == [f"text {n}" for n in range(10)]
    assert [passage.similarity for passage in found] == sorted((p.similarity for p in found), reverse=True)


async def test_both_count(documents, find, acme):
    chunks = [
        chunk(0, "refund of a parcel", 0),
        chunk(1, "money back", 9),
        chunk(2, "refund of money", 9),
        chunk(3, "tree", 3),
    ]
    await documents.put(acme, document("a.md"), chunks, MODEL)
    assert (await find(acme, "refund", 9))[0].content == "refund of money"


async def test_coverage_is_the_part_of_the_questions_weight(documents, find, acme):
    await documents.put(
        acme, document("a.md"), [chunk(0, "refund and parcel"), chunk(1, "refund of stone")], MODEL
    )
    coverage = {p.content: p.coverage for p in await find(acme, "refund parcel")}
    assert coverage["refund and parcel"] == pytest.approx(1.0)
    assert 0 < coverage["refund of stone"] < 0.5  # refund is in both, so it weighs less


async def test_what_was_deleted_or_changed_is_out_at_once(documents, find, acme):
    await documents.put(acme, document("a.md"), [chunk(0, "old words")], MODEL)
    (old,) = await find(acme, "old words", 0)
    await documents.delete(acme, [old.document_id])
    assert await find(acme, "old words", 0) == []


async def test_another_tenants_documents_are_never_found_and_weigh_nothing(
    documents, find, owner, acme, clock
):
    other = await owner.fetchval(
        "insert into tenants (tenant_id, slug, name) values (gen_random_uuid(), 'other', 'Other') returning tenant_id"
    )
    await documents.put(
        acme, document("a.md"), [chunk(0, "refund of a parcel"), chunk(1, "blue tree")], MODEL
    )
    before = await find(acme, "refund blue", 0, 1)
    await documents.put(other, document("b.md"), [chunk(n, "refund refund", 0) for n in range(50)], MODEL)
    assert await find(acme, "refund blue", 0, 1) == before


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(weight=st.floats(0, 1), limit=st.integers(1, 12))
async def test_scores_order_and_stay_within_bounds(documents, find, acme, weight, limit):
    chunks = [chunk(n, " ".join(WORDS[n : n + 3]), n, n + 1) for n in range(12)]
    await documents.put(acme, document("a.md"), chunks, MODEL)
    found = await find(acme, "refund card limit", 2, lexical_weight=weight, limit=limit)
    scores = [passage.score for passage in found]
    assert scores == sorted(scores, reverse=True)
    assert all(-1e-9 <= score <= 1 + 1e-9 for score in scores)
    assert len(found) <= limit
    assert len({passage.chunk_id for passage in found}) == len(found)
