"""A process that owns a data folder until it is stopped or killed: `own_servers.py FOLDER`."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from storage.embedded.servers import embedded_servers


async def own(folder: Path) -> None:
    async with embedded_servers(folder):
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    # A suite that runs in the background has Ctrl-C ignored, and hands that down.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        asyncio.run(own(Path(sys.argv[1])))
    except KeyboardInterrupt:
        sys.exit(0)
