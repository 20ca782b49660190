"""Processes of Parley under test: started, killed, stopped and let go on."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from databases import DatabaseUrls
from outside import Outside

SUPPORT = Path(__file__).parent
BOTS = SUPPORT.parent / "end_to_end" / "bots"


class Nursery:
    """The program that forks them (`served.py`)."""

    def __init__(self, program: subprocess.Popen[str]) -> None:
        self._program = program

    def fork(self, wanted: dict[str, Any]) -> int:
        assert self._program.stdin is not None and self._program.stdout is not None
        print(json.dumps(wanted), file=self._program.stdin, flush=True)
        return int(self._program.stdout.readline())


@contextmanager
def running_nursery() -> Iterator[Nursery]:
    path = os.pathsep.join((str(SUPPORT.parents[1]), str(SUPPORT)))
    with subprocess.Popen(
        [sys.executable, str(SUPPORT / "served.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    ) as program:
        yield Nursery(program)
        assert program.stdin is not None
        program.stdin.close()


@dataclass(frozen=True)
class Running:
    """One process; `log` is what it wrote."""

    name: str
    pid: int
    url: str
    log: Path

    def kill(self) -> None:
        """As by the power cut: nothing of it runs any more when this returns."""
        os.kill(self.pid, signal.SIGKILL)

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The structured lines of its log."""
        lines = self.log.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


@dataclass
class Fleet:
    """All processes of one test, on its database and Redis."""

    nursery: Nursery
    urls: DatabaseUrls
    redis_url: str
    outside: Outside
    folder: Path
    all: list[Running] = field(default_factory=list)

    async def start(self, name: str = "one", **more: Any) -> Running:
        """Start a process and wait until it serves. `more` are fields of `served.Wanted`."""
        log = self.folder / f"{name}-{len(self.all)}.log"
        pid = self.nursery.fork(
            {
                "name": name,
                "database_url": self.urls.runtime_url,
                "redis_url": self.redis_url,
                "bots_dir": str(BOTS),
                "outside_url": self.outside.url,
                "log": str(log),
                **more,
            }
        )
        running = Running(name, pid, "", log)
        self.all.append(running)
        try:
            said = await self.outside.process(name)
        except TimeoutError:
            raise AssertionError(f"{name} did not start: {log.read_text()[-2000:]}") from None
        running = Running(name, pid, f"http://127.0.0.1:{said['port']}", log)
        self.all[-1] = running
        return running

    async def start_all(self, *names: str, **more: Any) -> list[Running]:
        return [await self.start(name, **more) for name in names]

    def end(self) -> None:
        for running in self.all:
            with suppress(ProcessLookupError):
                running.kill()


async def until(condition: Any, what: str, within_s: float = 30.0) -> Any:
    """Wait until `condition()` (async) is truthy and return it."""
    try:
        async with asyncio.timeout(within_s):
            while not (found := await condition()):  # noqa: ASYNC110 – it comes true in another process
                await asyncio.sleep(0.02)
            return found
    except TimeoutError:
        raise AssertionError(f"waited {within_s:g} s in vain for {what}") from None
