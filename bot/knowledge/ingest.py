"""Ingest: files become documents that answers are taken from; what changed is made anew, what has gone is deleted."""

from __future__ import annotations

import asyncio
import hashlib
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

import orjson
import structlog

from bot.knowledge.folders import Listing, list_files
from bot.knowledge.places import Places
from bot.knowledge.reports import Progress, Report
from flows.knowledge.chunking import VERSION, Chunk, chunk
from flows.knowledge.documents import MAX_BYTES, Document, Skipped
from flows.knowledge.embedding import Embedder
from flows.knowledge.reading.files import kind_is_known, read, too_large
from storage.documents import Documents
from storage.errors import Conflict, StorageError, Unavailable
from storage.knowledge import NewChunk, NewDocument

log = structlog.get_logger("parley.knowledge")

# Chunks that are embedded together: enough to keep the model busy, few enough to be held in memory.
_AT_ONCE = 128
_ATTEMPTS = 3


def _unseen(_: Progress) -> None:
    return


async def ingest(
    documents: Documents,
    embedder: Embedder,
    paths: Sequence[Path],
    tenant_id: UUID,
    *,
    source: str = "kb",
    url_prefix: str | None = None,
    language: str = "en",
    on_progress: Callable[[Progress], None] = _unseen,
) -> Report:
    """Take files and folders into a tenant's documents.

    A document's `source_id` is its path below the folder that was given; where another folder has one of the same
    name, with its own folder's name before it. `language` is that of files which name none. Raises Failed when a
    path does not exist, and Unavailable when Postgres stays away; what is wrong with a file is in the report.
    """
    started = time.monotonic()
    listings = [await asyncio.to_thread(list_files, path) for path in paths]
    total = sum(len(listing.files) for listing in listings)
    report = Report()
    done = 0

    def advance(path: Path) -> None:
        nonlocal done
        done += 1
        on_progress(Progress(done, total, path))

    for listing in listings:
        one = _Ingest(documents, embedder, tenant_id, source, url_prefix, language, report, advance)
        await one.take(listing)
    report.seconds = time.monotonic() - started
    return report


@dataclass(frozen=True, slots=True)
class _Made:
    """A file read and cut, not yet embedded."""

    path: Path
    document: NewDocument
    chunks: list[Chunk]


