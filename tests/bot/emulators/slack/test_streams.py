"""Streams: begun, fed, ended, and dead before their end."""

from __future__ import annotations

import pytest


@pytest.fixture
async def asked(ada):
    return ada.writes("Tell me")


@pytest.fixture
async def stream(client, ada, asked):
    """A stream in the direct message: the arguments that name it."""
    answer = await client.chat_startStream(channel=ada.dm.id, thread_ts=asked.ts)
    return {"channel": ada.dm.id, "ts": answer["ts"]}


async def test_a_stream_grows_and_becomes_a_message(slack, client, ada, asked, stream):
    await client.chat_appendStream(**stream, markdown_text="**Hel")
    await client.chat_appendStream(**stream, markdown_text="lo**")
    assert slack.said()[0].streaming_state == "in_progress"
    button = {"type": "button", "text": {"type": "plain_text", "text": "More"}, "action_id": "more"}
    answer = await client.chat_stopStream(
        **stream,
        markdown_text="!",
        blocks=[{"type": "actions", "elements": [button]}],
        metadata={"event_type": "reply", "event_payload": {"id": "7"}},
    )
    message = slack.said()[0]
    assert (message.text, message.streaming_state, message.thread_ts) == ("**Hello**!", "completed", asked.ts)
    assert message.blocks[0]["elements"][0]["action_id"] == "more"
    assert message.metadata["event_payload"] == {"id": "7"}
    assert answer["message"]["streaming_state"] == "completed"


async def test_the_sdks_own_helper_streams(slack, client, ada, asked):
    stream = await client.chat_stream(channel=ada.dm.id, thread_ts=asked.ts, buffer_size=4)
    for word in ("One ", "two ", "three"):
        await stream.append(markdown_text=word)
    await stream.stop()
    assert slack.said()[0].text == "One two three"


async def test_tasks_are_replaced_and_text_is_appended(slack, client, stream):
    task = {"type": "task_update", "id": "1", "title": "Reading", "status": "in_progress"}
    await client.chat_appendStream(**stream, chunks=[task, {"type": "markdown_text", "text": "One"}])
    done = {**task, "status": "complete", "output": "Read"}
    plan = {"type": "plan_update", "title": "Plan"}
    await client.chat_appendStream(**stream, chunks=[done, plan, {"type": "markdown_text", "text": "Two"}])
    message = slack.said()[0]
    assert message.text == "OneTwo"
    assert message.chunks == (done, plan)


async def test_in_a_channel_it_is_for_somebody(slack, client, ada, ben, refused):
    asked = ada.mentions("Tell me", slack.general)
    start = {"channel": slack.general.id, "thread_ts": asked.ts}
    team, user = {"recipient_team_id": slack.workspace.id}, {"recipient_user_id": ada.id}
    for given, error in (
        ({}, "missing_recipient_team_id"),
        (team, "missing_recipient_user_id"),
        ({**team, "recipient_user_id": "U0NOBODY"}, "user_not_found"),
        ({**user, "recipient_team_id": "T0OTHER"}, "team_not_found"),
    ):
        with refused(error):
            await client.chat_startStream(**start, **given)
    await client.chat_startStream(**start, **team, **user)
    assert slack.said()[0].streaming_state == "in_progress"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({}, "no_text"),
        ({"markdown_text": ""}, "no_text"),
        ({"markdown_text": "x" * 12_001}, "msg_too_long"),
        ({"chunks": [{"type": "markdown_text", "text": "x" * 12_001}]}, "msg_too_long"),
        ({"chunks": [{"type": "nonsense"}]}, "invalid_chunks"),
        ({"chunks": [{"type": "markdown_text"}]}, "invalid_chunks"),
        ({"chunks": [{"type": "task_update", "id": "1", "status": "odd"}]}, "invalid_chunks"),
        ({"chunks": "["}, "invalid_chunks"),
        ({"markdown_text": "x", "chunks": [{"type": "plan_update", "title": "y"}]}, "markdown_text_conflict"),
        ({"chunks": [{"type": "blocks", "blocks": [{"type": "nonsense"}]}]}, "invalid_blocks"),
    ],
)
async def test_what_cannot_be_appended_is_refused(slack, client, stream, refused, arguments, error):
    with refused(error):
        await client.api_call("chat.appendStream", json={**stream, **arguments})
    assert slack.said()[0].text == ""


async def test_the_limit_is_each_chunks_not_the_messages(slack, client, stream):
    for _ in range(3):
        await client.chat_appendStream(**stream, markdown_text="x" * 12_000)
    assert len(slack.said()[0].text) == 36_000


async def test_in_a_direct_message_it_answers_something(client, ada, refused):
    with refused("invalid_arguments"):
        await client.api_call("chat.startStream", json={"channel": ada.dm.id})


async def test_a_stream_dies_of_age_however_busy(slack, client, seconds, stream, refused):
    for _ in range(4):
        seconds.move(70)
        await client.chat_appendStream(**stream, markdown_text="x")
    seconds.move(20)
    for call in (client.chat_appendStream(**stream, markdown_text="x"), client.chat_stopStream(**stream)):
        with refused("message_not_in_streaming_state"):
            await call
    message = slack.said()[0]
    assert (message.text, message.streaming_state) == ("xxxx", "errored")
    # What remains is a message like any other.
    await client.chat_update(**stream, text="whole")


async def test_a_stream_dies_of_silence_where_it_is_set_so(slack, client, seconds, stream, refused):
    slack.platform.stream_idle_seconds = 30
    seconds.move(29)
    await client.chat_appendStream(**stream, markdown_text="x")
    seconds.move(30)
    with refused("message_not_in_streaming_state"):
        await client.chat_appendStream(**stream, markdown_text="x")


async def test_a_stopped_stream_takes_nothing_more(client, stream, refused):
    await client.chat_stopStream(**stream)
    for call in (client.chat_appendStream(**stream, markdown_text="x"), client.chat_stopStream(**stream)):
        with refused("message_not_in_streaming_state"):
            await call


async def test_while_it_streams_nothing_else_changes_it(client, ada, stream, refused):
    with refused("streaming_state_conflict"):
        await client.chat_update(**stream, text="x")
    theirs = ada.writes("mine")
    with refused("message_not_owned_by_app"):
        await client.chat_appendStream(channel=ada.dm.id, ts=theirs.ts, markdown_text="x")
    with refused("message_not_found"):
        await client.chat_appendStream(channel=ada.dm.id, ts="1.000001", markdown_text="x")


async def test_stop_may_set_the_sessions_status(slack, client, ada, asked, stream, refused):
    with refused("invalid_arguments"):
        await client.chat_stopStream(**stream, session_status="odd")
    await client.chat_stopStream(**stream, session_status="active")
    assert slack.platform.surface.of(ada.dm.id, asked.ts).session == "active"


async def test_appending_is_no_event_but_begin_and_end_are(slack, end, client, asked, stream):
    await slack.idle()
    before = len(end.received)
    await client.chat_appendStream(**stream, markdown_text="x")
    await slack.idle()
    assert len(end.received) == before
    await client.chat_stopStream(**stream)
    await slack.idle()
    assert end.received[-1].event["subtype"] == "message_changed"
