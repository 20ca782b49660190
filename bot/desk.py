"""The desk of operators: how persons take a session over, answer in it, give it back and close it."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from storage.desk import Handled, OperatorActions


class Desk:
    """Has what operators do written down and carried out; `by` is an operator's name.

    `wake` has whoever works look at the session; `stop` ends the bot's turn that may be under way in it, wherever
    that runs: it could not be committed any more. `force` takes a session out of another operator's hands.
    Every method may raise Unavailable; do it again then, with the same `key`.
    """

    def __init__(
        self, actions: OperatorActions, wake: Callable[[UUID, UUID], None], stop: Callable[[UUID], None]
    ) -> None:
        self._actions = actions
        self._wake = wake
        self._stop = stop

    async def take(self, tenant_id: UUID, session_id: UUID, by: str, *, force: bool = False) -> Handled:
        """Take the session: the bot is silent from now on."""
        handled = await self._actions.take(tenant_id, session_id, by, force=force)
        if handled is Handled.ACCEPTED:
            self._stop(session_id)
        return handled

    async def reply(
        self, tenant_id: UUID, session_id: UUID, by: str, text: str, *, key: str, force: bool = False
    ) -> Handled:
        """Say something in the operator's name, once a `key`, and take the session if nobody has it."""
        handled = await self._actions.queue(
            tenant_id, session_id, "reply", by, force=force, key=key, text=text
        )
        return self._after(handled, tenant_id, session_id)

    async def resume(
        self, tenant_id: UUID, session_id: UUID, by: str, *, key: str, force: bool = False
    ) -> Handled:
        """Give the session back to the bot, which goes on where it was."""
        handled = await self._actions.queue(tenant_id, session_id, "resume", by, force=force, key=key)
        return self._after(handled, tenant_id, session_id)

    async def close(
        self,
        tenant_id: UUID,
        session_id: UUID,
        by: str,
        *,
        resolved: bool | None = None,
        key: str,
        force: bool = False,
    ) -> Handled:
        """End the session and all that was under way in it; `resolved` says whether the matter was settled."""
        handled = await self._actions.queue(
            tenant_id, session_id, "close", by, force=force, key=key, resolved=resolved
        )
        return self._after(handled, tenant_id, session_id)

    def _after(self, handled: Handled, tenant_id: UUID, session_id: UUID) -> Handled:
        if handled is Handled.ACCEPTED:
            self._stop(session_id)
        if handled in (Handled.ACCEPTED, Handled.DUPLICATE):
            self._wake(tenant_id, session_id)
        return handled
