"""Retrieval: the passages of a tenant's documents that fit a question."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from storage.database import Database
from storage.knowledge import Passage
from storage.statements import Statements

# Measured over eight question sets: .3 and .7 cost one to two hundredths of MRR.
LEXICAL_WEIGHT = 0.5

# In `migrations/versions/0005_knowledge.sql`.
_FIND = "select * from find_passages($1, $2, $3, $4, $5, $6, $7)"


class Retrieval:
    """Searches by words and by meaning, in one statement, exactly, within one tenant."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = Statements("retrieval")

    async def has_documents(self, tenant_id: UUID) -> bool:
        """Whether there is anything to search. Raises Unavailable."""
        async with self._database.tenant(tenant_id) as connection:
            return bool(await connection.fetchval(self._sql.has_documents, tenant_id))

    async def find(
        self,
        tenant_id: UUID,
        question: str,
        *,
        model: str,
        embedding: Sequence[float],
        limit: int = 8,
        language: str = "en",
        lexical_weight: float = LEXICAL_WEIGHT,
    ) -> list[Passage]:
        """The best passages, best first; none when the tenant has no documents. Raises Unavailable.

        `embedding` is the question's, by `model`. `language` chooses the full-text configuration of the
        question; a chunk was indexed by its own. `lexical_weight` (0 to 1) is the part that words have.
        """
        rows = await self._database.call_many(
            _FIND, tenant_id, question, language, model, embedding, lexical_weight, limit
        )
        return [Passage(**row) for row in rows]
