"""conversations.*: reading back what was said."""

from __future__ import annotations

import pytest


async def test_history_is_newest_first_and_without_replies(slack, client, ada):
    first = ada.writes("One", slack.general)
    ada.writes("A reply", slack.general, thread=first)
    ada.writes("Shown there too", slack.general, thread=first, broadcast=True)
    ada.writes("Two", slack.general)
    answer = await client.conversations_history(channel=slack.general.id)
    assert [message["text"] for message in answer["messages"]] == ["Two", "Shown there too", "One"]
    first_shown = answer["messages"][-1]
    assert (first_shown["reply_count"], first_shown["thread_ts"]) == (2, first.ts)
    assert first_shown["reply_users"] == [ada.id]


async def test_pages_follow_each_other(slack, client, ada):
    for number in range(5):
        ada.writes(str(number), slack.general)
    texts = [
        [message["text"] for message in page["messages"]]
        async for page in await client.conversations_history(channel=slack.general.id, limit=2)
    ]
    assert texts == [["4", "3"], ["2", "1"], ["0"]]


async def test_a_page_has_no_more_than_is_allowed(slack, client, ada):
    slack.platform.history_most = 2
    for number in range(3):
        ada.writes(str(number), slack.general)
    answer = await client.conversations_history(channel=slack.general.id, limit=200)
    assert (len(answer["messages"]), answer["has_more"]) == (2, True)


async def test_times_are_exclusive_unless_asked(slack, client, ada):
    one, two, three = (ada.writes(str(number), slack.general) for number in range(3))

    async def texts(**more):
        answer = await client.conversations_history(channel=slack.general.id, **more)
        return [message["text"] for message in answer["messages"]]

    assert await texts(oldest=one.ts) == ["2", "1"]
    assert await texts(latest=three.ts) == ["1", "0"]
    assert await texts(oldest=two.ts, latest=two.ts, inclusive=True) == ["1"]
    assert await texts(oldest=two.ts, latest=two.ts) == []


async def test_metadata_comes_only_when_asked_for(slack, client):
    metadata = {"event_type": "reply", "event_payload": {"id": "7"}}
    sent = await client.chat_postMessage(channel=slack.general.id, text="Hello", metadata=metadata)
    answer = await client.conversations_history(channel=slack.general.id)
    assert "metadata" not in answer["messages"][0]
    answer = await client.conversations_history(channel=slack.general.id, include_all_metadata=True)
    assert answer["messages"][0]["metadata"] == metadata
    answer = await client.conversations_replies(
        channel=slack.general.id, ts=sent["ts"], include_all_metadata=True
    )
    assert answer["messages"][0]["metadata"] == metadata


async def test_replies_begin_with_the_first_message(slack, client, ada, ben, refused):
    first = ada.writes("One", slack.general)
    ben.writes("Two", slack.general, thread=first)
    ada.writes("Three", slack.general, thread=first)
    answer = await client.conversations_replies(channel=slack.general.id, ts=first.ts)
    assert [message["text"] for message in answer["messages"]] == ["One", "Two", "Three"]
    assert answer["messages"][1]["parent_user_id"] == ada.id
    pages = [
        [message["text"] for message in page["messages"]]
        async for page in await client.conversations_replies(channel=slack.general.id, ts=first.ts, limit=2)
    ]
    assert pages == [["One", "Two"], ["Three"]]
    with refused("thread_not_found"):
        await client.conversations_replies(channel=slack.general.id, ts="1.000001")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"cursor": "nonsense"}, "invalid_cursor"),
        ({"cursor": "bmV4dF90czoxLjAwMDAwMQ=="}, "invalid_cursor"),
        ({"oldest": "yesterday"}, "invalid_ts_oldest"),
        ({"latest": "yesterday"}, "invalid_ts_latest"),
        ({"limit": "many"}, "invalid_arguments"),
    ],
)
async def test_what_cannot_be_read_is_refused(slack, client, refused, arguments, error):
    with refused(error):
        await client.conversations_history(channel=slack.general.id, **arguments)


async def test_a_channel_that_the_app_is_not_in_is_not_read(slack, client, ada, refused):
    other = slack.add_channel(slack.workspace, "other", ada)
    with refused("not_in_channel"):
        await client.conversations_history(channel=other.id)
    with refused("channel_not_found"):
        await client.conversations_history(channel="C0NOWHERE")


async def test_info_tells_what_kind_of_conversation_it_is(slack, client, ada, refused):
    shown = (await client.conversations_info(channel=slack.general.id))["channel"]
    assert (shown["name"], shown["is_channel"], shown["is_member"]) == ("general", True, True)
    shown = (await client.conversations_info(channel=ada.dm.id))["channel"]
    assert (shown["is_im"], shown["user"]) == (True, ada.id)
    with refused("channel_not_found"):
        await client.conversations_info(channel="C0NOWHERE")


async def test_open_gives_the_same_direct_message_each_time(slack, client, ada, ben, refused):
    opened = await client.conversations_open(users=ada.id)
    again = await client.conversations_open(users=[ada.id], return_im=True)
    assert (opened["channel"], again["channel"]["id"]) == ({"id": ada.dm.id}, ada.dm.id)
    assert again["already_open"] is True
    slack.configure(scopes=slack.app.scopes | {"mpim:write"})
    slack.install(slack.app, slack.workspace)
    group = await client.conversations_open(users=f"{ada.id},{ben.id}")
    assert slack.platform.directory.channels[group["channel"]["id"]].kind == "mpim"
    for arguments, error in (
        ({"users": "U0NOBODY"}, "user_not_found"),
        ({"users": ""}, "users_list_not_supplied"),
        ({"users": ",".join(["U0"] * 9)}, "too_many_users"),
        ({"channel": slack.general.id}, "method_not_supported_for_channel_type"),
    ):
        with refused(error):
            await client.api_call("conversations.open", json=arguments)
