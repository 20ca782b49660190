"""conversations.*: what was said, and where."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Sequence

from bot.emulators.slack.methods.caller import Caller, Method
from bot.emulators.slack.records import Channel, Json, Message
from bot.emulators.slack.refusals import Refused
from bot.emulators.slack.wire import channel_json

_DEFAULT_LIMIT = 100


def history(caller: Caller) -> Json:
    channel = caller.visible()
    caller.require_for(channel, "history")
    if caller.bot not in channel.members:
        raise Refused("not_in_channel")
    messages = _between(caller, caller.platform.transcript.timeline(channel.id))
    return _page(caller, messages[::-1]) | {"pin_count": 0}


def replies(caller: Caller) -> Json:
    channel = caller.visible()
    caller.require_for(channel, "history")
    transcript = caller.platform.transcript
    first = transcript.any_of(channel.id, caller.arguments.needed("ts"))
    if first is None or first.ephemeral_to is not None:
        raise Refused("thread_not_found")
    if first.is_reply:
        return _page(caller, [first])
    # The thread's first message is on every page's first place in Slack; here on the first page.
    return _page(caller, [first, *_between(caller, transcript.replies(channel.id, first.ts))])


def info(caller: Caller) -> Json:
    channel = caller.visible()
    caller.require_for(channel, "read")
    shown = channel_json(channel, caller.bot)
    if caller.arguments.flag("include_locale"):
        shown["locale"] = "en-US"
    return {"ok": True, "channel": shown}


def open_(caller: Caller) -> Json:
    users = [user for user in (caller.arguments.text("users") or "").split(",") if user]
    directory = caller.platform.directory
    if "channel" in caller.arguments:
        channel = caller.visible()
        if channel.kind not in ("im", "mpim"):
            raise Refused("method_not_supported_for_channel_type")
        return _opened(caller, channel, there=True)
    if not users:
        raise Refused("users_list_not_supplied")
    if len(users) > 8:
        raise Refused("too_many_users")
    for user in users:
        found = directory.users.get(user)
        if found is None or not directory.in_reach(caller.installation, found.team_id):
            raise Refused("user_not_found")
    caller.require("im:write" if len(users) == 1 else "mpim:write")
    before = len(directory.channels)
    channel = directory.direct(directory.users[users[0]].team_id, *users, caller.bot)
    return _opened(caller, channel, there=len(directory.channels) == before)


def _opened(caller: Caller, channel: Channel, *, there: bool) -> Json:
    whole = caller.arguments.flag("return_im")
    shown = channel_json(channel, caller.bot) if whole else {"id": channel.id}
    return {"ok": True, "channel": shown} | ({"no_op": True, "already_open": True} if there else {})


def _between(caller: Caller, messages: Sequence[Message]) -> list[Message]:
    """The messages after `oldest` and before `latest`, those two too if `inclusive`."""
    inclusive = caller.arguments.flag("inclusive")
    oldest, latest = _time(caller, "oldest"), _time(caller, "latest")
    return [
        message
        for message in messages
        if (oldest is None or float(message.ts) > oldest or (inclusive and float(message.ts) == oldest))
        and (latest is None or float(message.ts) < latest or (inclusive and float(message.ts) == latest))
    ]


def _time(caller: Caller, name: str) -> float | None:
    given = caller.arguments.text(name)
    if not given or given == "now":
        return None
    try:
        return float(given)
    except ValueError:
        raise Refused(f"invalid_ts_{name}") from None


def _page(caller: Caller, messages: Sequence[Message]) -> Json:
    """The page that the cursor points to. Raises Refused."""
    limit = max(1, min(caller.arguments.number("limit", _DEFAULT_LIMIT), caller.platform.history_most))
    start = 0
    if cursor := caller.arguments.text("cursor"):
        try:
            after = b64decode(cursor, validate=True).decode().removeprefix("next_ts:")
            start = [message.ts for message in messages].index(after)
        except (binascii.Error, UnicodeDecodeError, ValueError):
            raise Refused("invalid_cursor") from None
    following = messages[start + limit : start + limit + 1]
    metadata = caller.arguments.flag("include_all_metadata")
    page: Json = {
        "ok": True,
        "messages": [
            caller.platform.show(message, metadata=metadata) for message in messages[start : start + limit]
        ],
        "has_more": bool(following),
    }
    if following:
        next_cursor = b64encode(f"next_ts:{following[0].ts}".encode()).decode()
        page["response_metadata"] = {"next_cursor": next_cursor}
    return page


METHODS = {
    "conversations.history": Method(history, 3),
    "conversations.replies": Method(replies, 3),
    "conversations.info": Method(info, 3),
    "conversations.open": Method(open_, 3),
}
