"""Parley and two Bolt apps, served side by side for Slack's events: what is posted to each, and what it says."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from benchmarks.answers import ingest_guides
from benchmarks.errors import Unexpected
from benchmarks.lab import Lab
from benchmarks.programs import Program, cpu_seconds
from benchmarks.slack_events import QUESTION, Workspace
from benchmarks.slack_figures import BOLT, MUTE, PARLEY, Tally
from bot.emulators.model.server import KEY, ModelEmulator

CLIENTS = 8
PEOPLE = 1_000
HANGS_S = 60.0
_MOST_ASKED = 20_000
_ECHOED_WITHIN_S = 120.0


class Contender:
    """A server that events are posted to, numbered from 0 on: `sent` is the next one's number."""

    def __init__(
        self, lab: Lab, server: Program, load: Program, slack: Program, workspace: Workspace, text: str | None
    ) -> None:
        self._lab = lab
        self._server = server
        self._load = load
        self._slack = slack
        self._text = text
        self.workspace = workspace
        self.sent = 0

    async def take(self, tally: Tally | None = None, **order: float) -> None:
        """One load; it ends when the app has said everything, if it is one that does."""
        server, postgres = cpu_seconds(self._server.pid), cpu_seconds(self._lab.postgres_pid)
        result = await self._load.order(port=self._server.port, first=self.sent, **order)
        self.sent += result["sent"]
        await self._all_echoed()
        if tally is not None:
            tally.add(
                result["ms"],
                result["seconds"],
                cpu_seconds(self._server.pid) - server,
                cpu_seconds(self._lab.postgres_pid) - postgres,
            )

    async def repeat(self, events: int) -> None:
        """Post the first ones again."""
        await self._load.order(
            port=self._server.port, first=0, clients=CLIENTS, events=min(events, self.sent)
        )

    async def echoed(self) -> int | None:
        """How many of its echoes there are; None for one that does not echo."""
        if self._text is None:
            return None
        result = await self._slack.order(text=self._text)
        return int(result["said"])

    async def _all_echoed(self) -> None:
        ends = time.monotonic() + _ECHOED_WITHIN_S
        while (echoed := await self.echoed()) is not None and echoed < self.sent:
            if time.monotonic() > ends:
                raise Unexpected(f"of {self.sent} acknowledged events {echoed} were echoed")
            await asyncio.sleep(0.1)


@asynccontextmanager
async def contenders(lab: Lab, owner_url: str, model: ModelEmulator) -> AsyncIterator[dict[str, Contender]]:
    """All servers, side by side, with one Slack to talk to and a model that does not answer."""
    model.script(*[{"fault": "stall", "after": 0, "seconds": HANGS_S}] * _MOST_ASKED)
    async with AsyncExitStack() as stack:

        async def run(name: str, *arguments: str, environment: dict[str, str] | None = None) -> Program:
            return await stack.enter_async_context(lab.start(name, *arguments, environment=environment))

        slack = await run("slack", "benchmarks.slack_emulator", str(PEOPLE))
        workspace = Workspace.read(await slack.said(b"signing_secret"))
        file = lab.folder / "workspace.json"
        file.write_bytes(workspace.written())
        load = await run("slack_load", "benchmarks.slack_load", str(file))
        environment = lab.environment(owner_url, 10) | {
            "ANTHROPIC_API_KEY": KEY,
            "ANTHROPIC_BASE_URL": model.url,
            "SLACK_API_BASE_URL": workspace.api_url,
            "SLACK_BOT_TOKEN": workspace.bot_token,
            "SLACK_SIGNING_SECRET": workspace.signing_secret,
        }
        parley = await (await run("slack_parley", "benchmarks.serve", environment=environment)).serving()
        await ingest_guides(environment)
        echo = await (await run("bolt", "benchmarks.bolt_echo", str(file))).serving()
        mute = await (await run("bolt_mute", "benchmarks.bolt_echo", str(file), "mute")).serving()
        yield {
            PARLEY: Contender(lab, parley, load, slack, workspace, None),
            BOLT: Contender(lab, echo, load, slack, workspace, QUESTION),
            MUTE: Contender(lab, mute, load, slack, workspace, None),
        }
