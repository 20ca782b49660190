"""Parley in one process, as `parley run` composes it, on given servers. `python -m benchmarks.serve`.

`run` always brings its own servers and `web` shares its database with workers; here one process has a database
for itself on the server that the other contenders use too. With an argument, a profile is written to that file.
"""

from __future__ import annotations

import sys
from pathlib import Path

import uvloop

from benchmarks.sampler import Sampler
from benchmarks.serving import until_stopped
from bot.demo import SITE, ensure_demo, ensure_slack
from bot.logs import configure_logs
from bot.parts import external_parts
from bot.runtime import Roles, Runtime, open_runtime
from bot.server import build_app
from config.settings import Settings

MESSAGES_PER_MINUTE = 1_000_000_000


async def lift_limit(runtime: Runtime) -> None:
    """A client of the benchmark sends what a person may not; the messages are counted all the same."""
    channel = await runtime.channels.find("web", SITE)
    assert channel is not None
    settings = {"messages_per_minute": MESSAGES_PER_MINUTE}
    await runtime.channels.update(channel.tenant_id, channel.id, settings=settings)


async def main(profile: Path | None) -> None:
    settings = Settings.load()
    configure_logs(settings.parley_log_format)
    async with open_runtime(external_parts(settings), Roles(), {}) as runtime:
        await ensure_demo(runtime)
        await lift_limit(runtime)
        await ensure_slack(runtime, settings)
        app = build_app(runtime, demo_page=True, token_in_url=True)
        if profile is None:
            await until_stopped(app, settings.port)
            return
        with Sampler() as sampler:
            await until_stopped(app, settings.port)
        sampler.write(profile)


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else None))
