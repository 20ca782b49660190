"""Commands as people use them: at a terminal, typing."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import termios
import time
from typing import Any

from commands import Shell


class Terminal:
    """A command at a terminal of its own; `shown` is what it printed since something was typed."""

    def __init__(self, shell: Shell, *arguments: str) -> None:
        self.keys, self._child = pty.openpty()
        self.before = self.settings()
        self.process = subprocess.Popen(
            shell._command(arguments),
            stdin=self._child,
            stdout=self._child,
            stderr=self._child,
            env=shell._environment() | {"TERM": "xterm"},
            cwd=shell.folder,
            start_new_session=True,
        )
        self.shown = ""

    def settings(self) -> list[Any]:
        """How the terminal is set up."""
        return termios.tcgetattr(self._child)

    def saw(self, text: str) -> None:
        """Wait until it has printed a text."""
        deadline = time.monotonic() + 60
        while text not in self.shown:
            assert time.monotonic() < deadline, self.shown
            if select.select([self.keys], [], [], 0.2)[0]:
                self.shown += os.read(self.keys, 4096).decode()

    def type(self, text: str) -> None:
        self.shown = ""
        os.write(self.keys, text.encode())

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.keys)
        os.close(self._child)
