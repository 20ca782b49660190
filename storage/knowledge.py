"""The values of knowledge that cross the border of `storage`: documents, their chunks, passages found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A document to be kept. `source` and `source_id` together say which it is, `content_hash` whether it changed.

    `content_hash` is a SHA-256 over everything that was made from it. `metadata` may have a `url`.
    """

    source: str
    source_id: str
    title: str
    content: str
    content_hash: bytes
    language: str = "en"
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewChunk:
    """A piece of a document, as it is searched.

    `heading` is the path of headings above it ("Guide › Install"); `search_text` is what full text sees in
    place of `content`; `embedding` is of length one.
    """

    position: int
    heading: str
    content: str
    search_text: str
    embedding: Sequence[float]


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk that was found for a question.

    `score` (0 to 1) orders the passages of one search and means nothing beyond it. `similarity` is the cosine
    of question and chunk, None where there is none that says anything; `coverage` (0 to 1) is the part of
    the question's weight, by rarity of its words, that the chunk contains.
    """

    chunk_id: UUID
    document_id: UUID
    source: str
    source_id: str
    title: str
    heading: str
    content: str
    url: str | None
    score: float
    similarity: float | None
    coverage: float
