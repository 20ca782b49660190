"""What a process sends to Slack with, built once and closed at its end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from adapters.files.links import Links
from adapters.slack.adapter import SlackAdapter
from adapters.slack.buttons import Buttons
from adapters.slack.calling import SlackCalls
from adapters.slack.files import Downloads
from adapters.slack.pacing import Pacer
from adapters.slack.status import Statuses
from adapters.slack.uploads import Uploads
from adapters.slack.web_api import open_http
from bot.slack.at_work import AtWork
from bot.slack.outgoing_files import OutgoingFiles
from bot.slack.parts import SlackParts
from bot.slack.public_files import PublicFiles
from bot.slack.tokens import InstalledTokens
from storage.files import Files
from storage.records import Channel


@dataclass(frozen=True, slots=True)
class SlackOutbound:
    """`calls` are shared by all who call Slack, since they count together."""

    calls: SlackCalls
    adapter: SlackAdapter
    buttons: Buttons
    downloads: Downloads
    at_work: AtWork


@asynccontextmanager
async def open_outbound(
    slack: SlackParts, files: Files, links: Links, load: Callable[[UUID, UUID], Awaitable[Channel]]
) -> AsyncIterator[SlackOutbound]:
    """Build the parts; nothing is asked of Slack yet. `load` finds a channel."""
    access = slack.access
    async with open_http() as http:
        tokens = InstalledTokens(slack.installations, slack.rotation.rotate)
        calls = SlackCalls(tokens, Pacer(), http=http, api_base_url=access.api_base_url)
        read = OutgoingFiles(files, links, access.public_url, PublicFiles()).read
        async with AtWork(Statuses(calls), load) as at_work:
            yield SlackOutbound(
                calls,
                SlackAdapter(calls, Uploads(calls, read, http)),
                Buttons(calls),
                Downloads(calls, tokens, access.api_base_url),
                at_work,
            )
