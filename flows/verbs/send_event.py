"""`send_event`: tell another session of the tenant that something happened."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flows.stage import Stage
from flows.values import digest, encode
from storage.outcomes import SentEvent


async def send_event(chat: Stage, session_id: UUID, name: str, value: Any = None) -> None:
    """Tell another session, whose flow goes on if it has said `wait(event=name)`; it gets `value` there.

    It is told once, by the commit that ends the turn; a turn that fails or is lost tells nothing. A session that
    is not there any more, or is closed, hears nothing. `value` is JSON, or holds date, datetime, Decimal and UUID.
    """
    run = chat.run
    run.begin("send_event")
    key = chat.key(f"send_event.{name}")
    path = chat.scope + key
    if run.find(path, "send_event") is None:
        run.open(path)
        encoded = encode(value, f"send_event {name}")
        chat.record(key, "send_event", None, digest=digest(encoded))
        run.exchange.events.append(SentEvent(session_id, name, encoded, f"{run.frame.run}/{path}"))
