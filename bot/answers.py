"""What answers from documents: the embedding model, the search, the language model. Built once for a process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from bot.bots import TenantBots
from bot.knowledge.finding import Finder
from bot.likeness import Likeness
from bot.models import Models
from bot.writing import Writer
from flows.knowledge.embedding import MiniLm
from flows.llm.anthropic import Anthropic
from storage.clock import Clock
from storage.database import Database
from storage.documents import Documents
from storage.llm_calls import LlmCalls
from storage.retrieval import Retrieval
from storage.spend import Spend, SpendCaps
from storage.tenants import Tenants


@dataclass(frozen=True, slots=True)
class ModelAccess:
    """How a model is reached. `base_url` None is the provider's own address."""

    api_key: str
    base_url: str | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """The parts that turns and commands use."""

    finder: Finder
    writer: Writer
    likeness: Likeness
    documents: Documents
    embedder: MiniLm
    spend: Spend


@asynccontextmanager
async def open_answers(
    database: Database,
    clock: Clock,
    tenants: Tenants,
    bots: TenantBots,
    model: ModelAccess | None,
    *,
    warm: bool,
) -> AsyncIterator[Answers]:
    """Build the parts. `model` None: answers are quotes. `warm` loads what is slow to load before it is needed."""
    async with AsyncExitStack() as stack:
        embedder = MiniLm()
        stack.callback(embedder.close)
        provider = None
        if model is not None:
            provider = Anthropic(model.api_key, model.base_url)
            stack.push_async_callback(provider.close)
            if warm:
                # Its import takes two seconds, which the first question need not wait for.
                loading = asyncio.create_task(provider.load())
                stack.push_async_callback(_ended, loading)

        async def caps(tenant_id: UUID) -> SpendCaps:
            return SpendCaps.of((await tenants.load(tenant_id)).settings)

        spend = Spend(database, clock)
        models = Models(provider, LlmCalls(database, clock), spend, clock)
        yield Answers(
            Finder(Retrieval(database), embedder, bots.knowledge),
            Writer(models, bots.model, caps),
            Likeness(embedder),
            Documents(database, clock),
            embedder,
            spend,
        )


async def _ended(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.wait({task})
