"""Real processes of Parley for tests: started once, this program forks one for each line of JSON on stdin.

Importing takes seconds and forking none; each child is a process of its own, with its own pools and loop.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import traceback
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import uvloop
from aiohttp import ClientSession, web
from post import PostAdapter, inbound_route
from vaults import ROOT

from bot.logs import configure_logs
from bot.runtime import Parts, Roles, open_runtime
from bot.server import build_app
from bot.slack.access import SlackAccess
from storage.outcomes import Outcome
from storage.records import Accepted, Committed, Duplicate, Inbound, Turn
from storage.secret_key import Secrets
from storage.turns import TurnStore


@dataclass(frozen=True)
class Wanted:
    """What a process shall be. `points` are those of its work at which it asks outside whether to go on."""

    name: str
    database_url: str
    redis_url: str
    bots_dir: str
    outside_url: str
    log: str
    site: str = "acme"
    port: int = 0
    accepts: bool = True
    works: bool = True
    alone: bool = True
    looks_up: bool = False
    lease_s: float = 1.0
    poll_s: float = 0.2
    slack_api_url: str = ""
    slack_signing_secret: str = ""
    points: list[str] = field(default_factory=list)


class Points:
    """Asks outside at each wanted point, and waits as long as it is held there."""

    def __init__(self, http: ClientSession, wanted: Wanted) -> None:
        self._http = http
        self._wanted = wanted

    async def reach(self, point: str) -> None:
        if point in self._wanted.points:
            url = f"{self._wanted.outside_url}/points/{point}"
            async with self._http.post(url, params={"process": self._wanted.name}):
                pass


class WatchedStore:
    """The turn store, with a point on each side of what it commits."""

    def __init__(self, store: TurnStore, points: Points) -> None:
        self._store = store
        self._reach = points.reach
        self.renew = store.renew
        self.checkpoint = store.checkpoint
        self.retry = store.retry
        self.following = store.following

    async def accept(self, inbound: Inbound, *, claim: bool) -> Accepted | Duplicate:
        await self._reach("accepting")
        accepted = await self._store.accept(inbound, claim=claim)
        await self._reach("accepted")
        return accepted

    async def load(self, tenant_id: object, session_id: object) -> Turn | None:
        turn = await self._store.load(tenant_id, session_id)  # type: ignore[arg-type]
        if turn is not None:
            await self._reach("claimed")
        return turn

    async def commit(self, turn: Turn, outcome: Outcome, *, claim_next: bool) -> Committed:
        await self._reach("committing")
        committed = await self._store.commit(turn, outcome, claim_next=claim_next)
        await self._reach("committed")
        return committed

    async def bury(self, turn: Turn, outcome: Outcome, *, claim_next: bool) -> Committed:
        return await self._store.bury(turn, outcome, claim_next=claim_next)


async def serve(wanted: Wanted, alive: int) -> None:
    """Web and worker in one, until it is killed or told to stop."""
    stopped = asyncio.Event()
    # The nursery's end of this pipe closes with it, however a test run ends: nobody is left behind.
    asyncio.get_running_loop().add_reader(alive, os._exit, 1)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    slack = SlackAccess()
    if wanted.slack_api_url:
        slack = SlackAccess(api_base_url=wanted.slack_api_url, signing_secrets=(wanted.slack_signing_secret,))
    parts = Parts(wanted.database_url, wanted.redis_url, Secrets((ROOT,)), Path(wanted.bots_dir), slack=slack)
    roles = Roles(accepts=wanted.accepts, works=wanted.works, sweeps=False, alone=wanted.alone)
    async with ClientSession() as http:
        points = Points(http, wanted)
        post = PostAdapter(http, wanted.outside_url, points.reach, looks_up=wanted.looks_up)
        async with open_runtime(
            parts,
            roles,
            {"post": post},
            lease=timedelta(seconds=wanted.lease_s),
            delivery_lease=timedelta(seconds=wanted.lease_s),
            poll_every_s=wanted.poll_s,
            around_store=lambda store: WatchedStore(store, points),
        ) as runtime:
            app = build_app(runtime, demo_page=False, token_in_url=False)
            app.add_routes(
                [inbound_route(lambda: runtime.channels.find("post", wanted.site), runtime.door.accept)]
            )
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", wanted.port, backlog=4096).start()
            port = runner.addresses[0][1]
            said = {"name": wanted.name, "port": port, "pid": os.getpid()}
            async with http.post(f"{wanted.outside_url}/ready", json=said):
                pass
            await stopped.wait()
            await runner.cleanup()


def live(wanted: Wanted, alive: int) -> None:
    """What a child does."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    log = os.open(wanted.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for old, new in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(old, new)
    os.environ["OUTSIDE_URL"] = wanted.outside_url
    configure_logs("json", logging.INFO)
    uvloop.run(serve(wanted, alive))


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    alive, until_we_die = os.pipe()
    for line in sys.stdin:
        wanted = Wanted(**json.loads(line))
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                os.close(until_we_die)
                live(wanted, alive)
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
