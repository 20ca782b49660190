"""Finding passages for a question: the tenant's settings, the embedding, the search."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from uuid import UUID

from config.bots import KnowledgeConfig
from flows.knowledge.embedding import Embedder
from flows.knowledge.words import bigrams
from storage.knowledge import Passage
from storage.retrieval import Retrieval

# A person's question is shorter; what is longer is cut, or one message could cost as much as a hundred.
LONGEST_QUESTION = 1_000
PASSAGES = 8


class Finder:
    """Finds the passages of a tenant's documents that are nearest to a question."""

    def __init__(
        self, retrieval: Retrieval, embedder: Embedder, settings: Callable[[UUID], Awaitable[KnowledgeConfig]]
    ) -> None:
        self._retrieval = retrieval
        self._embedder = embedder
        self._settings = settings

    async def find(self, tenant_id: UUID, question: str, limit: int = PASSAGES) -> list[Passage]:
        """The nearest passages, best first, whether they fit or not. Raises Unavailable."""
        if not self._embedder.is_loaded and not await self._retrieval.has_documents(tenant_id):
            # The model is not loaded for a bot that has nothing to search.
            return []
        settings = await self._settings(tenant_id)
        question = question[:LONGEST_QUESTION]
        (embedding,) = await self._embedder.embed([question])
        found = await self._retrieval.find(
            tenant_id,
            bigrams(question),
            model=self._embedder.model,
            embedding=embedding,
            limit=limit,
            language=settings.language,
            lexical_weight=settings.lexical_weight,
        )
        if settings.language in self._embedder.languages:
            return found
        # What the model makes of a language that it does not know says nothing.
        return [replace(passage, similarity=None) for passage in found]
