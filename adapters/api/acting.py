"""Acting in a session: take it, answer, give it back, close it; and tell it that something happened."""

from __future__ import annotations

from typing import Any, assert_never

from adapters.api.parse import anything, flag, key, said, title
from adapters.api.ports import Handling, Operations
from adapters.api.route import Call, Route, no_such
from adapters.errors import Refused
from flows.errors import Unrecordable
from storage.desk import Handled
from storage.events import Posted
from storage.ids import uuid7
from storage.operators import Role

_SESSION = "/api/v1/sessions/{session_id}"


async def take(operations: Operations, call: Call) -> dict[str, Any]:
    return _told(await operations.take(call.by, call.session_id, force=_force(call)))


async def reply(operations: Operations, call: Call) -> dict[str, Any]:
    given = call.given
    return _told(
        await operations.reply(call.by, call.session_id, given["text"], key=given["id"], force=_force(call))
    )


async def resume(operations: Operations, call: Call) -> dict[str, Any]:
    return _told(await operations.resume(call.by, call.session_id, key=_key(call), force=_force(call)))


async def close(operations: Operations, call: Call) -> dict[str, Any]:
    return _told(
        await operations.close(
            call.by,
            call.session_id,
            resolved=call.given.get("resolved"),
            key=_key(call),
            force=_force(call),
        )
    )


async def send_event(operations: Operations, call: Call) -> dict[str, Any]:
    given = call.given
    try:
        posted = await operations.send_event(
            call.by, call.session_id, given["name"], given.get("value"), key=given["key"]
        )
    except Unrecordable as error:
        raise Refused(400, "invalid_body", f"value cannot be kept: {error}.") from error
    match posted:
        case Posted.ACCEPTED | Posted.DUPLICATE:
            return {"outcome": posted}
        case Posted.CLOSED:
            raise _closed()
        case Posted.UNKNOWN:
            raise no_such("session")
        case _:
            assert_never(posted)


def _told(handling: Handling) -> dict[str, Any]:
    match handling.outcome:
        case Handled.ACCEPTED | Handled.DUPLICATE:
            return {"outcome": handling.outcome}
        case Handled.UNKNOWN:
            raise no_such("session")
        case Handled.CLOSED:
            raise _closed()
        case Handled.OWNED:
            raise Refused(
                409,
                "session_owned",
                f"{handling.owner or 'Another operator'} has this session; send force: true to take it.",
            )
        case Handled.NOT_HANDED_OVER:
            raise Refused(409, "not_handed_over", "The bot has this session already.")
        case _:
            assert_never(handling.outcome)


def _closed() -> Refused:
    return Refused(409, "session_closed", "This session is closed; the user's next message opens another.")


def _force(call: Call) -> bool:
    return bool(call.given.get("force", False))


def _key(call: Call) -> str:
    return str(call.given.get("id") or uuid7())


_FORCE = flag("force", "Take the session out of another operator's hands.")
_ID = key("id", "Your own name for this request; sent again under it, it is done once.", required=False)

ROUTES = (
    Route(
        "POST",
        f"{_SESSION}/take",
        "Take the session: the bot is silent from now on.",
        Role.AGENT,
        take,
        "outcome",
        202,
        body=(_FORCE,),
        conflicts=("session_closed", "session_owned"),
    ),
    Route(
        "POST",
        f"{_SESSION}/messages",
        "Say something to the user, and take the session if nobody has it.",
        Role.AGENT,
        reply,
        "outcome",
        202,
        body=(
            key("id", "Your own name for the message; sent again under it, it is said once.", required=True),
            said("text", "What the user is to read."),
            _FORCE,
        ),
        conflicts=("session_closed", "session_owned"),
    ),
    Route(
        "POST",
        f"{_SESSION}/resume",
        "Give the session back to the bot.",
        Role.AGENT,
        resume,
        "outcome",
        202,
        body=(_ID, _FORCE),
        conflicts=("session_closed", "session_owned", "not_handed_over"),
    ),
    Route(
        "POST",
        f"{_SESSION}/close",
        "End the session, and all that was under way in it.",
        Role.AGENT,
        close,
        "outcome",
        202,
        body=(_ID, flag("resolved", "Whether the user's matter was settled."), _FORCE),
        conflicts=("session_closed", "session_owned"),
    ),
    Route(
        "POST",
        f"{_SESSION}/events",
        "Tell the session that something happened; a flow that waits for it goes on.",
        Role.AGENT,
        send_event,
        "outcome",
        202,
        body=(
            title("name", "What happened, as the flow's wait names it."),
            anything("value", "What the flow's wait returns: JSON of at most 8 KB; null otherwise."),
            key("key", "Sent again under it, the event is told once.", required=True),
        ),
        conflicts=("session_closed",),
    ),
)
