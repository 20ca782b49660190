"""chat.startStream, chat.appendStream, chat.stopStream: a message that is said piece by piece.

https://docs.slack.dev/reference/methods/chat.startStream. A stream lives for about five minutes from its start,
whether or not something is appended; that is reported, not documented.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.emulators.slack.methods.agents import STATUSES
from bot.emulators.slack.methods.caller import Caller, Method
from bot.emulators.slack.methods.chat import thread_of
from bot.emulators.slack.methods.content import MAX_MARKDOWN, checked, metadata_of
from bot.emulators.slack.platform import Platform
from bot.emulators.slack.records import Channel, Json, Message
from bot.emulators.slack.refusals import Refused

_CHUNKS = {"markdown_text": "text", "task_update": "id", "plan_update": "title", "blocks": "blocks"}
_TASKS = ("pending", "in_progress", "complete", "error")


def start(caller: Caller) -> Json:
    channel = caller.writable()
    thread_ts = thread_of(caller, channel)
    if channel.kind in ("im", "mpim"):
        if thread_ts is None:
            raise Refused("invalid_arguments", "missing required field: thread_ts")
    else:
        _check_recipient(caller, channel)
    text, chunks = _said(caller, needed=False)
    platform = caller.platform
    message = Message(
        channel.id,
        platform.ids.ts(),
        caller.bot,
        text,
        caller.installation.team_id or channel.team_id,
        thread_ts=thread_ts,
        bot_id=caller.installation.bot_id,
        app_id=caller.app.id,
        streaming_state="in_progress",
        chunks=chunks,
    )
    platform.stream_times[channel.id, message.ts] = platform.clock(), platform.clock()
    platform.surface.replied(channel.id, thread_ts)
    platform.post(message)
    return {"ok": True, "channel": channel.id, "ts": message.ts}


def append(caller: Caller) -> Json:
    channel = caller.visible()
    message = _running(caller, channel)
    text, chunks = _said(caller, needed=True)
    platform = caller.platform
    begun, _ = platform.stream_times[channel.id, message.ts]
    platform.stream_times[channel.id, message.ts] = begun, platform.clock()
    # What is appended is no event: the app knows it, and everybody else sees the end.
    platform.transcript.put(
        replace(message, text=message.text + text, chunks=_merged(message.chunks, chunks))
    )
    platform.changed()
    return {"ok": True, "channel": channel.id, "ts": message.ts}


def stop(caller: Caller) -> Json:
    channel = caller.visible()
    message = _running(caller, channel)
    text, chunks = _said(caller, needed=False)
    given = caller.arguments.listed("blocks", "invalid_blocks_format") or []
    blocks = checked(given)
    session = caller.arguments.text("session_status")
    if session is not None and session not in STATUSES:
        raise Refused("invalid_arguments", f"must be one of {', '.join(STATUSES)}")
    metadata = metadata_of(caller.arguments)
    done = replace(
        message,
        text=message.text + text,
        chunks=_merged(message.chunks, chunks),
        blocks=(*message.blocks, *blocks),
        metadata=metadata or None,
        streaming_state="completed",
    )
    platform = caller.platform
    del platform.stream_times[channel.id, message.ts]
    if session is not None:
        platform.surface.change(channel.id, message.thread_ts, session=session)
    platform.edit(done, message)
    shown = platform.show(done, metadata=True)
    return {"ok": True, "channel": channel.id, "ts": done.ts, "message": shown}


def end_stream(platform: Platform, message: Message) -> None:
    """A person pressed Stop: what was said stays, and nothing can be appended."""
    del platform.stream_times[message.channel, message.ts]
    platform.transcript.put(replace(message, streaming_state="completed", subtype="stopped_by_user"))
    platform.changed()


def _running(caller: Caller, channel: Channel) -> Message:
    """The stream that a call names, alive. Raises Refused."""
    message = caller.own(channel, "message_not_owned_by_app")
    if message.subtype == "stopped_by_user":
        raise Refused("stopped_by_user")
    platform = caller.platform
    if message.streaming_state != "in_progress":
        raise Refused("message_not_in_streaming_state")
    begun, last = platform.stream_times[channel.id, message.ts]
    now = platform.clock()
    if now - begun >= platform.stream_seconds or now - last >= platform.stream_idle_seconds:
        del platform.stream_times[channel.id, message.ts]
        platform.transcript.put(replace(message, streaming_state="errored"))
        platform.changed()
        raise Refused("message_not_in_streaming_state")
    return message


def _check_recipient(caller: Caller, channel: Channel) -> None:
    """In a channel somebody must be named to whom it is said. Raises Refused."""
    user, team = caller.arguments.text("recipient_user_id"), caller.arguments.text("recipient_team_id")
    if not team:
        raise Refused("missing_recipient_team_id")
    if not user:
        raise Refused("missing_recipient_user_id")
    found = caller.platform.directory.users.get(user)
    if found is None or user not in channel.members:
        raise Refused("user_not_found")
    if found.team_id != team:
        raise Refused("team_not_found")


def _said(caller: Caller, *, needed: bool) -> tuple[str, tuple[Mapping[str, Any], ...]]:
    """The text of a call and its other chunks. The limit is each chunk's, not the message's. Raises Refused."""
    markdown = caller.arguments.text("markdown_text")
    chunks = caller.arguments.listed("chunks", "invalid_chunks")
    if markdown and chunks:
        raise Refused("markdown_text_conflict")
    texts, others = [markdown or ""], []
    for number, chunk in enumerate(chunks or ()):
        where = f"[json-pointer:/chunks/{number}]"
        kind = chunk.get("type") if isinstance(chunk, dict) else None
        if kind not in _CHUNKS or _CHUNKS[str(kind)] not in chunk:
            raise Refused("invalid_chunks", f"unsupported or incomplete chunk {where}")
        if kind == "task_update" and chunk.get("status", "pending") not in _TASKS:
            raise Refused("invalid_chunks", f"status must be one of {', '.join(_TASKS)} {where}")
        if kind == "blocks":
            checked(chunk["blocks"] if isinstance(chunk["blocks"], list) else [None])
        if kind == "markdown_text":
            texts.append(str(chunk["text"]))
        else:
            others.append(chunk)
    if any(len(text) > MAX_MARKDOWN for text in texts):
        raise Refused("msg_too_long")
    text = "".join(texts)
    if needed and not text and not others:
        raise Refused("no_text")
    return text, tuple(others)


def _merged(
    old: tuple[Mapping[str, Any], ...], new: tuple[Mapping[str, Any], ...]
) -> tuple[Mapping[str, Any], ...]:
    """The chunks that stand: a task and the plan's title are replaced by what is said of them later."""
    by_key: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for number, chunk in enumerate((*old, *new)):
        key = ("plan",) if chunk["type"] == "plan_update" else ("task", chunk.get("id"))
        key = ("blocks", number) if chunk["type"] == "blocks" else key
        by_key[key] = {**by_key.get(key, {}), **chunk}
    return tuple(by_key.values())


METHODS = {
    "chat.startStream": Method(start, 2, "chat:write"),
    "chat.appendStream": Method(append, 4, "chat:write"),
    "chat.stopStream": Method(stop, 2, "chat:write"),
}
