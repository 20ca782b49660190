"""chat.*: what an app posts, changes and deletes, and what of it is refused."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest

from bot.emulators.slack.records import Edit

SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "*Hello*"}}
BUTTONS = {
    "type": "actions",
    "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Go"}, "value": "1"}],
}


async def test_a_posted_message_is_stored_and_shown(slack, client):
    answer = await client.chat_postMessage(
        channel=slack.general.id,
        text="Hello",
        blocks=[SECTION],
        metadata={"event_type": "reply", "event_payload": {"id": "7"}},
    )
    message = slack.said(slack.general)[0]
    assert (message.text, message.ts, message.thread_ts) == ("Hello", answer["ts"], None)
    assert message.blocks[0]["text"]["text"] == "*Hello*"
    assert message.blocks[0]["block_id"]
    assert message.metadata == {"event_type": "reply", "event_payload": {"id": "7"}}
    assert answer["channel"] == slack.general.id
    assert answer["message"]["bot_id"] == slack.installation.bot_id
    assert answer["message"]["app_id"] == slack.app.id


async def test_timestamps_rise_even_while_the_clock_stands(slack, client):
    sent = [await client.chat_postMessage(channel=slack.general.id, text=str(n)) for n in range(3)]
    stamps = [answer["ts"] for answer in sent]
    assert stamps == sorted(set(stamps))
    assert all(len(ts.partition(".")[2]) == 6 for ts in stamps)


async def test_messages_posted_at_once_are_all_there_once(slack, client):
    await asyncio.gather(*(client.chat_postMessage(channel=slack.general.id, text=str(n)) for n in range(50)))
    assert sorted(int(message.text) for message in slack.said()) == list(range(50))
    assert len({message.ts for message in slack.said()}) == 50


async def test_a_user_id_is_the_direct_message_with_that_user(slack, client, ada):
    answer = await client.chat_postMessage(channel=ada.id, text="Hello")
    assert answer["channel"] == ada.dm.id
    assert slack.said(ada.dm)[0].text == "Hello"


async def test_a_reply_to_a_reply_goes_into_the_first_ones_thread(slack, client, ada):
    first = ada.writes("One", slack.general)
    reply = await client.chat_postMessage(channel=slack.general.id, text="Two", thread_ts=first.ts)
    await client.chat_postMessage(channel=slack.general.id, text="Three", thread_ts=reply["ts"])
    assert [message.thread_ts for message in slack.said(slack.general)] == [first.ts, first.ts]


async def test_forms_and_json_are_the_same(slack):
    url = f"{slack.api_url}chat.postMessage"
    bearer = {"Authorization": f"Bearer {slack.bot_token}"}
    body = {"channel": slack.general.id, "text": "Hello", "blocks": [SECTION]}
    async with aiohttp.ClientSession() as http:
        async with http.post(url, json=body, headers=bearer) as answer:
            assert (await answer.json())["ok"] is True
        form = {**body, "blocks": json.dumps([SECTION]), "token": slack.bot_token}
        async with http.post(url, data=form) as answer:
            assert (await answer.json())["ok"] is True
        # A token in JSON is none.
        async with http.post(url, json={**body, "token": slack.bot_token}) as answer:
            assert (await answer.json())["error"] == "not_authed"
        async with http.post(url, data="{", headers={"Content-Type": "application/json"}) as answer:
            assert (await answer.json())["error"] == "invalid_json"
        async with http.post(url, data="[]", headers={"Content-Type": "application/json"}) as answer:
            assert (await answer.json())["error"] == "json_not_object"
        async with http.post(url, data="x", headers={"Content-Type": "text/plain"}) as answer:
            assert (await answer.json())["error"] == "invalid_post_type"
    one, two = slack.said(slack.general)
    assert one.blocks[0]["text"] == two.blocks[0]["text"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"text": ""}, "no_text"),
        ({}, "no_text"),
        ({"text": "x" * 40_001}, "msg_too_long"),
        ({"markdown_text": "x" * 12_001}, "msg_too_long"),
        ({"markdown_text": "x", "text": "y"}, "markdown_text_conflict"),
        ({"text": "x", "blocks": "{"}, "invalid_blocks_format"),
        ({"text": "x", "blocks": {"type": "section"}}, "invalid_blocks_format"),
        ({"text": "x", "blocks": [{"type": "nonsense"}]}, "invalid_blocks"),
        ({"text": "x", "attachments": [{}] * 101}, "too_many_attachments"),
        ({"text": "x", "metadata": {"event_type": "a"}}, "invalid_metadata_format"),
        ({"text": "x", "metadata": {"event_type": "a b", "event_payload": {}}}, "invalid_metadata_format"),
        (
            {"text": "x", "metadata": {"event_type": "a", "event_payload": {"x": "y" * 9000}}},
            "metadata_too_large",
        ),
        ({"text": "x", "thread_ts": "yesterday"}, "invalid_thread_ts"),
        ({"text": "x", "thread_ts": "1790000000.000001"}, "thread_not_found"),
    ],
)
async def test_what_cannot_be_said_is_refused_and_not_stored(slack, client, refused, arguments, error):
    with refused(error):
        await client.api_call("chat.postMessage", json={"channel": slack.general.id, **arguments})
    assert slack.said() == []


async def test_the_longest_text_passes(slack, client):
    await client.chat_postMessage(channel=slack.general.id, text="x" * 40_000)
    await client.chat_postMessage(channel=slack.general.id, markdown_text="x" * 12_000)
    assert len(slack.said()) == 2


async def test_where_the_app_cannot_write_it_is_told_why(slack, client, ada, ben, refused):
    secret = slack.add_channel(slack.workspace, "secret", ada, kind="private")
    open_ = slack.add_channel(slack.workspace, "open", ada)
    old = slack.add_channel(slack.workspace, "old", ada, slack.installation)
    slack.platform.directory.archive(old.id)
    for channel, error in (
        ("C0NOWHERE", "channel_not_found"),
        (secret.id, "channel_not_found"),
        (open_.id, "not_in_channel"),
        (old.id, "is_archived"),
    ):
        with refused(error):
            await client.chat_postMessage(channel=channel, text="Hello")
    with refused("invalid_arguments") as refusal:
        await client.api_call("chat.postMessage", json={"text": "Hello"})
    assert refusal.response["response_metadata"]["messages"] == ["[ERROR] missing required field: channel"]


async def test_an_update_by_text_takes_the_blocks_away_and_shows_as_edited(slack, client):
    sent = await client.chat_postMessage(channel=slack.general.id, text="Old", blocks=[BUTTONS])
    answer = await client.chat_update(channel=slack.general.id, ts=sent["ts"], text="New")
    message = slack.said()[0]
    assert (answer["text"], message.text, message.blocks) == ("New", "New", ())
    assert isinstance(message.edited, Edit)


async def test_an_update_by_blocks_does_not_show_as_edited_and_keeps_the_metadata(slack, client):
    metadata = {"event_type": "reply", "event_payload": {"id": "7"}}
    sent = await client.chat_postMessage(channel=slack.general.id, text="Old", metadata=metadata)
    await client.chat_update(channel=slack.general.id, ts=sent["ts"], text="New", blocks=[SECTION])
    message = slack.said()[0]
    assert (message.edited, message.metadata, len(message.blocks)) == (None, metadata, 1)
    await client.chat_update(channel=slack.general.id, ts=sent["ts"], text="New", metadata={})
    assert slack.said()[0].metadata is None


async def test_only_own_messages_are_changed_or_deleted(slack, client, ada, refused):
    theirs = ada.writes("Mine", slack.general)
    for error, call in (
        ("cant_update_message", client.chat_update(channel=slack.general.id, ts=theirs.ts, text="x")),
        ("cant_delete_message", client.chat_delete(channel=slack.general.id, ts=theirs.ts)),
        ("message_not_found", client.chat_update(channel=slack.general.id, ts="1.000001", text="x")),
        ("message_not_found", client.chat_delete(channel=slack.general.id, ts="1.000001")),
    ):
        with refused(error):
            await call


async def test_an_updates_text_is_shorter_than_a_posts(slack, client, refused):
    sent = await client.chat_postMessage(channel=slack.general.id, text="x" * 5000)
    with refused("msg_too_long"):
        await client.chat_update(channel=slack.general.id, ts=sent["ts"], text="x" * 4001)
    with refused("no_text"):
        await client.api_call("chat.update", json={"channel": slack.general.id, "ts": sent["ts"]})


async def test_a_deleted_message_is_gone_and_leaves_a_tombstone_over_its_replies(slack, client, ada):
    sent = await client.chat_postMessage(channel=slack.general.id, text="Alone")
    await client.chat_delete(channel=slack.general.id, ts=sent["ts"])
    assert slack.messages == ()
    sent = await client.chat_postMessage(channel=slack.general.id, text="Asked")
    ada.writes("Answered", slack.general, thread=sent["ts"])
    await client.chat_delete(channel=slack.general.id, ts=sent["ts"])
    assert [message.subtype for message in slack.messages] == ["tombstone", None]
    assert [message.text for message in slack.platform.transcript.deleted] == ["Alone", "Asked"]


async def test_an_ephemeral_message_is_in_no_history(slack, client, ada, refused):
    answer = await client.chat_postEphemeral(channel=slack.general.id, user=ada.id, text="For you")
    message = slack.messages[0]
    assert (message.ephemeral_to, message.ts) == (ada.id, answer["message_ts"])
    assert (await client.conversations_history(channel=slack.general.id))["messages"] == []
    with refused("message_not_found"):
        await client.chat_update(channel=slack.general.id, ts=message.ts, text="x")
    with refused("user_not_in_channel"):
        await client.chat_postEphemeral(channel=slack.general.id, user="U0NOBODY", text="x")


async def test_a_reaction_is_added_once(slack, client, ada, refused):
    message = ada.writes("Nice", slack.general)
    await client.reactions_add(channel=slack.general.id, name="eyes", timestamp=message.ts)
    assert slack.messages[0].reactions[0].users == (slack.installation.bot_user_id,)
    for name, timestamp, error in (
        ("eyes", message.ts, "already_reacted"),
        ("no such one", message.ts, "invalid_name"),
        ("eyes", "1.000001", "message_not_found"),
    ):
        with refused(error):
            await client.reactions_add(channel=slack.general.id, name=name, timestamp=timestamp)
    with refused("no_item_specified"):
        await client.api_call("reactions.add", params={"channel": slack.general.id, "name": "eyes"})
