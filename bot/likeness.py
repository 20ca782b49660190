"""How alike a message is to what flows are known by: embeddings, those of the flows kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import mul

from flows.knowledge.embedding import Embedder


class Likeness:
    """Compares texts by the embedding model, which is loaded when it is first needed.

    The vectors of the flows' own texts are kept for as long as the process lives: there are as many as the bots have
    descriptions and phrases, and a changed bot needs a restart.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[str, list[float]] = {}

    async def of(self, text: str, candidates: Mapping[str, Sequence[str]]) -> dict[str, float]:
        """How alike the text is to each candidate: to the nearest of its texts, from -1 to 1."""
        wanted = {known for texts in candidates.values() for known in texts}
        missing = sorted(wanted - self._known.keys())
        vector, *new = await self._embedder.embed([text, *missing])
        self._known.update(zip(missing, new, strict=True))
        return {
            name: max((sum(map(mul, vector, self._known[known])) for known in texts), default=0.0)
            for name, texts in candidates.items()
        }
