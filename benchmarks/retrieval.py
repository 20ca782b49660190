"""Retrieval: how long a search takes in tenants of several sizes beside many others, and whether it finds all."""

from __future__ import annotations

import math
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import accumulate
from typing import Any
from uuid import UUID

import asyncpg

from benchmarks.lab import Lab
from benchmarks.report import Cell, Table, Verdict, percentile
from flows.knowledge.embedding import MiniLm
from storage.database import Database
from storage.ids import uuid7
from storage.migrate import dispatch_url, runtime_url
from storage.retrieval import Retrieval

# What a search by meaning must find, asked without Parley.
_NEAREST = """
select chunk_id from document_embeddings
where tenant_id = $1 and model = $2
order by (embedding <=> (select $3::real[]::halfvec)) + 0
limit $4
"""

OTHERS_CHUNKS = 100
PASSAGES = 8
# Most milliseconds that the middle search may take, by the tenant's chunks.
FLOORS = {1_000: 2.0, 10_000: 15.0}
_VOCABULARY = 20_000
_WORDS_A_CHUNK = 95
_WORDS_A_QUESTION = 8
_BATCH = 1_000
# Not counted: plans are made, pages come into memory.
_FIRST = 10


async def measure(
    lab: Lab, *, sizes: Sequence[int], others: int, questions: int
) -> tuple[list[Table], list[Verdict]]:
    """Search tenants of so many chunks beside `others` tenants of a hundred."""
    words = Words(random.Random(7))
    url = await lab.database("retrieval")
    async with _filled(url, words, sizes, others) as tenants:
        database = await Database.open(runtime_url(url), dispatch_url(runtime_url(url)))
        try:
            rows: list[tuple[Cell, ...]] = []
            verdicts = []
            for size, tenant_id in tenants.items():
                ms, recall = await _search(database, url, tenant_id, words, questions)
                rows.append((f"{size:,} chunks", percentile(ms, 50), percentile(ms, 95), f"{recall:.3f}"))
                if size in FLOORS:
                    floor, p50 = FLOORS[size], percentile(ms, 50)
                    verdicts.append(
                        Verdict(
                            f"search among {size:,} chunks: p50",
                            f"{p50:.1f} ms",
                            f"< {floor:g} ms",
                            p50 < floor,
                        )
                    )
                verdicts.append(
                    Verdict(f"search among {size:,} chunks: recall", f"{recall:.3f}", "1.000", recall == 1.0)
                )
        finally:
            await database.close()
    note = f"Beside {others} tenants of {OTHERS_CHUNKS} chunks; the question's embedding is not in it."
    return [Table("Search", ("a tenant of", "p50 ms", "p95 ms", "recall"), rows, note)], verdicts


class Words:
    """Texts of made-up words, of which few are frequent and most are rare, as in a language."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        syllables = [c + v for c in "bcdfghklmnprstvz" for v in "aeiou"]
        self._words = ["".join(chance.choices(syllables, k=chance.randint(2, 4))) for _ in range(_VOCABULARY)]
        self._weights = list(accumulate(1 / (rank + 5) for rank in range(_VOCABULARY)))

    def text(self, count: int) -> str:
        return " ".join(self._chance.choices(self._words, cum_weights=self._weights, k=count))

    def vector(self) -> list[float]:
        """Some direction, of length one as all embeddings are."""
        numbers = [self._chance.gauss(0, 1) for _ in range(MiniLm.dimensions)]
        length = math.hypot(*numbers)
        return [number / length for number in numbers]


@asynccontextmanager
async def _filled(
    url: str, words: Words, sizes: Sequence[int], others: int
) -> AsyncIterator[dict[int, UUID]]:
    """The tenants by size, made between the others."""
    owner = await asyncpg.connect(url)
    try:
        for _ in range(others // 2):
            await _fill(owner, words, OTHERS_CHUNKS)
        tenants = {size: await _fill(owner, words, size) for size in sizes}
        for _ in range(others - others // 2):
            await _fill(owner, words, OTHERS_CHUNKS)
        await owner.execute("vacuum analyze")
        yield tenants
    finally:
        await owner.close()


async def _fill(owner: asyncpg.Connection[Any], words: Words, chunks: int) -> UUID:
    tenant_id, document_id = uuid7(), uuid7()
    await owner.execute(
        "insert into tenants (tenant_id, slug, name) values ($1, $2, 'x')",
        tenant_id,
        f"t{tenant_id.hex[-30:]}",
    )
    await owner.execute(
        """
        insert into documents (tenant_id, id, source, source_id, content, content_hash, created_at, updated_at)
        values ($1, $2, 'kb', 'all', '', sha256(''), now(), now())
        """,
        tenant_id,
        document_id,
    )
    for start in range(0, chunks, _BATCH):
        count = min(_BATCH, chunks - start)
        ids = [uuid7() for _ in range(count)]
        await owner.execute(
            """
            insert into document_chunks (tenant_id, id, document_id, position, content)
            select $1, id, $2, $3 + position, content
            from unnest($4::uuid[], $5::text[]) with ordinality chunk (id, content, position)
            """,
            tenant_id,
            document_id,
            start,
            ids,
            [words.text(_WORDS_A_CHUNK) for _ in range(count)],
        )
        # Random directions, made by the server: sending them would take longer than all else.
        await owner.execute(
            f"""
            insert into document_embeddings (tenant_id, model, chunk_id, embedding)
            select $1, $2, id, l2_normalize((select array_agg(random_normal()::real)
                                             from generate_series(1, {MiniLm.dimensions})
                                             where id is not null)::halfvec)
            from unnest($3::uuid[]) id
            """,
            tenant_id,
            MiniLm.model,
            ids,
        )
    return tenant_id


async def _search(
    database: Database, url: str, tenant_id: UUID, words: Words, questions: int
) -> tuple[list[float], float]:
    """How long each search took in milliseconds; and the share found of the truly nearest."""
    retrieval = Retrieval(database)
    ms: list[float] = []
    found = wanted = 0

    async def find(vector: Sequence[float], lexical_weight: float) -> set[UUID]:
        passages = await retrieval.find(
            tenant_id,
            words.text(_WORDS_A_QUESTION),
            model=MiniLm.model,
            embedding=vector,
            limit=PASSAGES,
            lexical_weight=lexical_weight,
        )
        return {passage.chunk_id for passage in passages}

    owner = await asyncpg.connect(url)
    try:
        for number in range(_FIRST + questions):
            vector = words.vector()
            started = time.perf_counter()
            await find(vector, 0.5)
            if number >= _FIRST:
                ms.append((time.perf_counter() - started) * 1000)
            nearest = {
                row["chunk_id"]
                for row in await owner.fetch(_NEAREST, tenant_id, MiniLm.model, vector, PASSAGES)
            }
            wanted += len(nearest)
            found += len(nearest & await find(vector, 0.0))
    finally:
        await owner.close()
    return ms, found / wanted
