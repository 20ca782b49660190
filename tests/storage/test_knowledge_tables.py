"""Chunks as BM25 vectors, embeddings by model."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import pytest

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DIGEST = b"d" * 32


async def chunk(owner, acme, content: str, language: str = "en", search_text: str | None = None):
    document, chunk_id = uuid4(), uuid4()
    await owner.execute(
        """
        insert into documents
            (tenant_id, id, source, source_id, content, content_hash, created_at, updated_at)
        values ($1, $2, 'kb', $2::uuid::text, $3, $4, $5, $5)
        """,
        acme,
        document,
        content,
        DIGEST,
        NOW,
    )
    await owner.execute(
        """
        insert into document_chunks (tenant_id, id, document_id, position, content, language, search_text)
        values ($1, $2, $3, 0, $4, $5, $6)
        """,
        acme,
        chunk_id,
        document,
        content,
        language,
        search_text,
    )
    return chunk_id


async def weight(owner, chunk_id, lexeme: str) -> float:
    """BM25's part of one lexeme in a chunk."""
    return -await owner.fetchval(
        """
        select bm25 <#> ('{' || lexeme_dimension($2) || ':1}/1048576')::sparsevec(1048576)
        from document_chunks where id = $1
        """,
        chunk_id,
        lexeme,
    )


async def test_a_chunks_vector_is_bm25s_half_of_the_score(owner, acme):
    chunk_id = await chunk(owner, acme, "Refunds: a refund takes three days")
    # Of refund (twice), take, three and day: 2 × 2.2 / (2 + 1.2 × (0.25 + 0.75 × 5 / 90)).
    assert await weight(owner, chunk_id, "refund") == pytest.approx(4.4 / (2 + 1.2 * (0.25 + 0.75 * 5 / 90)))
    assert await weight(owner, chunk_id, "day") == pytest.approx(2.2 / (1 + 1.2 * (0.25 + 0.75 * 5 / 90)))
    assert await weight(owner, chunk_id, "nothing") == 0


async def test_a_chunk_is_read_in_its_own_language(owner, acme):
    german = await chunk(owner, acme, "Die Rückerstattungen dauern", "de")
    assert await weight(owner, german, "ruckerstatt") > 0
    chinese = await chunk(owner, acme, "退款需要", "zh", "退款 款需 需要")
    assert await weight(owner, chinese, "款需") > 0
    assert (
        await owner.fetchval(
            "select bm25::text from document_chunks where id = $1", await chunk(owner, acme, "")
        )
        == "{}/1048576"
    )


async def test_each_model_has_its_partition_and_its_size(owner, acme):
    chunk_id = await chunk(owner, acme, "a refund")
    add = """
        insert into document_embeddings (tenant_id, model, chunk_id, embedding)
        values ($1, $2, $3, $4::text::halfvec)
    """
    await owner.execute("select add_embedding_model('Tiny Model/2', 3)")
    await owner.execute(add, acme, "Tiny Model/2", chunk_id, "[1,0,0]")
    await owner.execute(add, acme, "all-MiniLM-L6-v2-int8", chunk_id, str([0.1] * 384).replace(" ", ""))
    with pytest.raises(asyncpg.CheckViolationError, match="size"):
        await owner.execute(add, uuid4(), "Tiny Model/2", chunk_id, "[1,0]")
    with pytest.raises(asyncpg.CheckViolationError, match="no partition"):
        await owner.execute(add, acme, "unknown", chunk_id, "[1,0]")
    plan = await owner.fetch("explain select from document_embeddings where model = 'Tiny Model/2'")
    assert "minilm" not in str(plan)
    await owner.execute("drop table document_embeddings_tiny_model_2")
    assert await owner.fetchval("select count(*) from document_embeddings") == 1
