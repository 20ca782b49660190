"""Serves an application until SIGTERM, as Parley's own processes do."""

from __future__ import annotations

import asyncio
import signal

from aiohttp import web


async def until_stopped(app: web.Application, port: int) -> None:
    """Serve on the loopback interface; returns after SIGTERM."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
        await stopped.wait()
    finally:
        await runner.cleanup()
