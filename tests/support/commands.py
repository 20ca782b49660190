"""`python -m bot …` as people start it: a process of its own, seen from outside only."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]
START_S = 60.0
STOP_S = 30.0


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def said(self) -> str:
        """The one line of a failure."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("parley: "), self.err
        return lines[0].removeprefix("parley: ")


@dataclass
class Shell:
    """Runs commands in a working folder with nothing in the environment but what is given."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def with_environment(self, **more: str) -> Shell:
        return Shell(self.folder, {**self.environment, **more})

    @property
    def data_dir(self) -> Path:
        return self.folder / "var"

    def run(self, *arguments: str, stdin: bytes = b"", limit_s: float = START_S) -> Ended:
        """Run a command to its end."""
        done = subprocess.run(
            self._command(arguments),
            input=stdin,
            capture_output=True,
            env=self._environment(),
            cwd=self.folder,
            timeout=limit_s,
            check=False,
        )
        return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())

    @contextmanager
    def started(self, *arguments: str, stdin: int = subprocess.DEVNULL) -> Iterator[Running]:
        """Start a command; killed at the end of the block if it still runs."""
        process = subprocess.Popen(
            self._command(arguments),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self._environment(),
            cwd=self.folder,
            start_new_session=True,
        )
        running = Running(process)
        try:
            yield running
        finally:
            process.kill()
            running.wait()

    def _command(self, arguments: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-m", "bot", *arguments]

    def _environment(self) -> dict[str, str]:
        inherited = ("PATH", "PYTHONPYCACHEPREFIX", "PYTHONDONTWRITEBYTECODE", "LANG", "TMPDIR")
        kept = {name: os.environ[name] for name in inherited if name in os.environ}
        own = {"HOME": str(self.folder), "PYTHONPATH": str(ROOT), "PORT": "0"}
        return {**kept, **own, "PARLEY_DATA_DIR": str(self.data_dir), **self.environment}


class Running:
    """A process whose output is read as it comes."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._lines: dict[str, list[str]] = {"out": [], "err": []}
        self._news = threading.Condition()
        self._threads = [
            threading.Thread(target=self._read, args=(name, stream), daemon=True)
            for name, stream in (("out", process.stdout), ("err", process.stderr))
        ]
        for thread in self._threads:
            thread.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def out(self) -> str:
        return "\n".join(self._lines["out"])

    @property
    def err(self) -> str:
        return "\n".join(self._lines["err"])

    def saw(self, pattern: str, *, limit_s: float = START_S) -> re.Match[str]:
        """Wait until a line of its output matches."""
        deadline = time.monotonic() + limit_s
        with self._news:
            while True:
                for line in (*self._lines["out"], *self._lines["err"]):
                    if found := re.search(pattern, line):
                        return found
                left = deadline - time.monotonic()
                assert left > 0 and self._process.poll() is None, f"no {pattern!r} in\n{self.out}\n{self.err}"
                self._news.wait(min(left, 0.2))

    def url(self) -> str:
        """Where it serves, once it does."""
        found = self.saw(r'localhost:(\d+)/|"port":(\d+)')
        return f"http://127.0.0.1:{found[1] or found[2]}"

    def write(self, text: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(text.encode())
        self._process.stdin.flush()

    def close_input(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self, limit_s: float = STOP_S) -> int:
        """Wait until it has ended and all it said is read; its exit code."""
        code = self._process.wait(limit_s)
        for thread in self._threads:
            thread.join(limit_s)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        return code

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.send(number)
        return self.wait()

    def _read(self, name: str, stream: Any) -> None:
        for line in stream:
            with self._news:
                self._lines[name].append(line.decode().rstrip("\n"))
                self._news.notify_all()


def servers_of(folder: Path) -> list[psutil.Process]:
    """Every process that was started for a data folder and still lives."""
    found = []
    for process in psutil.process_iter():
        try:
            alive = process.status() != psutil.STATUS_ZOMBIE
            if alive and process.name() in ("postgres", "redis-server"):
                traces = (*process.cmdline(), process.cwd())
                found += [process] if any(str(folder) in trace for trace in traces) else []
        except psutil.Error:
            continue  # gone meanwhile
    return found


def ask(url: str, body: Any = None, token: str | None = None) -> Any:
    """One call of the web protocol; its JSON."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    payload = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, payload, headers), timeout=30) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        error.add_note(error.read().decode())
        raise


@dataclass
class Visitor:
    """Somebody on a site who sends and waits for the answer by polling."""

    url: str
    token: str
    said: int = 0

    @classmethod
    def of(cls, url: str, site: str = "demo") -> Visitor:
        return cls(url, ask(f"{url}/web/v1/sessions", {"site": site})["token"])

    def send(self, text: str) -> str:
        """Send a text; the id to ask for its reply with."""
        self.said += 1
        message = {"id": f"{self.token[-12:]}-{self.said}", "text": text}
        return str(ask(f"{self.url}/web/v1/messages", message, self.token)["reply_id"])

    def say(self, text: str, wait_s: int = 20) -> str:
        """Send a text; the first reply's text."""
        reply = ask(f"{self.url}/web/v1/messages/{self.send(text)}?wait={wait_s}", None, self.token)
        assert reply["status"] == "completed", reply
        return _text(reply["message"])

    def history(self) -> list[str]:
        listed = ask(f"{self.url}/web/v1/messages?limit=50", None, self.token)
        return [_text(message) for message in listed["messages"]]


def _text(message: dict[str, Any]) -> str:
    content = message["content"]
    return str(content["text"] if isinstance(content, dict) else content)
