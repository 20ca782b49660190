"""The parts of the emulator, put together, and the addresses that they answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from bot.emulators.slack.api import Api
from bot.emulators.slack.consent import Consent
from bot.emulators.slack.control import Control
from bot.emulators.slack.downloads import Downloads
from bot.emulators.slack.faults import Faults
from bot.emulators.slack.ids import Clock
from bot.emulators.slack.interactions import Interactions
from bot.emulators.slack.limits import Limits
from bot.emulators.slack.notices import Answer, Notice
from bot.emulators.slack.oauth import Codes
from bot.emulators.slack.outlet import Outlet
from bot.emulators.slack.platform import Platform
from bot.emulators.slack.posting import Posting
from bot.emulators.slack.response_urls import ResponseUrls
from bot.emulators.slack.sockets import Sockets


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything, built once."""

    platform: Platform
    faults: Faults
    limits: Limits
    sockets: Sockets
    posting: Posting
    outlet: Outlet
    api: Api
    codes: Codes
    urls: ResponseUrls
    interactions: Interactions
    closing: asyncio.Event


def build(clock: Clock, *, limits: bool, ack_within: float, retry_after: Sequence[float]) -> Parts:
    """Put the parts together."""
    closing = asyncio.Event()

    async def pause(seconds: float) -> None:
        """Wait, and no longer than the emulator is there."""
        if seconds <= 0:
            return
        try:
            async with asyncio.timeout(seconds):
                await closing.wait()
        except TimeoutError:
            pass

    def send(notice: Notice) -> asyncio.Future[Answer]:
        return outlet.send(notice)

    platform = Platform(clock, send)
    faults = Faults()
    sockets = Sockets(ack_within)
    posting = Posting(clock, ack_within)
    outlet = Outlet(platform.directory.apps.__getitem__, posting, sockets, faults, pause, retry_after)
    codes = Codes(platform, clock)
    limiting = Limits(clock, enabled=limits)
    api = Api(platform, codes, limiting, faults, pause, sockets.new_url)
    urls = ResponseUrls(platform)
    return Parts(
        platform,
        faults,
        limiting,
        sockets,
        posting,
        outlet,
        api,
        codes,
        urls,
        Interactions(platform, urls),
        closing,
    )


def routes(parts: Parts) -> list[web.RouteDef]:
    """What Slack answers, and `/emulator/…`."""
    downloads = Downloads(parts.platform)
    consent = Consent(parts.platform, parts.codes)
    return [
        web.route("*", "/api/{method}", parts.api.answer),
        web.get("/link/", parts.sockets.serve),
        web.post("/upload/v1/{file}", downloads.upload),
        web.get("/files-pri/{file}/download/{name}", downloads.download),
        web.get("/files-pri/{file}/{name}", downloads.download),
        web.get("/signin", downloads.sign_in),
        web.post("/response/{kind}/{tenant}/{key}", parts.urls.answer),
        web.get("/oauth/v2/authorize", consent.ask),
        web.post("/oauth/v2/authorize", consent.decide),
        *Control(parts.platform, parts.api, parts.outlet, parts.faults).routes(),
    ]
