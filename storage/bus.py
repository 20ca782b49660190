"""The bus between processes, on Redis: live events, Stop, what overtakes, and wake-ups.

Everything on it may vanish. Whoever needs it to be complete reads Postgres: listeners notice gaps, and
workers poll for what no wake-up told them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Any, Literal, TypeAlias
from uuid import UUID

import orjson
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

log = structlog.get_logger("parley.bus")

Topic: TypeAlias = Literal["live", "overtake", "stop"]
Work: TypeAlias = Literal["turns", "deliveries"]
Receiver: TypeAlias = Callable[[bytes], None]

_LONGEST = 10_000
_PAUSE_S = 1.0
_FLUSH_S = 1.0
_LOST = (RedisError, OSError, TimeoutError)


class Bus:
    """Sends in batches and without waiting; receives what is subscribed to, and hints for `work`.

    `blocking` is a client of its own for reads that wait, with a socket timeout above two seconds.
    """

    def __init__(self, redis: Redis, blocking: Redis) -> None:
        self._redis = redis
        self._blocking = blocking
        self._waiting: deque[tuple[str, bytes]] = deque(maxlen=_LONGEST)
        self._wanted = asyncio.Event()
        self.connected = False

    def publish(self, topic: Topic, payload: bytes) -> None:
        """Tell every subscribed process, soon; the oldest waiting is lost when too many wait."""
        self._waiting.append((f"parley:{topic}", payload))
        self._wanted.set()

    def wake(self, work: Work, tenant_id: UUID, session_id: UUID) -> None:
        """Tell one worker that the session has something to do."""
        self._waiting.append((_list(work), orjson.dumps([str(tenant_id), str(session_id)])))
        self._wanted.set()

    async def send_waiting(self) -> None:
        """Runs for as long as the process: sends what waits, many in one round trip."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            try:
                await self._send()
            except _LOST:
                await asyncio.sleep(_PAUSE_S)

    async def flush(self) -> None:
        """Send what still waits, once and within a second: a process that ends leaves no wake-up behind."""
        with contextlib.suppress(*_LOST):
            async with asyncio.timeout(_FLUSH_S):
                await self._send()

    async def _send(self) -> None:
        if not self._waiting:
            return
        pipeline = self._redis.pipeline(transaction=False)
        lists = set()
        sending = list(self._waiting)
        self._waiting.clear()
        for place, payload in sending:
            if place.startswith("parley:wake:"):
                pipeline.rpush(place, payload)
                lists.add(place)
            else:
                pipeline.publish(place, payload)
        for place in lists:
            pipeline.ltrim(place, -_LONGEST, -1)
        try:
            await pipeline.execute()
        except asyncio.CancelledError:
            # The process ends; nobody knows what was sent, and twice does no harm.
            self._waiting.extendleft(reversed(sending))
            raise

    async def receive(self, receivers: dict[Topic, Receiver]) -> None:
        """Runs for as long as the process: hands what others publish to the topic's receiver."""
        topics = {f"parley:{topic}".encode(): receiver for topic, receiver in receivers.items()}
        while True:
            pubsub = self._blocking.pubsub(ignore_subscribe_messages=True)
            try:
                await pubsub.subscribe(*topics)
                self.connected = True
                while True:
                    message = await pubsub.get_message(timeout=2.0)
                    if message is None:
                        await pubsub.ping()
                    elif message["type"] == "message":
                        _hand(topics[message["channel"]], message["data"])
            except _LOST:
                self.connected = False
                await asyncio.sleep(_PAUSE_S)
            finally:
                self.connected = False
                await pubsub.aclose()  # type: ignore[no-untyped-call]

    async def serve(self, work: Work, wake: Callable[[UUID, UUID], None]) -> None:
        """Runs for as long as the process: takes hints for `work`, each for one worker only."""
        while True:
            try:
                taken = await self._blocking.blpop([_list(work)], timeout=2.0)
            except _LOST:
                await asyncio.sleep(_PAUSE_S)
                continue
            if taken:
                _hand(lambda hint: wake(*map(UUID, orjson.loads(hint))), taken[1])


def _hand(receiver: Callable[[Any], None], payload: object) -> None:
    """Hand over what came; another release may have sent what this one does not know, and it may be lost."""
    try:
        receiver(payload)
    except Exception:
        log.exception("bus_message_dropped")


def _list(work: Work) -> str:
    return f"parley:wake:{work}"
