"""chat.*: posting, changing and deleting messages."""

from __future__ import annotations

import re
from dataclasses import replace

from bot.emulators.slack.methods.caller import Caller, Method
from bot.emulators.slack.methods.content import MAX_UPDATED_TEXT, read
from bot.emulators.slack.records import Channel, Edit, Json, Message
from bot.emulators.slack.refusals import Refused

_TS = re.compile(r"\d{9,11}\.\d{6}")


def post_message(caller: Caller) -> Json:
    channel = caller.writable()
    message = new_message(caller, channel)
    caller.platform.surface.replied(channel.id, message.thread_ts)
    message = caller.platform.post(message)
    shown = caller.platform.show(message, metadata=True)
    return {"ok": True, "channel": channel.id, "ts": message.ts, "message": shown}


def post_ephemeral(caller: Caller) -> Json:
    channel = caller.writable()
    user = caller.arguments.needed("user")
    if user not in channel.members:
        raise Refused("user_not_in_channel")
    message = replace(new_message(caller, channel), ephemeral_to=user, metadata=None)
    caller.platform.transcript.put(message)
    caller.platform.changed()
    return {"ok": True, "message_ts": message.ts}


def update(caller: Caller) -> Json:
    channel = caller.visible()
    old = caller.own(channel, "cant_update_message")
    if old.streaming_state == "in_progress":
        raise Refused("streaming_state_conflict")
    content = read(caller.arguments, MAX_UPDATED_TEXT)
    if content.is_empty and content.blocks is None and content.metadata is None:
        raise Refused("no_text")
    # Text without blocks takes the place of the blocks; metadata stays until something else is said.
    blocks = content.blocks if content.blocks is not None else () if content.text else old.blocks
    new = replace(
        old,
        text=old.text if content.text is None else content.text,
        blocks=blocks,
        attachments=old.attachments if content.attachments is None else content.attachments,
        metadata=old.metadata if content.metadata is None else (content.metadata or None),
        # An update by blocks does not show as edited.
        edited=old.edited if content.blocks else Edit(caller.bot, caller.platform.ids.ts()),
    )
    new = caller.platform.edit(new, old)
    shown = caller.platform.show(new, metadata=True)
    return {"ok": True, "channel": channel.id, "ts": new.ts, "text": new.text, "message": shown}


def delete(caller: Caller) -> Json:
    channel = caller.visible()
    message = caller.own(channel, "cant_delete_message")
    caller.platform.delete(message)
    return {"ok": True, "channel": channel.id, "ts": message.ts}


def new_message(caller: Caller, channel: Channel) -> Message:
    """The message that a call describes, not yet posted. Raises Refused."""
    content = read(caller.arguments)
    if content.is_empty:
        raise Refused("no_text")
    thread_ts = thread_of(caller, channel)
    return Message(
        channel.id,
        caller.platform.ids.ts(),
        caller.bot,
        content.text or "",
        caller.installation.team_id or channel.team_id,
        thread_ts=thread_ts,
        bot_id=caller.installation.bot_id,
        app_id=caller.app.id,
        blocks=content.blocks or (),
        attachments=content.attachments or (),
        metadata=content.metadata or None,
        broadcast=thread_ts is not None and caller.arguments.flag("reply_broadcast"),
    )


def thread_of(caller: Caller, channel: Channel) -> str | None:
    """The ts of the thread to write into, that of the first message even if a reply's was given. Raises Refused."""
    given = caller.arguments.text("thread_ts")
    if not given:
        return None
    if not _TS.fullmatch(given):
        raise Refused("invalid_thread_ts")
    parent = caller.platform.transcript.any_of(channel.id, given)
    if parent is None:
        raise Refused("thread_not_found")
    if parent.ephemeral_to is not None:
        raise Refused("cannot_reply_to_message")
    return parent.thread_ts or parent.ts


METHODS = {
    # "About one a second in a channel" is kept by the limits themselves.
    "chat.postMessage": Method(post_message, None, "chat:write"),
    "chat.postEphemeral": Method(post_ephemeral, 4, "chat:write"),
    "chat.update": Method(update, 3, "chat:write"),
    "chat.delete": Method(delete, 3, "chat:write"),
}
