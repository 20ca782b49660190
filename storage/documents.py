"""Documents: kept with their chunks and embeddings, each change in one transaction.

What a tenant's chunks count up to, for BM25, is kept by triggers (`migrations/versions/0005_knowledge.sql`): who
changes chunks of a tenant at the same time as another waits there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Literal, TypeAlias
from uuid import UUID

import asyncpg

from storage.clock import Clock
from storage.database import Database
from storage.errors import Conflict, Invalid, NotFound
from storage.ids import uuid7
from storage.knowledge import NewChunk, NewDocument
from storage.statements import Statements

Change: TypeAlias = Literal["created", "changed", "unchanged"]

# A statement has 30 seconds, and a thousand chunks take about one.
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Place:
    """The file that a document was read from, and the folder (or the file itself) that was given."""

    document_id: UUID
    source_id: str
    root: str
    path: str


@dataclass(frozen=True, slots=True)
class ListedDocument:
    """A document without its text."""

    id: UUID
    source: str
    source_id: str
    title: str
    metadata: Mapping[str, Any]
    chunks: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document with its text, as Markdown."""

    listed: ListedDocument
    content: str


class Documents:
    """The documents of all tenants, each seen by its own only."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._sql = Statements("documents")

    async def hashes(self, tenant_id: UUID, source: str) -> dict[str, bytes]:
        """The hash of each document of a source, by its `source_id`."""
        async with self._database.tenant(tenant_id) as connection:
            rows = await connection.fetch(self._sql.hashes, tenant_id, source)
        return {row["source_id"]: row["content_hash"] for row in rows}

    async def places(self, tenant_id: UUID, source: str) -> list[Place]:
        """Where those documents of a source lie that have `root` and `path` in their metadata."""
        async with self._database.tenant(tenant_id) as connection:
            rows = await connection.fetch(self._sql.places, tenant_id, source)
        return [Place(row["id"], row["source_id"], row["root"], row["path"]) for row in rows]

    async def put(
        self, tenant_id: UUID, document: NewDocument, chunks: Sequence[NewChunk], model: str
    ) -> Change:
        """Keep a document with its chunks, in place of what was kept of it.

        Of an unchanged one (by `content_hash`) at most the metadata is written. Raises Conflict when the
        `source_id` is that of a document whose metadata names another `path`, and Invalid when the database
        does not know the model or its size.
        """
        async with self._database.tenant(tenant_id) as connection:
            await connection.execute(self._sql.wait_longer)
            found = await self._take(connection, tenant_id, document)
            now = self._clock()
            if isinstance(found, UUID):
                document_id = found
            else:
                document_id = found["id"]
                if found["content_hash"] == document.content_hash:
                    if found["metadata"] != dict(document.metadata):
                        await connection.execute(
                            self._sql.describe, tenant_id, document_id, dict(document.metadata), now
                        )
                    return "unchanged"
                await connection.execute(
                    self._sql.change,
                    tenant_id,
                    document_id,
                    document.title,
                    document.content,
                    document.content_hash,
                    dict(document.metadata),
                    now,
                )
                await connection.execute(self._sql.drop_chunks, tenant_id, document_id)
            await self._add(connection, tenant_id, document_id, document.language, chunks, model)
        return "created" if isinstance(found, UUID) else "changed"

    async def delete(self, tenant_id: UUID, ids: Sequence[UUID]) -> int:
        """Delete documents with all that was made of them; how many there were."""
        async with self._database.tenant(tenant_id) as connection:
            await connection.execute(self._sql.wait_longer)
            there = [row["id"] for row in await connection.fetch(self._sql.take_many, tenant_id, list(ids))]
            if there:
                await connection.execute(self._sql.delete_many, tenant_id, there)
        return len(there)

    async def adopt(self, tenant_id: UUID, source: str, old_root: str, new_root: str) -> None:
        """Follow a folder that was moved: what was read from it lies below `new_root` now."""
        async with self._database.tenant(tenant_id) as connection:
            await connection.execute(self._sql.adopt, tenant_id, source, old_root, new_root)

    async def list_all(self, tenant_id: UUID, source: str | None = None) -> list[ListedDocument]:
        """A tenant's documents, of one source or of all, by source and source's id."""
        async with self._database.tenant(tenant_id) as connection:
            rows = await connection.fetch(self._sql.list_all, tenant_id, source)
        return [_listed(row) for row in rows]

    async def show(self, tenant_id: UUID, name: UUID | str, source: str | None = None) -> StoredDocument:
        """The document of an id or a `source_id`.

        Raises NotFound, and Conflict where several sources have a document of this name.
        """
        document_id = name if isinstance(name, UUID) else _as_id(name)
        async with self._database.tenant(tenant_id) as connection:
            rows = await connection.fetch(self._sql.find, tenant_id, document_id, str(name), source)
        if not rows:
            raise NotFound(
                f"there is no document {str(name)!r}; `parley documents list` shows those there are"
            )
        if len(rows) > 1:
            sources = ", ".join(row["source"] for row in rows)
            raise Conflict(f"{str(name)!r} is in several sources ({sources}): name one with --source")
        return StoredDocument(_listed(rows[0]), rows[0]["content"])

    async def _take(
        self, connection: asyncpg.Connection[Any], tenant_id: UUID, document: NewDocument
    ) -> asyncpg.Record | UUID:
        """The document that is there, locked; else the id of a new one."""
        while True:
            row = await connection.fetchrow(self._sql.take, tenant_id, document.source, document.source_id)
            if row is not None:
                path, ours = row["metadata"].get("path"), document.metadata.get("path")
                if path is not None and ours is not None and path != ours:
                    raise Conflict(f"{document.source_id!r} of {document.source!r} was read from {path}")
                return row
            made: UUID | None = await connection.fetchval(
                self._sql.create,
                tenant_id,
                uuid7(),
                document.source,
                document.source_id,
                document.title,
                document.content,
                document.content_hash,
                dict(document.metadata),
                self._clock(),
            )
            if made is not None:
                return made

    async def _add(
        self,
        connection: asyncpg.Connection[Any],
        tenant_id: UUID,
        document_id: UUID,
        language: str,
        chunks: Sequence[NewChunk],
        model: str,
    ) -> None:
        rest = iter(chunks)
        while batch := list(islice(rest, _AT_ONCE)):
            ids = [uuid7() for _ in batch]
            await connection.execute(
                self._sql.add_chunks,
                tenant_id,
                document_id,
                language,
                ids,
                [chunk.position for chunk in batch],
                [chunk.heading for chunk in batch],
                [chunk.content for chunk in batch],
                [chunk.search_text for chunk in batch],
            )
            try:
                await connection.executemany(
                    self._sql.add_embedding,
                    [
                        (tenant_id, model, chunk_id, chunk.embedding)
                        for chunk_id, chunk in zip(ids, batch, strict=True)
                    ],
                )
            except asyncpg.CheckViolationError:
                size = len(batch[0].embedding)
                raise Invalid(
                    f"the database has no place for vectors of {model!r} with {size} dimensions: "
                    "add_embedding_model() makes one"
                ) from None


def _listed(row: Mapping[str, Any]) -> ListedDocument:
    return ListedDocument(
        row["id"],
        row["source"],
        row["source_id"],
        row["title"],
        row["metadata"],
        row["chunks"],
        row["created_at"],
        row["updated_at"],
    )


def _as_id(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None
