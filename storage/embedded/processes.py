"""Starting, finding and stopping server processes."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from storage.embedded.account import Account, closed_folder
from storage.embedded.errors import CannotStart

_POLL_SECONDS = 0.02
_FULL_BYTES = 1_000_000
# A plain environment: PGPORT and its kin would change what the servers do.
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def spawn(command: Sequence[str | Path], account: Account | None, log: Path) -> subprocess.Popen[bytes]:
    """Start a server. It never sees the terminal's Ctrl-C: stopping it is ours to do. Raises CannotStart."""
    passing = _pass_through(account, Path(command[0]), log) if account else []
    if passing:
        account = None
    with log.open("ab") as output:
        try:
            return subprocess.Popen(
                [*passing, *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=_ENVIRONMENT,
                umask=0o077,
                start_new_session=True,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )
        except OSError as error:
            raise explained(str(error), Path(command[0]), account) from None


def _pass_through(account: Account, *paths: Path) -> list[str]:
    """What to start a server by whose account may not pass through a folder above its files, such as /root.

    It gets the right to search folders and no other; opening somebody's folders to all is not ours to do.
    """
    setpriv = shutil.which("setpriv", path=os.defpath)
    if setpriv is None or not any(closed_folder(path, account) for path in paths):
        return []
    allowed = _bounding_capabilities()
    for right, bit in (("dac_read_search", 2), ("dac_override", 1)):
        if allowed >> bit & 1:
            return [
                setpriv,
                # Or access(2), by which PostgreSQL looks for its programs, would not count the right.
                "--securebits=+no_setuid_fixup",
                f"--reuid={account.uid}",
                f"--regid={account.gid}",
                "--clear-groups",
                f"--inh-caps=-all,+{right}",
                f"--ambient-caps=-all,+{right}",
            ]
    return []


def _bounding_capabilities() -> int:
    """The capabilities that a child may get, one bit each as in capabilities(7)."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return 0
    found = re.search(r"^CapBnd:\s*([0-9a-f]+)$", status, re.MULTILINE)
    return int(found[1], 16) if found else 0


def explained(words: str, path: Path, account: Account | None) -> CannotStart:
    """Say what kept a server from starting, where it is one of the known things; else its own words."""
    if account and (folder := closed_folder(path, account)):
        return CannotStart(
            f"root's servers run as {account.name}, who may not pass through {folder} to {path}: move it to "
            f"a place open to all, such as /srv, or `chmod o+x {folder}`, or run Parley as an ordinary user"
        )
    # A full disk may have swallowed the words that would say so.
    if "No space left on device" in words or shutil.disk_usage(path.parent).free < _FULL_BYTES:
        return CannotStart(f"the disk of {path} is full: make room and start again")
    last = [line for line in words.strip().splitlines() if line.strip()][-3:]
    return CannotStart(f"{path.name} did not start: {' | '.join(last) or 'it said nothing'}")


def find(name: str, is_ours: Callable[[psutil.Process], bool]) -> list[psutil.Process]:
    """Return the running programs of this name that are ours.

    They are known by what they run on, not by a pid file, which may be missing or name a reused pid.
    """
    found = []
    for process in psutil.process_iter():
        try:
            if process.name() == name and process.status() != psutil.STATUS_ZOMBIE and is_ours(process):
                found.append(process)
        except psutil.Error:
            continue  # gone meanwhile, or somebody else's
    return found


async def stop(pid: int, is_gone: Callable[[], bool], steps: Sequence[tuple[signal.Signals, float]]) -> None:
    """Send each signal in turn until the process is gone, waiting so many seconds after each."""
    for number, seconds in steps:
        if is_gone():
            return
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        await wait_until(is_gone, seconds)


async def stop_leftover(process: psutil.Process, steps: Sequence[tuple[signal.Signals, float]]) -> None:
    """Stop a server that an earlier owner left behind; psutil guards against a pid reused meanwhile."""

    def is_gone() -> bool:
        try:
            return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    await stop(process.pid, is_gone, steps)


async def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait until the condition holds; False when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(_POLL_SECONDS)
    return True
