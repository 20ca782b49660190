"""The processes under measurement: starting, asking, weighing and stopping them."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import orjson
import psutil

from benchmarks.errors import NotStarted, Unexpected
from benchmarks.wire import HOST

ROOT = Path(__file__).parent.parent
_START_S = 90


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class Program:
    """One Python process, started in `folder`, where its log is written too."""

    def __init__(
        self, name: str, arguments: list[str], folder: Path, environment: Mapping[str, str], *, port: int = 0
    ) -> None:
        self.name = name
        self.port = port
        self._log = folder / f"{name}.log"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=folder,
                env={
                    "PATH": os.defpath,
                    "LANG": "C.UTF-8",
                    "PYTHONPATH": str(ROOT),
                    "PORT": str(port),
                    **environment,
                },
            )
        self.pid = self._process.pid

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def serving(self) -> Self:
        """Wait until its port answers. Raises NotStarted."""
        ends = time.monotonic() + _START_S
        while time.monotonic() < ends and self._process.poll() is None:
            try:
                _, writer = await asyncio.open_connection(HOST, self.port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            writer.close()
            return self
        raise self._not_started()

    async def said(self, words: bytes) -> bytes:
        """Wait for a line on its output that holds `words`. Raises NotStarted."""
        assert self._process.stdout is not None
        async with asyncio.timeout(_START_S):
            while line := await asyncio.to_thread(self._process.stdout.readline):
                if words in line:
                    return line
        raise self._not_started()

    async def order(self, **order: Any) -> dict[str, Any]:
        """Send an order to a process that takes lines of JSON; its answer. Raises Unexpected."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(orjson.dumps(order) + b"\n")
        self._process.stdin.flush()
        line = await asyncio.to_thread(self._process.stdout.readline)
        result: dict[str, Any] = orjson.loads(line) if line else {"error": self._last_words()}
        if "error" in result:
            asked = {name: value for name, value in order.items() if name != "texts"}
            raise Unexpected(f"{self.name}, {asked}: {result['error']}")
        return result

    async def stop(self) -> None:
        """SIGTERM, as an operator stops it."""
        for number, within_s in ((signal.SIGTERM, 30), (signal.SIGKILL, 10)):
            if self._process.poll() is None:
                self._process.send_signal(number)
                try:
                    await asyncio.to_thread(self._process.wait, within_s)
                except subprocess.TimeoutExpired:
                    continue
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _not_started(self) -> NotStarted:
        return NotStarted(f"{self.name} did not start: {self._last_words()}")

    def _last_words(self) -> str:
        return (
            " | ".join(self._log.read_text(errors="replace").strip().splitlines()[-3:]) or "it said nothing"
        )


def cpu_seconds(*pids: int) -> float:
    """CPU that these processes, their children and their ended children have used."""
    total = 0.0
    for pid in pids:
        process = psutil.Process(pid)
        own = process.cpu_times()
        total += own.user + own.system + own.children_user + own.children_system
        for child in process.children(recursive=True):
            try:
                times = child.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += times.user + times.system
    return total


def resident_mb(pid: int) -> float:
    """What the process itself has in memory, libraries included."""
    return float(psutil.Process(pid).memory_info().rss) / 1e6


def shared_out_mb(pid: int) -> float:
    """PSS of a process and its children: memory that several share is divided among them."""
    total = 0
    process = psutil.Process(pid)
    for each in (process, *process.children(recursive=True)):
        try:
            total += each.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total / 1e6


def child_named(pid: int, name: str) -> int:
    """The child whose program has this name."""
    return int(next(child.pid for child in psutil.Process(pid).children() if name in child.name()))
