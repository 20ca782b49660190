"""Calls of models: a row is written before the call and settled once, after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg

from storage.clock import Clock
from storage.database import Database
from storage.errors import NotFound
from storage.ids import uuid7
from storage.statements import Statements


@dataclass(frozen=True, slots=True)
class NewCall:
    """A call that is about to be made. `request` is JSON and holds nothing that people wrote."""

    session_id: UUID | None
    message_id: UUID | None
    purpose: str
    provider: str
    model: str
    request: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CallEnd:
    """How a call ended. None means not known: an unknown cost is not a cost of 0.

    `error` is None when it went well. `response` is JSON and holds nothing that the model wrote.
    """

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost_usd: Decimal | None = None
    latency_ms: int | None = None
    error: str | None = None
    response: Mapping[str, Any] = field(default_factory=dict)


class LlmCalls:
    """The tenants' calls of models. Every method may raise Unavailable."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._sql = Statements("llm_calls")

    async def begin(self, tenant_id: UUID, call: NewCall) -> UUID:
        """Write that a call begins; its id. Raises NotFound: the session or message has gone."""
        call_id = uuid7()
        try:
            async with self._database.tenant(tenant_id) as connection:
                await connection.execute(self._sql.begin, *self._columns(tenant_id, call_id, call))
        except asyncpg.ForeignKeyViolationError:
            raise NotFound("the session or message that a model is asked for is not there") from None
        return call_id

    async def settle(self, tenant_id: UUID, call_id: UUID, end: CallEnd) -> bool:
        """Write how it ended. False when that had been written before, which then stays."""
        async with self._database.tenant(tenant_id) as connection:
            settled = await connection.fetchval(self._sql.settle, *self._end_columns(tenant_id, call_id, end))
        return settled is not None

    async def record(self, tenant_id: UUID, call: NewCall, end: CallEnd) -> UUID:
        """Write a call that is over already, in one transaction; its id. Raises NotFound like `begin`."""
        call_id = uuid7()
        try:
            async with self._database.tenant(tenant_id) as connection:
                await connection.execute(self._sql.begin, *self._columns(tenant_id, call_id, call))
                await connection.execute(self._sql.settle, *self._end_columns(tenant_id, call_id, end))
        except asyncpg.ForeignKeyViolationError:
            raise NotFound("the session or message that was answered is not there") from None
        return call_id

    def _columns(self, tenant_id: UUID, call_id: UUID, call: NewCall) -> tuple[object, ...]:
        return (
            tenant_id,
            call_id,
            call.session_id,
            call.message_id,
            call.purpose,
            call.provider,
            call.model,
            dict(call.request),
            self._clock(),
        )

    def _end_columns(self, tenant_id: UUID, call_id: UUID, end: CallEnd) -> tuple[object, ...]:
        return (
            tenant_id,
            call_id,
            end.prompt_tokens,
            end.completion_tokens,
            end.cost_usd,
            end.latency_ms,
            dict(end.response),
            end.error,
            self._clock(),
        )
