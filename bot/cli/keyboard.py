"""Lines from a keyboard or a pipe, without holding up the event loop and without outliving it."""

from __future__ import annotations

import asyncio
import contextlib
import io
import sys
import termios
import threading
from collections.abc import AsyncIterator, Iterator

_LONGEST = 20_000


class Keyboard:
    """Reads standard input one line at a time, each when it is asked for."""

    def __init__(self, prompt: str) -> None:
        self.is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
        self._prompt = prompt
        if isinstance(sys.stdin, io.TextIOWrapper):
            # Bytes that are no text become U+FFFD instead of ending the chat.
            sys.stdin.reconfigure(encoding="utf-8", errors="replace")

    async def lines(self) -> AsyncIterator[str]:
        """The lines that say something, until Ctrl-D or the end of the pipe."""
        while (line := await self._next()) is not None:
            if text := _text(line):
                yield text

    @contextlib.contextmanager
    def restored(self) -> Iterator[None]:
        """Give the terminal back as it was, also when the block is left in the middle of a line."""
        if not self.is_terminal:
            yield
            return
        # Imported for its effect: it gives `input` editing and the history of this chat.
        with contextlib.suppress(ImportError):
            import readline  # noqa: F401
        before = termios.tcgetattr(sys.stdin)
        try:
            yield
        finally:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)

    async def _next(self) -> str | None:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[str | None] = loop.create_future()

        def give(line: str | None) -> None:
            if not answer.done():
                answer.set_result(line)

        def read() -> None:
            line = self._read()
            # The loop may have closed while the thread waited for a key.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(give, line)

        # Not the loop's own executor: the process would wait for its threads, and this one waits for a person.
        threading.Thread(target=read, daemon=True).start()
        return await answer

    def _read(self) -> str | None:
        if self.is_terminal:
            try:
                return input(self._prompt)
            except (EOFError, ValueError, OSError):
                return None
        try:
            return sys.stdin.readline() or None
        except (ValueError, OSError):
            return None


def _text(line: str) -> str:
    """What was typed, without NUL and halves of characters, which no message may have."""
    return line.replace("\x00", "").encode("utf-8", "ignore").decode().strip()[:_LONGEST]
