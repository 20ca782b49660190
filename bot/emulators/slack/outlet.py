"""The way of a notice to an app: over Socket Mode or signed HTTP, again where it fails, and with the faults asked for.

https://docs.slack.dev/apis/events-api/#error-handling
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from bot.emulators.slack.faults import Faults
from bot.emulators.slack.notices import Answer, Attempt, Delivery, Notice
from bot.emulators.slack.posting import Posting
from bot.emulators.slack.records import App
from bot.emulators.slack.sockets import Sockets

_KEPT_DELIVERIES = 2000
_HELD = "held back"


class Outlet:
    """Delivers in the background. `deliveries` are the last two thousand, the newest last."""

    def __init__(
        self,
        app_of: Callable[[str], App],
        posting: Posting,
        sockets: Sockets,
        faults: Faults,
        pause: Callable[[float], Awaitable[None]],
        retry_after: Sequence[float],
    ) -> None:
        self.deliveries: deque[Delivery] = deque(maxlen=_KEPT_DELIVERIES)
        self._app_of = app_of
        self._posting = posting
        self._sockets = sockets
        self._faults = faults
        self._pause = pause
        self._retry_after = tuple(retry_after)
        self._tasks: set[asyncio.Task[Answer]] = set()
        self._held: list[asyncio.Event] = []

    def send(self, notice: Notice) -> asyncio.Future[Answer]:
        """Set a notice on its way; the future is what the app answered in the end."""
        fault = self._faults.of_event(notice.name) if notice.kind == "events_api" else None
        if fault is not None and fault.kind == "delayed":
            return self._start(self._later(notice, fault.seconds))
        if fault is not None and fault.kind == "swapped":
            held = asyncio.Event()
            self._held.append(held)
            return self._start(self._after(notice, held), is_held=True)
        if fault is not None and fault.kind == "doubled":
            self._start(self._deliver(notice, []))
        held_back, self._held = self._held, []
        return self._start(self._deliver(notice, held_back))

    async def idle(self) -> None:
        """Wait until everything has arrived or was given up; not for what is held back."""
        while tasks := [task for task in self._tasks if task.get_name() != _HELD]:
            await asyncio.wait(tasks)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, Answer], *, is_held: bool = False) -> asyncio.Task[Answer]:
        task = asyncio.create_task(work, name=_HELD if is_held else None)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _later(self, notice: Notice, seconds: float) -> Answer:
        await self._pause(seconds)
        return await self._deliver(notice, [])

    async def _after(self, notice: Notice, held: asyncio.Event) -> Answer:
        await held.wait()
        return await self._deliver(notice, [])

    async def _deliver(self, notice: Notice, held_back: list[asyncio.Event]) -> Answer:
        delivery = Delivery(notice)
        self.deliveries.append(delivery)
        try:
            delivery.answer = await self._attempts(delivery)
        finally:
            for held in held_back:
                held.set()
        return delivery.answer

    async def _attempts(self, delivery: Delivery) -> Answer:
        """Try, and for an event at most three times again: at once, after a minute, after five."""
        notice = delivery.notice
        retries = self._retry_after if notice.kind == "events_api" else ()
        reason: str | None = None
        for number, wait in enumerate((0.0, *retries)):
            await self._pause(wait)
            app = self._app_of(notice.app_id)
            if self._by_socket(app):
                answer = await self._sockets.deliver(notice, number, reason)
                delivery.attempts.append(Attempt(number, reason, "socket", answer.failure))
            else:
                answer = await self._posting.post(app, notice, number, reason)
                delivery.attempts.append(Attempt(number, reason, "http", answer.failure))
            if answer.is_ok or answer.is_final:
                break
            reason = answer.failure
        return answer

    def _by_socket(self, app: App) -> bool:
        if app.socket_mode is not None:
            return app.socket_mode
        return self._sockets.is_connected(app.id)
