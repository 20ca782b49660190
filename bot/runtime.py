"""The composition root: everything is built here, once, and passed in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from adapters.contract import PushAdapter
from adapters.files.links import Links as FileLinks
from adapters.web.ports import Typing
from bot.answers import Answers, ModelAccess, open_answers
from bot.approvals import ApprovalDoor
from bot.bots import TenantBots
from bot.clock import Sweeper, file_sweeps
from bot.conversations import WebConversations
from bot.deliveries import DeliveryWorker
from bot.desk import Desk
from bot.door import Door
from bot.events import EventDoor
from bot.limits import MessageLimit
from bot.live import Hub
from bot.loops import Loops
from bot.metrics import Metrics
from bot.operations import Operations
from bot.otp import OtpSender
from bot.overtaking import Overtaking
from bot.polling import poll
from bot.relay import BusRelay
from bot.selves import PersonSelves
from bot.services import TurnServices
from bot.slack.access import SlackAccess
from bot.slack.beginning import SlackBeginning
from bot.slack.conversations import SlackConversations
from bot.slack.inbound import SlackInbound, open_inbound
from bot.slack.outbound import SlackOutbound, open_outbound
from bot.slack.parts import SlackParts, build_slack
from bot.streams import LiveStreams
from bot.turns import TurnWorker
from bot.uploads import WebUploads
from storage.approvals import Approvals
from storage.attachments import Attachments
from storage.audit import AuditLog
from storage.bus import Bus
from storage.channels import Channels
from storage.clock import Clock, wall_clock
from storage.database import Database
from storage.desk import OperatorActions
from storage.durable import LEASE, DurableTurnStore
from storage.ephemeral import EphemeralSlots
from storage.events import Events
from storage.files import Files
from storage.keys import Vault
from storage.link_codes import LinkCodes
from storage.links import Links
from storage.messages import Messages
from storage.migrate import dispatch_url
from storage.objects import Objects
from storage.operators import Operators
from storage.otp import OneTimeCodes
from storage.outbox import LEASE as DELIVERY_LEASE
from storage.outbox import Outbox
from storage.queue import Queue
from storage.records import Channel, Committed, Session, Turn
from storage.redis import connect
from storage.secret_key import Secrets
from storage.session_views import SessionViews
from storage.sessions import Sessions
from storage.slack_messages import SlackMessages
from storage.streams import Streams
from storage.tenants import Tenants
from storage.tickets import Tickets
from storage.timers import Timers
from storage.transcripts import Transcripts
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
    slack: SlackAccess = field(default_factory=SlackAccess)


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
    approvals: ApprovalDoor
    desk: Desk
    operations: Operations
    conversations: WebConversations
    uploads: WebUploads
    files: Files
    answers: Answers
    turns: TurnWorker | None
    deliveries: DeliveryWorker | None
    sweeper: Sweeper
    secrets: Secrets
    metrics: Metrics
    ping_redis: Callable[[], Awaitable[object]]
    slack: SlackParts
    slack_outbound: SlackOutbound
    slack_inbound: SlackInbound


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
        slack = build_slack(parts.slack, database, vault, channels, redis, parts.secrets, clock)
        attachments = Attachments(database, clock)
        files = Files(objects, attachments)
        file_links = FileLinks(*parts.secrets.derive_each("files"), clock=clock)
        slack_outbound = await stack.enter_async_context(
            open_outbound(slack, files, file_links, channels.load)
        )
        adapters = {"slack": slack_outbound.adapter, **adapters}
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
        approvals = Approvals(database, vault, clock)

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
        selves = PersonSelves(Links(database, vault, clock), LinkCodes(redis, parts.secrets.derive("link")))
        streams = await stack.enter_async_context(
            LiveStreams(adapters, Streams(database, clock), channels.load)
        )

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
                files,
                approvals,
                selves,
                streams,
            )

        def publish(turn: Turn, committed: Committed) -> None:
            for message in committed.messages:
                hub.publish(turn.session.channel_id, turn.session.external_user_id, message)
            slack_outbound.at_work.end(turn.session, replies=committed.deliveries > 0)

        queue = Queue(database)
        timers = Timers(database, clock)
        metrics = Metrics(queue.depth)

        def show_typing(turn: Turn) -> None:
            hub.publish(turn.session.channel_id, turn.session.external_user_id, Typing())
            slack_outbound.at_work.begin(turn.session)

        slack_beginning = SlackBeginning(files, attachments, channels.load, slack_outbound.downloads)
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
                begin=slack_beginning.begin,
                streams=streams,
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
        wake_turn = wake if turns is None else turns.wake
        events = EventDoor(Events(database, vault, clock), wake_turn)
        approval_door = ApprovalDoor(approvals, AuditLog(database, clock), wake_turn)
        desk = Desk(OperatorActions(database, vault, clock), wake_turn, stop_turn)
        operations = Operations(
            Operators(database, clock),
            AuditLog(database, clock),
            SessionViews(database),
            Transcripts(database, vault),
            desk,
            events,
            approval_door,
        )
        messages = Messages(database, vault, clock)
        limit = MessageLimit(redis)
        conversations = WebConversations(
            channels,
            sessions,
            messages,
            Tickets(redis),
            hub,
            door.accept,
            stop_turn,
            bots.config,
            limit,
        )
        uploads = WebUploads(files, sessions.find_user, limit)
        slack_conversations = SlackConversations(
            slack.installations,
            sessions,
            messages,
            SlackMessages(database, vault),
            door.accept,
            stop_turn,
            bots.config,
        )
        slack_inbound = await stack.enter_async_context(
            open_inbound(
                slack, slack_outbound, slack_conversations, clock, metrics.slack_event, metrics.slack_refusal
            )
        )
        sweeper = Sweeper(
            tenants,
            {
                "sessions_closed": sessions.close_silent,
                "keys_forgotten": lambda tenant_id: sessions.forget_keys(tenant_id, clock() - KEYS_KEPT),
                "spend_expired": answers.spend.expire,
                "slack_tokens_renewed": slack.rotation.rotate,
                **(file_sweeps(files, clock) if parts.object_store is not None else {}),
            },
        )

        stack.push_async_callback(bus.flush)
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
            approval_door,
            desk,
            operations,
            conversations,
            uploads,
            files,
            answers,
            turns,
            deliveries,
            sweeper,
            parts.secrets,
            metrics,
            redis.ping,
            slack,
            slack_outbound,
            slack_inbound,
        )


def _ignore(*_: object) -> None:
    return
