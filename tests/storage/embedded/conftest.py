from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from databases import short_folder

ROOT = Path(__file__).parents[3]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder; whatever a failed test leaves running in it is killed."""
    with short_folder("parley-embedded-") as parent:
        yield parent / "var"
        for process in servers_in(parent / "var"):
            process.kill()


def servers_in(folder: Path) -> list[psutil.Process]:
    """Every server process of this data folder, told by what it has open or was started with."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.name() in ("postgres", "redis-server") and process.status() != psutil.STATUS_ZOMBIE:
                traces = [*process.cmdline(), process.cwd()]
                found += [process] if any(str(folder) in trace for trace in traces) else []
        except psutil.Error:
            continue  # gone meanwhile
    return found


@pytest.fixture
def servers_of() -> Callable[[Path], list[psutil.Process]]:
    return servers_in


@contextmanager
def owner_process(folder: Path) -> Iterator[subprocess.Popen[str]]:
    script = ROOT / "tests" / "support" / "own_servers.py"
    with subprocess.Popen(
        [sys.executable, str(script), str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def start_owner() -> Callable[[Path], object]:
    """Starts another process that owns a data folder; it prints `ready`."""
    return owner_process
