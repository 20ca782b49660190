"""The turn worker: claims sessions, runs their turns, commits what comes of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

import stamina
import structlog

from bot.lanes import Lanes
from bot.overtaking import Overtaking
from bot.streams import LiveStreams
from bot.together import put_together
from config.errors import ConfigError
from flows.bot import Bot
from flows.engine import give_up, run_turn
from flows.errors import FlowError, FlowFailed
from flows.services import Services
from flows.texts import Texts
from storage.errors import HandedOver, LeaseLost, MovedOn, NotFound, StorageError, Unavailable, VersionRace
from storage.ids import reply_id
from storage.outcomes import NewMessage, Outcome
from storage.records import Committed, Turn
from storage.turns import TurnStore

log = structlog.get_logger("parley.turns")

RENEW_EVERY_S = 10.0
TYPING_AFTER_S = 0.3
TURN_LIMIT_S = 600.0
# A transient failure is tried five times within a minute; later messages of the session wait meanwhile.
RETRY_AFTER_S = (1.0, 4.0, 10.0, 20.0)
ATTEMPTS = len(RETRY_AFTER_S) + 1
# Well below the lease, so that what is written again is still ours to write.
COMMIT_AGAIN_S = 12.0


class Write(Protocol):
    async def __call__(self, turn: Turn, outcome: Outcome, *, claim_next: bool) -> Committed:
        """`commit` or `bury` of the turn store."""


class Begin(Protocol):
    async def __call__(self, turn: Turn) -> tuple[Turn, Outcome | None]:
        """What a turn needs before its flow runs; an outcome where it is not to run. Raises Unavailable."""


async def _as_it_is(turn: Turn) -> tuple[Turn, Outcome | None]:
    return turn, None


class Bots(Protocol):
    async def of(self, tenant_id: UUID) -> Bot:
        """The bot that answers for a tenant."""


@dataclass(slots=True)
class _Running:
    turn: Turn
    overtaking: Overtaking
    buried: bool = False


class TurnWorker:
    """Runs turns: one at a time in a session, up to `limit` sessions at once.

    `begin` brings what a turn of its platform lacks; `services` makes what one turn may reach; `publish` shows its
    committed messages to whoever listens, `show_typing` that an answer takes a moment; `wake_deliveries` is told of
    sessions that have something to send, `count` of each turn's result and seconds. `streams` show what is being
    written, and no more of it once it is committed.
    """

    def __init__(
        self,
        store: TurnStore,
        bots: Bots,
        services: Callable[[Turn, Overtaking], Services],
        publish: Callable[[Turn, Committed], None],
        show_typing: Callable[[Turn], None],
        wake_deliveries: Callable[[UUID, UUID], None],
        count: Callable[[str, float], None],
        *,
        begin: Begin = _as_it_is,
        streams: LiveStreams | None = None,
        limit: int = 256,
        renew_every_s: float = RENEW_EVERY_S,
    ) -> None:
        self._store = store
        self._streams = streams
        self._renew_every_s = renew_every_s
        self._bots = bots
        self._services = services
        self._publish = publish
        self._show_typing = show_typing
        self._wake_deliveries = wake_deliveries
        self._count = count
        self._begin = begin
        self._lanes = Lanes(self._work, limit=limit)
        self._running: dict[UUID, _Running] = {}

    def reserve(self) -> bool:
        """Whether a turn could run at once, so that a claim may ride on accepting; then call `take`."""
        return self._lanes.reserve()

    def take(self, turn: Turn | None) -> None:
        """Run a turn whose claim rode on its acceptance, and what follows it in the lane; or give the place back."""
        self._lanes.release()
        if turn is not None:
            self._lanes.start((turn.session.tenant_id, turn.session.id), self._follow(turn))

    def wake(self, tenant_id: UUID, session_id: UUID) -> None:
        """Look whether the session has something due."""
        self._lanes.wake(tenant_id, session_id)

    def stop(self, session_id: UUID) -> None:
        """End the session's running turn, if it runs here, with what it has said so far."""
        running = self._running.get(session_id)
        if running is not None:
            running.overtaking.stopped.set()

    def overtake(self, session_id: UUID, position: int) -> None:
        """A message has come at a position of the session's lane: it may end a turn that answers an earlier one."""
        running = self._running.get(session_id)
        if running is not None and running.turn.entry.position < position:
            running.overtaking.newer()

    async def settle(self) -> None:
        """Wait until nothing runs here."""
        await self._lanes.settle()

    async def drain(self, within_s: float) -> None:
        """Finish what runs, take nothing new."""
        await self._lanes.drain(within_s)

    async def _work(self, tenant_id: UUID, session_id: UUID) -> None:
        try:
            turn = await self._store.load(tenant_id, session_id)
        except StorageError as error:
            log.warning("claim_failed", session=str(session_id), error=str(error))
            return
        if turn is not None:
            await self._follow(turn)

    async def _follow(self, turn: Turn | None) -> None:
        while turn is not None:
            turn = await self._turn(turn)

    async def _turn(self, turn: Turn) -> Turn | None:
        running = _Running(turn, Overtaking())
        self._running[turn.session.id] = running
        task = asyncio.current_task()
        assert task is not None
        renewal = _Renewal(self._store, running, task, self._renew_every_s)
        typing = asyncio.get_running_loop().call_later(TYPING_AFTER_S, self._show_typing, turn)
        started = time.perf_counter()
        result = "failed"
        try:
            committed = await self._attempt(running)
            result = "failed" if running.buried else "done"
            self._publish(turn, committed)
            if committed.deliveries:
                self._wake_deliveries(turn.session.tenant_id, turn.session.id)
            for told in committed.woken:
                self.wake(turn.session.tenant_id, told)
            return committed.next
        except LeaseLost:
            result = "lease_lost"
        except VersionRace:
            result = "version_race"
            return await self._again(turn, "the state changed meanwhile")
        except HandedOver:
            result = "handed_over"
            return await self._again(turn, "the session went into other hands meanwhile")
        except MovedOn:
            result = "moved_on"
            return await self._again(turn, "what was to be taken up went on meanwhile")
        except asyncio.CancelledError:
            result = "lease_lost" if renewal.lost else "cancelled"
            if not renewal.lost:
                await self._give_back(turn, 0, "cancelled")
                raise
            task.uncancel()
        except Exception as error:
            result = "retried"
            if isinstance(error, Unavailable):
                log.warning("turn_interrupted", session=str(turn.session.id), error=str(error))
            else:
                log.exception("turn_failed", session=str(turn.session.id), attempt=turn.entry.attempt)
            await self._retry_later(turn, error)
        finally:
            renewal.end()
            typing.cancel()
            if self._streams is not None:
                self._streams.abandon(turn)
            del self._running[turn.session.id]
            seconds = time.perf_counter() - started
            self._count(result, seconds)
            log.info(
                "turn",
                tenant=str(turn.session.tenant_id),
                session=str(turn.session.id),
                entry=str(turn.entry.id),
                kind=turn.entry.kind,
                attempt=turn.entry.attempt,
                result=result,
                ms=round(seconds * 1000, 1),
            )
        return None

    async def _attempt(self, running: _Running) -> Committed:
        """Run the flow and commit; a flow's own failure is committed as an apology and a dead letter."""
        turn = running.turn
        services = self._services(turn, running.overtaking)
        if turn.entry.damage is not None:
            return await self._bury(running, await self._given_up(turn, services, turn.entry.damage))
        if turn.entry.attempt > ATTEMPTS:
            error = f"given up after {ATTEMPTS} tries"
            return await self._bury(running, await self._given_up(turn, services, error))
        bot = await self._bots.of(turn.session.tenant_id)
        running.turn, outcome = await self._begin(turn)
        if outcome is not None:
            return await self._settle(self._store.commit, turn, outcome)
        turn = running.turn
        try:
            whole, outcome = await put_together(self._store, bot, turn, services)
            if outcome is None:
                outcome = await run_turn(bot, whole, services, limit_seconds=TURN_LIMIT_S)
        except FlowFailed as failure:
            # The logs leave an exception's text out, since it may hold what a person wrote.
            log.error(
                "flow_failed",
                session=str(turn.session.id),
                entry=str(turn.entry.id),
                error=failure.outcome.error,
                exc_info=failure.cause,
            )
            return await self._bury(running, failure.outcome)
        if outcome.damage is not None:
            log.error("state_damaged", session=str(turn.session.id), reason=outcome.damage)
        committed = await self._settle(self._store.commit, turn, outcome)
        if outcome.hand is not None:
            log.info(
                "handed_over" if outcome.hand.to_person else "handed_back",
                tenant=str(turn.session.tenant_id),
                session=str(turn.session.id),
            )
        return committed

    async def _given_up(self, turn: Turn, services: Services, error: str) -> Outcome:
        try:
            return give_up(await self._bots.of(turn.session.tenant_id), turn, services, error)
        except (ConfigError, FlowError, NotFound):
            # Not even the bot can be had: the state stays as it was last committed.
            apology = NewMessage(reply_id(turn.entry, 0), Texts().apology)
            return Outcome(() if turn.session.in_handoff else (apology,), None, error=error)

    async def _bury(self, running: _Running, outcome: Outcome) -> Committed:
        running.buried = True
        return await self._settle(self._store.bury, running.turn, outcome)

    async def _settle(self, write: Write, turn: Turn, outcome: Outcome) -> Committed:
        """Write an outcome; again while Postgres is away, since a commit that was written says so."""
        if self._streams is not None:
            await self._streams.settle(turn)
        try:
            return await write(turn, outcome, claim_next=self._claims_on)
        except Unavailable:
            async for attempt in stamina.retry_context(on=Unavailable, attempts=6, timeout=COMMIT_AGAIN_S):
                with attempt:
                    return await write(turn, outcome, claim_next=self._claims_on)
            raise

    @property
    def _claims_on(self) -> bool:
        return not self._lanes.is_closed

    async def _again(self, turn: Turn, why: str) -> Turn | None:
        await self._store.retry(turn, after=timedelta(), error=why)
        return await self._store.load(turn.session.tenant_id, turn.session.id)

    async def _retry_later(self, turn: Turn, error: Exception) -> None:
        attempt = turn.entry.attempt
        after = RETRY_AFTER_S[attempt - 1] if attempt <= len(RETRY_AFTER_S) else 0.0
        # An exception's text may hold what a person wrote; only our own errors' texts are safe to keep.
        told = f"{type(error).__name__}: {error}" if isinstance(error, StorageError) else type(error).__name__
        await self._give_back(turn, after, told)
        asyncio.get_running_loop().call_later(
            after + 0.05, self.wake, turn.session.tenant_id, turn.session.id
        )

    async def _give_back(self, turn: Turn, after_s: float, error: str) -> None:
        try:
            await self._store.retry(turn, after=timedelta(seconds=after_s), error=error)
        except Unavailable:
            # The lease ends by itself; polling finds the entry then.
            return


class _Renewal:
    """Extends a turn's lease for as long as it runs; a lease that cannot be extended cancels the turn."""

    def __init__(self, store: TurnStore, running: _Running, task: asyncio.Task[None], every_s: float) -> None:
        self._store = store
        self._running = running
        self._every_s = every_s
        self._task = task
        self._renewing: asyncio.Task[None] | None = None
        self.lost = False
        # A call on the loop costs next to nothing; a task is made only for a turn that lasts.
        self._timer = asyncio.get_running_loop().call_later(every_s, self._begin)

    def end(self) -> None:
        self._timer.cancel()
        if self._renewing is not None:
            self._renewing.cancel()

    def _begin(self) -> None:
        self._renewing = asyncio.ensure_future(self._renew())

    async def _renew(self) -> None:
        turn = self._running.turn
        while True:
            try:
                cancel_seq = await self._store.renew(turn)
            except Exception as error:
                log.warning("lease_lost", session=str(turn.session.id), error=type(error).__name__)
                self.lost = True
                self._task.cancel()
                return
            if cancel_seq > turn.cancel_seq:
                self._running.overtaking.stopped.set()
            await asyncio.sleep(self._every_s)
