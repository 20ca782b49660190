"""Asking a model: money reserved first, every attempt on record, tried again while nothing was said."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from decimal import Decimal
from uuid import UUID

import structlog

from flows.llm.contract import ErrorKind, Event, Finished, ModelError, ModelRequest, Provider, Usage
from flows.llm.prices import PRICES, Price
from flows.llm.tally import Tally, described
from storage.clock import Clock
from storage.errors import StorageError
from storage.llm_calls import CallEnd, LlmCalls, NewCall
from storage.spend import NO_CAPS, Spend, SpendCaps

log = structlog.get_logger("parley.models")

ATTEMPTS = 3
FIRST_PAUSE_S = 0.5
# Somebody waits for the answer: a provider that asks for more patience than this has failed.
LONGEST_PAUSE_S = 8.0


class Models:
    """Asks models of one provider, if there is one. `prices` are dollars per million tokens, by model.

    `sleep` pauses before a further attempt.
    """

    def __init__(
        self,
        provider: Provider | None,
        calls: LlmCalls,
        spend: Spend,
        clock: Clock,
        *,
        prices: Mapping[str, Price] = PRICES,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._provider = provider
        self._calls = calls
        self._spend = spend
        self._clock = clock
        self._prices = prices
        self._sleep = sleep

    @property
    def provider(self) -> str | None:
        """The provider's name; None when there is none to ask."""
        return self._provider.name if self._provider is not None else None

    async def stream(
        self,
        tenant_id: UUID,
        session_id: UUID | None,
        message_id: UUID | None,
        purpose: str,
        request: ModelRequest,
        *,
        caps: SpendCaps = NO_CAPS,
    ) -> AsyncGenerator[Event, None]:
        """Ask, and give the answer as it comes; a good one ends with `Finished`.

        Use it in `contextlib.aclosing`: whoever gives up early closes it, and the call is settled at once.
        Raises ModelError, of kind `cap` when the tenant may spend no more; Unavailable when that cannot be
        looked up; NotFound when session or message have gone.
        """
        provider = self._provider
        if provider is None:
            raise ModelError(ErrorKind.UNAVAILABLE, "there is no model to ask: set ANTHROPIC_API_KEY")
        for attempt in range(1, ATTEMPTS + 1):
            given = False
            try:
                async with aclosing(
                    self._attempt(provider, tenant_id, session_id, message_id, purpose, request, caps)
                ) as events:
                    async for event in events:
                        given = True
                        yield event
                return
            except ModelError as error:
                pause = _pause(attempt, error)
                if given or pause is None:
                    raise
            await self._sleep(pause)

    async def record_extractive(
        self,
        tenant_id: UUID,
        session_id: UUID | None,
        message_id: UUID | None,
        purpose: str,
        *,
        sources: Sequence[str],
        latency_ms: int,
    ) -> UUID:
        """Record an answer that was quoted without a model; it costs nothing. Raises NotFound, Unavailable."""
        call = NewCall(session_id, message_id, purpose, "extractive", "quotes", {"sources": list(sources)})
        return await self._calls.record(tenant_id, call, CallEnd(0, 0, Decimal(0), latency_ms))

    async def _attempt(
        self,
        provider: Provider,
        tenant_id: UUID,
        session_id: UUID | None,
        message_id: UUID | None,
        purpose: str,
        request: ModelRequest,
        caps: SpendCaps,
    ) -> AsyncGenerator[Event, None]:
        price = self._prices.get(request.model)
        begun_at = time.perf_counter()
        call_id = await self._calls.begin(
            tenant_id,
            NewCall(session_id, message_id, purpose, provider.name, request.model, described(request)),
        )
        tally = Tally()
        try:
            await self._reserve(tenant_id, call_id, price.worst_case(request) if price else Decimal(0), caps)
            async with aclosing(provider.stream(request)) as events:
                async for event in events:
                    tally.count(event)
                    if isinstance(event, Finished):
                        break
                    yield event
            if tally.finished is None:
                raise ModelError(ErrorKind.CUT, "the answer broke off", transient=True)
        except ModelError as error:
            tally.failed(error)
            raise
        except StorageError:
            # Before the model was asked.
            tally.error, tally.usage = "unavailable: spend cannot be reserved", Usage()
            raise
        except (asyncio.CancelledError, GeneratorExit):
            tally.error = "cancelled"
            raise
        except Exception as error:
            tally.error = type(error).__name__
            raise
        finally:
            latency_ms = round((time.perf_counter() - begun_at) * 1000)
            await self._settle(tenant_id, call_id, tally, price, latency_ms)
        yield tally.finished

    async def _reserve(self, tenant_id: UUID, call_id: UUID, worst_case: Decimal, caps: SpendCaps) -> None:
        if await self._spend.reserve(tenant_id, call_id, worst_case, caps.windows(self._clock())) is None:
            raise ModelError(
                ErrorKind.CAP,
                "the tenant's models may cost no more for now: raise its spend_cap_usd_day or spend_cap_usd_month",
                usage=Usage(),
            )

    async def _settle(
        self, tenant_id: UUID, call_id: UUID, tally: Tally, price: Price | None, latency_ms: int
    ) -> None:
        """Write how it ended. An answer that was given stays given when that fails: the reservation expires."""
        usage = tally.usage
        # What was not sent cost nothing, also where the price is not known.
        cost = Decimal(0) if usage == Usage() else price.cost(usage) if price and usage else None
        end = CallEnd(
            usage.prompt_tokens if usage else None,
            usage.completion_tokens if usage else None,
            cost,
            latency_ms,
            tally.error,
            tally.described(),
        )
        try:
            await self._calls.settle(tenant_id, call_id, end)
            await self._spend.settle(tenant_id, call_id, cost)
        except StorageError as error:
            log.warning("llm_call_unsettled", tenant=str(tenant_id), call=str(call_id), error=str(error))


def _pause(attempt: int, error: ModelError) -> float | None:
    """Seconds until the next attempt; None when there is to be none."""
    if not error.transient or attempt == ATTEMPTS:
        return None
    if error.retry_after is not None:
        # Not all at the same moment, and never earlier than asked.
        pause = error.retry_after * random.uniform(1.0, 1.2)  # noqa: S311 – not for secrets
        return pause if pause <= LONGEST_PAUSE_S else None
    return FIRST_PAUSE_S * attempt * random.uniform(0.5, 1.5)  # noqa: S311
