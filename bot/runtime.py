"""The composition root: everything is built here, once, and passed in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from adapters.contract import PushAdapter
from adapters.web.ports import Typing
from bot.answers import Answers, ModelAccess, open_answers
from bot.bots import TenantBots
from bot.clock import Sweeper
from bot.conversations import WebConversations
from bot.deliveries import DeliveryWorker
from bot.door import Door
from bot.events import EventDoor
from bot.limits import MessageLimit
from bot.live import Hub
from bot.loops import Loops
from bot.metrics import Metrics
from bot.otp import OtpSender
from bot.overtaking import Overtaking
from bot.polling import poll
from bot.relay import BusRelay
from bot.services import TurnServices
from bot.turns import TurnWorker
from storage.attachments import Attachments
from storage.bus import Bus
from storage.channels import Channels
from storage.clock import Clock, wall_clock
from storage.database import Database
from storage.durable import LEASE, DurableTurnStore
from storage.ephemeral import EphemeralSlots
from storage.events import Events
from storage.files import Files
from storage.keys import Vault
from storage.messages import Messages
from storage.migrate import dispatch_url
from storage.objects import Objects
from storage.otp import OneTimeCodes
from storage.outbox import LEASE as DELIVERY_LEASE
from storage.outbox import Outbox
from storage.queue import Queue
from storage.records import Channel, Committed, Session, Turn
from storage.redis import connect
from storage.secret_key import Secrets
from storage.sessions import Sessions
from storage.tenants import Tenants
from storage.tickets import Tickets
from storage.timers import Timers
from storage.turns import TurnStore
from storage.user_flags import UserFlags

# With the server's five seconds below the 25 that a host waits after SIGTERM, also where both are used up.
DRAIN_S = 12.0
DELIVERY_DRAIN_S = 4.0
_BLOCKING_S = 10.0
# At least seven days are promised; a platform's last repeat may come late on the eighth.
KEYS_KEPT = timedelta(days=8)


def _as_it_is(store: TurnStore) -> TurnStore:
    return store


@dataclass(frozen=True, slots=True)
class Parts:
    """Where a process's parts are: addresses and keys, already resolved from settings or embedded servers.

    `object_store` is an OBJECT_STORE_URL, a folder, or None where files have no place; `model` None means that
    answers are quotes.
    """

    database_url: str
    redis_url: str
    secrets: Secrets
    bots_dir: Path
    single_role: bool = False
    object_store: str | Path | None = None
    model: ModelAccess | None = None


@dataclass(frozen=True, slots=True)
class Roles:
    """What this process does.

    `searches`: a worker also takes what others left behind. `alone`: no other process shares the database, so
    that no relay is needed.
    """

    accepts: bool = True
    works: bool = True
    searches: bool = True
    sweeps: bool = True
    alone: bool = True


@dataclass(frozen=True, slots=True)
class Runtime:
    """The built parts that commands and the server use."""

    database: Database
    tenants: Tenants
    channels: Channels
    sessions: Sessions
    bots: TenantBots
    hub: Hub
    door: Door
    events: EventDoor
    conversations: WebConversations
    files: Files
    answers: Answers
    turns: TurnWorker | None
    deliveries: DeliveryWorker | None
    sweeper: Sweeper
    secrets: Secrets
    metrics: Metrics
    ping_redis: Callable[[], Awaitable[object]]


@asynccontextmanager
async def open_runtime(
    parts: Parts,
    roles: Roles,
    adapters: Mapping[str, PushAdapter],
    *,
    clock: Clock = wall_clock,
    lease: timedelta = LEASE,
    delivery_lease: timedelta = DELIVERY_LEASE,
    poll_every_s: float = 2.0,
    around_store: Callable[[TurnStore], TurnStore] = _as_it_is,
) -> AsyncIterator[Runtime]:
    """Build the parts and run the process's loops until the block ends; then drain and close.

    `around_store` puts something between the runtime and its turn store: a test's eyes, a measurement.
    Raises Unavailable, UnsafeRole, SchemaMismatch, WrongSecret, Invalid (an OBJECT_STORE_URL that cannot be
    used) and, for a tenant's bot, ConfigError and FlowMistake.
    """
    async with AsyncExitStack() as stack:
        database = await Database.open(
            parts.database_url, dispatch_url(parts.database_url), single_role=parts.single_role
        )
        stack.push_async_callback(database.close)
        objects = Objects.open(parts.object_store)
        stack.callback(objects.close)
        redis, blocking = connect(parts.redis_url), connect(parts.redis_url, timeout=_BLOCKING_S)
        stack.push_async_callback(redis.aclose)
        stack.push_async_callback(blocking.aclose)

        vault = Vault(database, parts.secrets)
        tenants = Tenants(database, vault, clock)
        await tenants.check_secret()
        channels = Channels(database, vault, clock)
        sessions = Sessions(database, clock)
        bots = TenantBots(parts.bots_dir, tenants)
        if roles.accepts or roles.works:
            await bots.load_all(strictly=roles.alone)
        store = around_store(DurableTurnStore(database, vault, clock, pushed=adapters.keys(), lease=lease))
        bus = Bus(redis, blocking)
        relay = None if roles.alone else BusRelay(bus)
        hub = Hub(relay)
        slots = EphemeralSlots(redis)
        flags = UserFlags(database, vault)

        async def channel_on(session: Session, platform: str) -> Channel | None:
            """The session's own channel where that is on the platform, else the tenant's oldest one there."""
            if session.platform == platform:
                return await channels.load(session.tenant_id, session.channel_id)
            listed = sorted(await channels.list_all(session.tenant_id), key=lambda each: each.created_at)
            usable = (each.channel for each in listed if each.disabled_at is None)
            return next((channel for channel in usable if channel.platform == platform), None)

        answers = await stack.enter_async_context(
            open_answers(database, clock, tenants, bots, parts.model, warm=roles.works)
        )
        otp = OtpSender(OneTimeCodes(redis, parts.secrets.derive("otp")), bots.otp, channel_on)

        def services(turn: Turn, overtaking: Overtaking) -> TurnServices:
            return TurnServices(
                turn,
                overtaking,
                store,
                clock,
                hub,
                slots,
                vault,
                flags,
                otp,
                answers.finder,
                answers.writer,
                answers.likeness,
            )

        def publish(turn: Turn, committed: Committed) -> None:
            for message in committed.messages:
                hub.publish(turn.session.channel_id, turn.session.external_user_id, message)

        queue = Queue(database)
        timers = Timers(database, clock)
        metrics = Metrics(queue.depth)

        def show_typing(turn: Turn) -> None:
            hub.publish(turn.session.channel_id, turn.session.external_user_id, Typing())

        deliveries = None
        turns = None
        if roles.works:
            deliveries = DeliveryWorker(
                Outbox(database, vault, lease=delivery_lease), adapters, channels.load, metrics.delivery
            )
            turns = TurnWorker(
                store,
                bots,
                services,
                publish,
                show_typing,
                deliveries.wake,
                metrics.turn,
                renew_every_s=lease.total_seconds() / 3,
            )

        def stop_turn(session_id: UUID) -> None:
            if turns is not None:
                turns.stop(session_id)
            if relay is not None:
                relay.send_stop(session_id)

        def wake(tenant_id: UUID, session_id: UUID) -> None:
            bus.wake("turns", tenant_id, session_id)

        def overtake(session_id: UUID, position: int) -> None:
            if turns is not None:
                turns.overtake(session_id, position)
            if relay is not None:
                relay.send_overtake(session_id, position)

        door = Door(store, hub, turns, wake, overtake)
        events = EventDoor(Events(database, vault, clock), wake if turns is None else turns.wake)
        messages = Messages(database, vault, clock)
        conversations = WebConversations(
            channels,
            sessions,
            messages,
            Tickets(redis),
            hub,
            door.accept,
            stop_turn,
            bots.config,
            MessageLimit(redis),
        )
        files = Files(objects, Attachments(database, clock))
        sweeper = Sweeper(
            tenants,
            {
                "sessions_closed": sessions.close_silent,
                "keys_forgotten": lambda tenant_id: sessions.forget_keys(tenant_id, clock() - KEYS_KEPT),
                "spend_expired": answers.spend.expire,
            },
        )

        loops = await stack.enter_async_context(Loops())
        loops.start(bus.send_waiting())
        if relay is not None:
            if turns is None:
                loops.start(relay.receive(hub, _ignore, _ignore))
            else:
                loops.start(relay.receive(hub, turns.stop, turns.overtake))
        if turns is not None and deliveries is not None:
            if roles.searches:
                loops.start(bus.serve("turns", turns.wake))
                loops.start(poll(queue.due_turns, turns.wake, every_s=poll_every_s))
                loops.start(poll(timers.fire_due, turns.wake, every_s=poll_every_s))
                loops.start(poll(queue.due_deliveries, deliveries.wake, every_s=poll_every_s))
            stack.push_async_callback(deliveries.drain, DELIVERY_DRAIN_S)
            stack.push_async_callback(turns.drain, DRAIN_S)
        if roles.sweeps:
            loops.start(sweeper.run())

        yield Runtime(
            database,
            tenants,
            channels,
            sessions,
            bots,
            hub,
            door,
            events,
            conversations,
            files,
            answers,
            turns,
            deliveries,
            sweeper,
            parts.secrets,
            metrics,
            redis.ping,
        )


def _ignore(*_: object) -> None:
    return
