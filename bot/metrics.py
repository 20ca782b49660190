"""What Prometheus reads: counted as it happens, and the depth of the queues when it asks.

No label holds anything of a tenant or a person: results come from closed sets.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from adapters.slack.arrivals import OUTCOMES
from adapters.slack.gate import REFUSALS
from adapters.slack.socket_mode import DROPPED
from storage.errors import Unavailable
from storage.queue import Depth

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
TURN_RESULTS = (
    "done",
    "failed",
    "retried",
    "version_race",
    "handed_over",
    "moved_on",
    "lease_lost",
    "cancelled",
)
SLACK_REFUSALS = tuple(dict.fromkeys((*REFUSALS, *DROPPED)))
DELIVERY_RESULTS = ("sent", "found", "failed", "postponed", "retracted")
_SECONDS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
# However often somebody asks, the database is asked once in so many seconds.
_DEPTH_KEPT_S = 2.0
_DEPTH_LIMIT_S = 2.0


class Metrics:
    """The process's figures. `depth` looks at the queues across tenants."""

    def __init__(self, depth: Callable[[], Awaitable[Depth]]) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._depth = depth
        self._asked_at = float("-inf")
        self._asking = asyncio.Lock()
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        turns = Counter("parley_turns", "Turns by result.", ["result"], registry=self._registry)
        # Looked up once: finding a child by its labels costs more than counting.
        self._turns = {result: turns.labels(result) for result in TURN_RESULTS}
        self._turn_seconds = Histogram(
            "parley_turn_seconds",
            "From claim to commit of a turn.",
            buckets=_SECONDS,
            registry=self._registry,
        )
        deliveries = Counter("parley_deliveries", "Tries by result.", ["result"], registry=self._registry)
        self._deliveries = {result: deliveries.labels(result) for result in DELIVERY_RESULTS}
        refusals = Counter(
            "parley_slack_refusals",
            "What came in Slack's name and was not taken, by reason.",
            ["reason"],
            registry=self._registry,
        )
        self._slack_refusals = {reason: refusals.labels(reason) for reason in SLACK_REFUSALS}
        events = Counter(
            "parley_slack_events",
            "Events of Slack's by what they led to.",
            ["outcome"],
            registry=self._registry,
        )
        self._slack_events = {outcome: events.labels(outcome) for outcome in OUTCOMES}
        waiting = Gauge("parley_queue_waiting", "Entries that wait.", ["queue"], registry=self._registry)
        oldest = Gauge(
            "parley_queue_oldest_seconds",
            "For how long the longest due entry has waited.",
            ["queue"],
            registry=self._registry,
        )
        self._waiting = {queue: waiting.labels(queue) for queue in ("turns", "deliveries")}
        self._oldest = {queue: oldest.labels(queue) for queue in ("turns", "deliveries")}
        self._dead = Gauge(
            "parley_dead_letters", "Entries given up, kept for a person to look at.", registry=self._registry
        )
        self._postgres_up = Gauge(
            "parley_postgres_up",
            "1 while Postgres answers; the queues' gauges are stale otherwise.",
            registry=self._registry,
        )

    def turn(self, result: str, seconds: float) -> None:
        """Count one turn."""
        self._turns[result].inc()
        self._turn_seconds.observe(seconds)

    def delivery(self, result: str) -> None:
        """Count one try of a delivery."""
        self._deliveries[result].inc()

    def slack_refusal(self, reason: str) -> None:
        """Count one request or envelope that was not Slack's, or not to be taken now."""
        self._slack_refusals[reason].inc()

    def slack_event(self, outcome: str) -> None:
        """Count one event of Slack's."""
        self._slack_events[outcome].inc()

    async def text(self) -> bytes:
        """Everything in Prometheus's text format; without fresh queue figures while Postgres is away."""
        async with self._asking:
            if time.monotonic() - self._asked_at > _DEPTH_KEPT_S:
                await self._look()
                self._asked_at = time.monotonic()
        return generate_latest(self._registry)

    async def _look(self) -> None:
        try:
            async with asyncio.timeout(_DEPTH_LIMIT_S):
                depth = await self._depth()
        except (Unavailable, TimeoutError):
            self._postgres_up.set(0)
            return
        self._postgres_up.set(1)
        self._waiting["turns"].set(depth.turns)
        self._waiting["deliveries"].set(depth.deliveries)
        self._oldest["turns"].set(depth.oldest_turn_s)
        self._oldest["deliveries"].set(depth.oldest_delivery_s)
        self._dead.set(depth.dead)
