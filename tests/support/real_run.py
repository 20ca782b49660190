"""The real `parley run` on embedded servers in a folder of its own, killed and started again at will."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import ClientError, ClientSession
from databases import short_folder
from fleet import until

from storage.embedded.servers import embedded_servers

ROOT = Path(__file__).parents[2]
_CODE = re.compile(r"code is (\d{6})")


@dataclass
class RealRun:
    """`url` stays the same over restarts, as a page that is open needs."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def log(self) -> str:
        return (self.folder / "parley.log").read_text()

    def codes(self) -> list[str]:
        """The one-time codes that its console has shown."""
        return _CODE.findall(self.log)

    async def start(self) -> None:
        env = {
            name: value
            for name, value in os.environ.items()
            if name not in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "PARLEY_SECRET_KEY")
        }
        env |= {"PYTHONPATH": str(ROOT), "PORT": str(self.port), "PARLEY_DATA_DIR": str(self.folder / "var")}
        with (self.folder / "parley.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bot", "run"], cwd=self.folder, env=env, stdout=log, stderr=log
            )
        await until(self._serves, "parley run", 60)

    def kill(self) -> None:
        """`kill -9`; its servers stay behind, as they would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    async def _serves(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log
        try:
            async with ClientSession() as http, http.get(f"{self.url}/readyz") as answer:
                return answer.status == 200
        except ClientError:
            return False


@asynccontextmanager
async def real_run() -> AsyncIterator[RealRun]:
    with short_folder("parley-run-") as folder:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        run = RealRun(folder, port)
        try:
            await run.start()
            yield run
        finally:
            if run.process is not None and run.process.poll() is None:
                run.process.terminate()
                try:
                    await asyncio.to_thread(run.process.wait, 30)
                except subprocess.TimeoutExpired:
                    run.kill()
            # Owning the folder stops whatever a killed run has left in it.
            async with embedded_servers(folder / "var"):
                pass
