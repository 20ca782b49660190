"""What writes for a tenant: its choice of a model, asked on record and within what the tenant may spend."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from uuid import UUID

from bot.models import Models
from config.bots import ModelConfig
from flows.llm.contract import Event, ModelRequest
from flows.services import ModelChoice
from storage.knowledge import Passage
from storage.spend import SpendCaps


class Writer:
    """Asks the process's models for a tenant; without any, nothing but quotes is recorded."""

    def __init__(
        self,
        models: Models,
        settings: Callable[[UUID], ModelConfig],
        caps: Callable[[UUID], Awaitable[SpendCaps]],
    ) -> None:
        self._models = models
        self._settings = settings
        self._caps = caps

    def choice(self, tenant_id: UUID) -> ModelChoice | None:
        """The tenant's model; None when the process has no key for one."""
        if self._models.provider is None:
            return None
        settings = self._settings(tenant_id)
        return ModelChoice(
            self._models.provider,
            settings.name,
            settings.instructions,
            settings.max_tokens,
            settings.effort,
        )

    async def stream(
        self,
        tenant_id: UUID,
        session_id: UUID | None,
        message_id: UUID | None,
        purpose: str,
        request: ModelRequest,
    ) -> AsyncGenerator[Event, None]:
        """A model's answer as it comes. Close it to give up. Raises ModelError and StorageError."""
        caps = await self._caps(tenant_id)
        async with aclosing(
            self._models.stream(tenant_id, session_id, message_id, purpose, request, caps=caps)
        ) as events:
            async for event in events:
                yield event

    async def note_quotes(
        self,
        tenant_id: UUID,
        session_id: UUID | None,
        message_id: UUID | None,
        purpose: str,
        passages: Sequence[Passage],
        latency_ms: int,
    ) -> None:
        """Put on record that these were quoted without a model. Raises StorageError."""
        sources = [f"{passage.source}/{passage.source_id}" for passage in passages]
        await self._models.record_extractive(
            tenant_id, session_id, message_id, purpose, sources=sources, latency_ms=latency_ms
        )
