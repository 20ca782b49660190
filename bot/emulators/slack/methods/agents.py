"""assistant.threads.* and agents.sessions.*: what an app shows beside a thread.

https://docs.slack.dev/ai/agent-sessions
"""

from __future__ import annotations

from bot.emulators.slack.methods.caller import Caller, Method
from bot.emulators.slack.records import Channel, Json
from bot.emulators.slack.refusals import Refused

STATUSES = ("active", "processing", "suspended", "closed")
MAX_PROMPTS = 4
MAX_TITLE = 200
_NOT_SUBSCRIBED = "missing_agent_session_stopped_event_subscription"


def set_status(caller: Caller) -> Json:
    channel, ts = _thread(caller, needed=True)
    status = caller.arguments.text("status")
    if status is None:
        raise Refused("invalid_arguments", "missing required field: status")
    loading = caller.arguments.listed("loading_messages") or []
    if len(loading) > 10:
        raise Refused("invalid_arguments", "no more than 10 items allowed [json-pointer:/loading_messages]")
    caller.platform.surface.change(channel.id, ts, status=status)
    caller.platform.changed()
    return {"ok": True}


def set_suggested_prompts(caller: Caller) -> Json:
    channel, ts = _thread(caller, needed=False)
    prompts = caller.arguments.listed("prompts")
    if prompts is None:
        raise Refused("invalid_arguments", "missing required field: prompts")
    if len(prompts) > MAX_PROMPTS:
        raise Refused(
            "invalid_arguments", f"no more than {MAX_PROMPTS} items allowed [json-pointer:/prompts]"
        )
    for number, prompt in enumerate(prompts):
        if not isinstance(prompt, dict) or not prompt.get("title") or not prompt.get("message"):
            where = f"[json-pointer:/prompts/{number}]"
            raise Refused("invalid_arguments", f"must have a title and a message {where}")
    caller.platform.surface.change(channel.id, ts, prompts=tuple(prompts))
    caller.platform.changed()
    return {"ok": True}


def set_title(caller: Caller) -> Json:
    channel, ts = _thread(caller, needed=True)
    caller.platform.surface.change(channel.id, ts, title=caller.arguments.needed("title"))
    caller.platform.changed()
    return {"ok": True}


def set_session_status(caller: Caller) -> Json:
    channel, ts = _thread(caller, needed=True)
    status = caller.arguments.needed("status")
    if status not in STATUSES:
        raise Refused("invalid_arguments", f"must be one of {', '.join(STATUSES)} [json-pointer:/status]")
    surface = caller.platform.surface
    old = surface.of(channel.id, ts)
    title = old.title
    if old.session is None:
        title = _title(caller) or title
    surface.change(channel.id, ts, session=status, session_of=caller.app.id, title=title)
    caller.platform.changed()
    answer: Json = {"ok": True, "status": status, "agent_status": status, "title": title}
    if "agent_session_stopped" not in caller.app.events:
        answer |= {"warning": _NOT_SUBSCRIBED, "response_metadata": {"warnings": [_NOT_SUBSCRIBED]}}
    return answer


def rename_session(caller: Caller) -> Json:
    channel, ts = _thread(caller, needed=True)
    if caller.platform.surface.of(channel.id, ts).session is None:
        raise Refused("session_not_found")
    title = _title(caller)
    if not title:
        raise Refused("invalid_arguments", "missing required field: title")
    caller.platform.surface.change(channel.id, ts, title=title)
    caller.platform.changed()
    return {"ok": True, "title": title}


def _thread(caller: Caller, *, needed: bool) -> tuple[Channel, str | None]:
    """The channel and the thread of a call; without a ts it is the whole direct message. Raises Refused."""
    channel = caller.visible("channel_id")
    ts = caller.arguments.text("thread_ts")
    if not ts:
        if needed:
            raise Refused("invalid_arguments", "missing required field: thread_ts")
        return channel, None
    parent = caller.platform.transcript.any_of(channel.id, ts)
    if parent is None or parent.is_reply:
        raise Refused("invalid_thread_ts")
    return channel, ts


def _title(caller: Caller) -> str:
    title = caller.arguments.text("title") or ""
    if len(title) > MAX_TITLE:
        raise Refused(
            "invalid_arguments", f"must be less than {MAX_TITLE + 1} characters [json-pointer:/title]"
        )
    return title


METHODS = {
    "assistant.threads.setStatus": Method(set_status, None, "chat:write"),
    "assistant.threads.setSuggestedPrompts": Method(set_suggested_prompts, 4, "assistant:write"),
    "assistant.threads.setTitle": Method(set_title, 4, "assistant:write"),
    "agents.sessions.setStatus": Method(set_session_status, 3, "chat:write"),
    "agents.sessions.rename": Method(rename_session, 3, "chat:write"),
}
