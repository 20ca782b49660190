"""What a process takes from Slack, built once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from adapters.slack.arrivals import Arrivals
from adapters.slack.asides import Asides
from adapters.slack.bolt import Bolt
from adapters.slack.errands import Errands
from adapters.slack.gate import Gate
from adapters.slack.lifecycle import Lifecycle
from adapters.slack.people import People
from adapters.slack.presses import Presses
from adapters.slack.socket_mode import SocketMode
from adapters.slack.words import Words
from bot.slack.conversations import SlackConversations
from bot.slack.outbound import SlackOutbound
from bot.slack.parts import SlackParts
from bot.slack.sockets import SlackLinks
from storage.clock import Clock


@dataclass(frozen=True, slots=True)
class SlackInbound:
    """The way in over HTTP and the one over Socket Mode; both lead to the same."""

    gate: Gate
    sockets: SocketMode
    errands: Errands


@asynccontextmanager
async def open_inbound(
    slack: SlackParts,
    outbound: SlackOutbound,
    conversations: SlackConversations,
    clock: Clock,
    count_event: Callable[[str], None],
    count_refusal: Callable[[str], None],
) -> AsyncIterator[SlackInbound]:
    """Build the parts. Nothing is connected before `sockets.running()`."""
    access, words = slack.access, Words()
    async with Errands() as errands:
        asides = Asides(outbound.calls, access.api_base_url)
        people = People(asides, errands, conversations.know)
        presses = Presses(conversations, asides, people, errands, outbound.buttons.retire, words)
        lifecycle = Lifecycle(conversations)
        arrivals = Arrivals(conversations, asides, people, errands, presses, lifecycle, count_event, words)
        bolt = Bolt(arrivals.take, conversations.installation, access.api_base_url)
        links = SlackLinks(slack.accounts, access.app_token)
        yield SlackInbound(
            Gate(slack.accounts, bolt.deliver, clock, count_refusal),
            SocketMode(
                bolt.app, links.list_all, slack.accounts, bolt.deliver, access.api_base_url, count_refusal
            ),
            errands,
        )
