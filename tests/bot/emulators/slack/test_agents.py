"""What an app shows beside a thread, and Stop."""

from __future__ import annotations

import pytest

from bot.emulators.slack.refusals import Refused


@pytest.fixture
async def asked(ada):
    return ada.writes("Tell me")


async def test_a_status_goes_when_the_app_answers_or_after_two_minutes(slack, client, seconds, ada, asked):
    about = {"channel_id": ada.dm.id, "thread_ts": asked.ts}

    def status():
        return slack.platform.surface.of(ada.dm.id, asked.ts).status

    await client.assistant_threads_setStatus(**about, status="is thinking…")
    assert status() == "is thinking…"
    await client.chat_postMessage(channel=ada.dm.id, thread_ts=asked.ts, text="So:")
    assert status() == ""
    await client.assistant_threads_setStatus(**about, status="is thinking…")
    seconds.move(120)
    assert status() == ""
    await client.assistant_threads_setStatus(**about, status="is thinking…")
    await client.assistant_threads_setStatus(**about, status="")
    assert status() == ""


async def test_prompts_and_title_are_shown(slack, client, ada, asked, refused):
    prompts = [{"title": str(n), "message": f"Message {n}"} for n in range(4)]
    about = {"channel_id": ada.dm.id, "thread_ts": asked.ts}
    await client.assistant_threads_setSuggestedPrompts(**about, prompts=prompts)
    await client.assistant_threads_setTitle(**about, title="Balance")
    thread = slack.platform.surface.of(ada.dm.id, asked.ts)
    assert (thread.title, [prompt["title"] for prompt in thread.prompts]) == ("Balance", list("0123"))
    # The agent view takes them for the whole direct message.
    await client.assistant_threads_setSuggestedPrompts(channel_id=ada.dm.id, prompts=prompts[:1])
    assert len(slack.platform.surface.of(ada.dm.id, None).prompts) == 1
    for arguments in ({"prompts": prompts + prompts[:1]}, {"prompts": [{"title": "x"}]}):
        with refused("invalid_arguments"):
            await client.assistant_threads_setSuggestedPrompts(**about, **arguments)


async def test_a_session_has_a_status_and_warns_where_stop_is_not_heard(slack, client, ada, asked, refused):
    about = {"channel_id": ada.dm.id, "thread_ts": asked.ts}
    answer = await client.agents_sessions_setStatus(**about, status="processing", title="Balance")
    assert (answer["status"], answer["agent_status"], answer["title"]) == (
        "processing",
        "processing",
        "Balance",
    )
    assert "warning" not in answer.data
    # The title counts only for a new session.
    answer = await client.agents_sessions_setStatus(**about, status="suspended", title="Other")
    assert answer["title"] == "Balance"
    assert (await client.agents_sessions_rename(**about, title="Other"))["title"] == "Other"
    slack.configure(events=slack.app.events - {"agent_session_stopped"})
    answer = await client.agents_sessions_setStatus(**about, status="processing")
    assert answer["warning"] == "missing_agent_session_stopped_event_subscription"
    for arguments, error in (
        ({**about, "status": "odd"}, "invalid_arguments"),
        ({**about, "status": "active", "thread_ts": "1.000001"}, "invalid_thread_ts"),
        ({**about, "status": "active", "channel_id": "D0NOWHERE"}, "channel_not_found"),
    ):
        with refused(error):
            await client.agents_sessions_setStatus(**arguments)


async def test_a_slack_without_sessions_knows_no_such_method(slack, client, ada, asked, refused):
    slack.forget_method("agents.sessions.setStatus")
    with refused("unknown_method"):
        await client.agents_sessions_setStatus(channel_id=ada.dm.id, thread_ts=asked.ts, status="active")


async def test_stop_ends_the_streams_and_tells_the_app(slack, end, client, ada, asked, refused):
    about = {"channel_id": ada.dm.id, "thread_ts": asked.ts}
    with pytest.raises(Refused, match="no_stop_button"):
        ada.agent.stops(ada.dm, asked)
    await client.agents_sessions_setStatus(**about, status="processing")
    stream = await client.chat_startStream(channel=ada.dm.id, thread_ts=asked.ts, markdown_text="Half")
    ada.agent.stops(ada.dm, asked)
    with refused("stopped_by_user"):
        await client.chat_appendStream(channel=ada.dm.id, ts=stream["ts"], markdown_text="x")
    with refused("stopped_by_user"):
        await client.chat_stopStream(channel=ada.dm.id, ts=stream["ts"])
    await slack.idle()
    event = end.events("agent_session_stopped")[0].event
    assert (event["channel"], event["thread_ts"], event["user"]) == (ada.dm.id, asked.ts, ada.id)
    assert event["streaming_message_ts"] == [stream["ts"]]
    assert slack.said()[0].text == "Half"
    # The status is the app's to change.
    assert slack.platform.surface.of(ada.dm.id, asked.ts).session == "processing"


async def test_stop_without_a_stream_names_none(slack, end, client, ada, asked):
    await client.agents_sessions_setStatus(channel_id=ada.dm.id, thread_ts=asked.ts, status="processing")
    ada.agent.stops(ada.dm, asked)
    await slack.idle()
    assert end.events("agent_session_stopped")[0].event["streaming_message_ts"] == []


async def test_the_agent_view_is_opened_with_what_is_looked_at(slack, end, ada):
    ada.agent.opens(slack.general)
    ada.agent.looks_at(slack.general)
    ada.agent.looks_at(None)
    await slack.idle()
    opened = end.events("app_home_opened")[0].event
    entity = {
        "type": "slack#/types/channel_id",
        "value": slack.general.id,
        "team_id": slack.workspace.id,
    }
    assert (opened["tab"], opened["channel"], opened["user"]) == ("messages", ada.dm.id, ada.id)
    assert opened["context"] == {"entities": [entity]}
    contexts = [each.event["context"] for each in end.events("app_context_changed")]
    assert {"entities": [entity]} in contexts and {} in contexts
    authorization = end.events("app_context_changed")[0].payload["authorizations"][0]
    assert (authorization["user_id"], authorization["is_bot"]) == (ada.id, False)


async def test_the_older_assistant_view_starts_a_thread(slack, end, client, ada):
    root = ada.agent.starts_thread(slack.general)
    ada.agent.looks_at(slack.general, thread=root)
    await slack.idle()
    started = end.events("assistant_thread_started")[0].event["assistant_thread"]
    assert (started["user_id"], started["channel_id"], started["thread_ts"]) == (ada.id, ada.dm.id, root.ts)
    assert started["context"]["channel_id"] == slack.general.id
    assert len(end.events("assistant_thread_context_changed")) == 1
    await client.chat_postMessage(channel=ada.dm.id, thread_ts=root.ts, text="How can I help?")
    assert slack.said()[-1].thread_ts == root.ts