class _Ingest:
    """The taking of one path that was given."""

    def __init__(
        self,
        documents: Documents,
        embedder: Embedder,
        tenant_id: UUID,
        source: str,
        url_prefix: str | None,
        language: str,
        report: Report,
        advance: Callable[[Path], None],
    ) -> None:
        self._documents = documents
        self._embedder = embedder
        self._tenant_id = tenant_id
        self._source = source
        self._url_prefix = url_prefix
        self._language = language
        self._report = report
        self._advance = advance
        self._hashes: dict[str, bytes] = {}
        self._places = Places({}, [])

    async def take(self, listing: Listing) -> None:
        """Make the listing's files documents, and delete those of a folder whose files have gone."""
        self._report.skipped += listing.skipped
        before = self._report.taken
        await self._look()
        for old in self._places.moved(listing):
            await self._documents.adopt(self._tenant_id, self._source, old, str(listing.root))
            await self._look()
        root = self._places.root_of(listing)
        await self._documents.delete(self._tenant_id, self._places.misnamed(listing, root))
        present: set[Path] = set()
        waiting: list[_Made] = []
        for path in listing.files:
            match await self._make(path, root):
                case _Made() as made:
                    present.add(path)
                    waiting.append(made)
                case Skipped(reason):
                    self._skip(path, reason)
                case None:
                    present.add(path)
            if sum(len(each.chunks) for each in waiting) >= _AT_ONCE:
                await self._keep(waiting)
                waiting = []
        await self._keep(waiting)
        # A folder in which nothing can be read is rather a mistake than a wish to delete everything.
        if self._report.taken > before:
            gone = self._places.gone(listing, present)
            self._report.deleted += await self._documents.delete(self._tenant_id, gone)

    async def _look(self) -> None:
        self._hashes = await self._documents.hashes(self._tenant_id, self._source)
        self._places = Places(self._hashes, await self._documents.places(self._tenant_id, self._source))

    async def _make(self, path: Path, root: Path) -> _Made | Skipped | None:
        """What the file is to become; None when nothing is to be done, or nothing can be."""
        try:
            found = await asyncio.to_thread(_read, path, self._language)
        except OSError as error:
            self._skip(path, f"it cannot be read: {error.strerror}")
            return None
        except Exception as error:
            # One file must not keep the others out, whatever it does to us.
            log.exception("reading_failed")
            self._skip(path, f"reading it failed, a mistake of ours: {type(error).__name__}")
            return None
        if isinstance(found, Skipped):
            return found
        document, chunks = found
        made = _Made(path, self._described(path, root, document), chunks)
        if made.document.content_hash == self._hashes.get(made.document.source_id):
            self._report.unchanged += 1
            self._advance(path)
            return None
        return made

    def _described(self, path: Path, root: Path, document: Document) -> NewDocument:
        url = document.url
        if self._url_prefix is not None:
            below = path.relative_to(root).as_posix() if path != root else path.name
            url = f"{self._url_prefix.rstrip('/')}/{quote(below)}"
        told = {} if url is None else {"url": url}
        return NewDocument(
            self._source,
            self._places.name(path, root),
            document.title,
            document.text,
            _digest(document, told, self._embedder.model),
            document.language,
            # Where it lies is no part of the hash: a folder that is moved changes no answer.
            {**told, "root": str(root), "path": str(path)},
        )

    async def _keep(self, group: list[_Made]) -> None:
        """Embed and store; where that fails for several, each is tried by itself."""
        try:
            vectors = await self._embed([each for made in group for each in made.chunks])
        except Exception as error:
            if len(group) > 1:
                for made in group:
                    await self._keep([made])
                return
            log.exception("embedding_failed")
            self._skip(group[0].path, f"embedding it failed: {type(error).__name__}")
            return
        for made in group:
            chunks, vectors = vectors[: len(made.chunks)], vectors[len(made.chunks) :]
            await self._put(made, [_embedded(*each) for each in zip(made.chunks, chunks, strict=True)])

    async def _embed(self, chunks: Sequence[Chunk]) -> list[array[float]]:
        vectors: list[array[float]] = []
        for start in range(0, len(chunks), _AT_ONCE):
            texts = [each.embedded for each in chunks[start : start + _AT_ONCE]]
            vectors += [array("f", vector) for vector in await self._embedder.embed(texts)]
        return vectors

    async def _put(self, made: _Made, chunks: list[NewChunk]) -> None:
        document = made.document
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                change = await self._documents.put(self._tenant_id, document, chunks, self._embedder.model)
                break
            except Conflict:
                # Another ingest took the name meanwhile.
                await self._look()
                name = self._places.name(made.path, Path(document.metadata["root"]))
                document = replace(document, source_id=name)
            except Unavailable as error:
                if attempt == _ATTEMPTS:
                    raise
                await asyncio.sleep(error.retry_after)
            except StorageError:
                raise
            except Exception as error:
                log.exception("storing_failed")
                self._skip(made.path, f"storing it failed, a mistake of ours: {type(error).__name__}")
                return
        else:
            self._skip(made.path, "its name was taken by others again and again: try once more")
            return
        match change:
            case "created":
                self._report.created += 1
            case "changed":
                self._report.changed += 1
            case "unchanged":
                self._report.unchanged += 1
        self._report.chunks += len(chunks) if change != "unchanged" else 0
        self._advance(made.path)

    def _skip(self, path: Path, reason: str) -> None:
        self._report.skipped.append((path, reason))
        self._advance(path)


def _read(path: Path, language: str) -> tuple[Document, list[Chunk]] | Skipped:
    """The file's document in chunks. Raises OSError."""
    if kind_is_known(path.name) and (size := path.stat().st_size) > MAX_BYTES:
        return too_large(size)
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1 if kind_is_known(path.name) else 0)
    document = read(path.name, content, language=language)
    return document if isinstance(document, Skipped) else (document, chunk(document.title, document.text))


def _embedded(made: Chunk, vector: array[float]) -> NewChunk:
    return NewChunk(made.position, made.heading, made.content, made.search_text, vector)


def _digest(document: Document, told: dict[str, str], model: str) -> bytes:
    """A digest of everything that a document's rows are made of."""
    parts = [document.title, document.text, document.language, told, VERSION, model]
    return hashlib.sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).digest()
