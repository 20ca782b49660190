"""What moved a stored session without a message of the person's own, done again."""

from __future__ import annotations

from dataclasses import replace

from flows.rehearsal.conversation import Conversation, Said
from flows.rehearsal.stored_talk import HIDDEN, OPERATOR
from flows.values import decode
from storage.outcomes import Result
from storage.records import EntryKind


async def happen(conversation: Conversation, told: Result) -> list[Said]:
    """An event comes, or an operator decides, gives the session back or closes it. Raises NotShown."""
    done = _parts(told)
    match told.kind:
        case "approve":
            by, reason = str(done["by"]).removeprefix(OPERATOR), done.get("reason")
            return await conversation.decide(
                by, done["status"] == "approved", None if reason is None else str(reason)
            )
        case "operator":
            resolved = done.get("resolved")
            return await conversation.operate(
                told.name, str(done.get("by")), resolved=resolved if isinstance(resolved, bool) else None
            )
        case _:
            entry = conversation.entry("", EntryKind.EVENT, {"name": told.name, "value": told.value})
            return await conversation.send(replace(entry, message_id=None))


def shown(told: Result) -> str:
    """It as a line of a transcript."""
    done = _parts(told)
    match told.kind:
        case "approve":
            return f"({str(done['by']).removeprefix(OPERATOR)}: {done['status']})"
        case "operator":
            return f"({done.get('by')}: {told.name})"
        case _ if told.value is None:
            return f"(event {told.name})"
        case _:
            return f"(event {told.name}: {HIDDEN if told.sensitive else decode(told.value)})"


def _parts(told: Result) -> dict[str, object]:
    return dict(told.value) if isinstance(told.value, dict) else {}
