"""A tenant's documents and the folder that they come from, with a model that costs nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from bot.knowledge.ingest import ingest
from bot.knowledge.reports import Report
from storage.documents import Documents


class Embedder:
    """Counts what it is asked for, and refuses texts with "poison" in them."""

    model = "all-MiniLM-L6-v2-int8"
    dimensions = 384
    is_loaded = True

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        if any("poison" in text for text in texts):
            raise ValueError("no")
        self.texts += texts
        await asyncio.sleep(0)
        return [[1.0] + [0.0] * 383 for _ in texts]


class Shelf:
    """A tenant with documents, and the folder that they come from."""

    def __init__(self, documents: Documents, tenant_id: UUID, folder: Path) -> None:
        self.documents = documents
        self.tenant_id = tenant_id
        self.folder = folder
        self.embedder = Embedder()

    def write(self, name: str, content: str | bytes = "words") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    async def ingest(self, *paths: Path, **options) -> Report:
        chosen = paths or (self.folder,)
        return await ingest(self.documents, self.embedder, chosen, self.tenant_id, **options)

    async def names(self, source: str | None = None) -> list[str]:
        return [each.source_id for each in await self.documents.list_all(self.tenant_id, source)]

    async def text(self, name: str) -> str:
        return (await self.documents.show(self.tenant_id, name)).content
