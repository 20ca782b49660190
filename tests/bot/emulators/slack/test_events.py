"""What people do, as it reaches the app."""

from __future__ import annotations

import pytest

from bot.emulators.slack.refusals import Refused


async def only(slack, end):
    """The one request that came."""
    await slack.idle()
    assert len(end.received) == 1
    return end.received[0]


async def test_a_direct_message_is_an_event_in_its_envelope(slack, end, ada, seconds):
    message = ada.writes("Hello")
    came = await only(slack, end)
    bot = slack.installation.bot_user_id
    assert came.is_signed_with(slack.app.signing_secret)
    assert not came.is_signed_with("another")
    assert came.headers["Content-Type"] == "application/json"
    assert came.headers["User-Agent"].startswith("Slackbot")
    assert "X-Slack-Retry-Num" not in came.headers
    inner = came.payload.pop("event")
    event_id = came.payload.pop("event_id")
    assert event_id.startswith("Ev")
    assert came.payload == {
        "token": slack.app.verification_token,
        "team_id": slack.workspace.id,
        "context_team_id": slack.workspace.id,
        "context_enterprise_id": None,
        "api_app_id": slack.app.id,
        "type": "event_callback",
        "event_time": int(seconds()),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": slack.workspace.id,
                "user_id": bot,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
        "event_context": f"4-message-{slack.workspace.id}-{slack.app.id}-{ada.dm.id}",
    }
    text = {"type": "text", "text": "Hello"}
    section = {"type": "rich_text_section", "elements": [text]}
    assert inner.pop("blocks")[0] == {
        "type": "rich_text",
        "block_id": f"r{message.ts[-5:]}",
        "elements": [section],
    }
    assert inner == {
        "type": "message",
        "user": ada.id,
        "text": "Hello",
        "ts": message.ts,
        "client_msg_id": message.client_msg_id,
        "team": slack.workspace.id,
        "channel": ada.dm.id,
        "event_ts": message.ts,
        "channel_type": "im",
    }


async def test_a_mention_comes_twice_with_two_event_ids_and_one_ts(slack, end, ada):
    message = ada.mentions("what is my balance?", slack.general)
    await slack.idle()
    said, mentioned = end.events("message")[0], end.events("app_mention")[0]
    assert said.payload["event_id"] != mentioned.payload["event_id"]
    assert said.event["ts"] == mentioned.event["ts"] == message.ts
    assert said.event["text"] == f"<@{slack.installation.bot_user_id}> what is my balance?"
    assert (said.event["channel_type"], "channel_type" in mentioned.event) == ("channel", False)


async def test_in_a_direct_message_a_mention_is_a_message(slack, end, ada):
    ada.writes("@parley hello")
    assert (await only(slack, end)).event["text"] == f"<@{slack.installation.bot_user_id}> hello"


async def test_what_is_typed_arrives_as_slacks_markup(slack, end, ada, ben):
    ada.writes("a < b && c, @ben-okri @here @nobody https://a.example/?x=1&y=2")
    came = await only(slack, end)
    assert came.event["text"] == (
        f"a &lt; b &amp;&amp; c, <@{ben.id}> <!here> @nobody <https://a.example/?x=1&amp;y=2>"
    )
    elements = came.event["blocks"][0]["elements"][0]["elements"]
    assert elements[0] == {"type": "text", "text": "a < b && c, "}
    assert {"type": "user", "user_id": ben.id} in elements
    assert {"type": "broadcast", "range": "here"} in elements


async def test_replies_name_their_thread_and_a_broadcast_says_so(slack, end, ada, ben):
    first = ada.writes("One", slack.general)
    ben.writes("Two", slack.general, thread=first)
    ben.writes("Three", slack.general, thread=first, broadcast=True)
    await slack.idle()
    by_text = {each.event["text"]: each.event for each in end.events("message")}
    assert "thread_ts" not in by_text["One"]
    assert (by_text["Two"]["thread_ts"], by_text["Two"]["parent_user_id"]) == (first.ts, ada.id)
    assert by_text["Three"]["subtype"] == "thread_broadcast"


async def test_edits_and_deletions_show_what_was_before(slack, end, ada):
    message = ada.writes("Old")
    await slack.idle()
    edited = ada.edits(message, "New")
    await slack.idle()
    ada.deletes(edited)
    await slack.idle()
    _, changed, deleted = [each.event for each in end.received]
    assert (changed["subtype"], changed["hidden"]) == ("message_changed", True)
    assert (changed["previous_message"]["text"], changed["message"]["text"]) == ("Old", "New")
    assert changed["message"]["edited"]["user"] == ada.id
    assert changed["message"]["ts"] == message.ts != changed["ts"]
    assert (deleted["subtype"], deleted["deleted_ts"]) == ("message_deleted", message.ts)
    assert deleted["previous_message"]["text"] == "New"


async def test_reactions_come_and_go(slack, end, client, ada):
    sent = await client.chat_postMessage(channel=slack.general.id, text="Good?")
    message = slack.said()[0]
    ada.reacts(message, "+1")
    ada.unreacts(message, "+1")
    await slack.idle()
    added, removed = end.events("reaction_added")[0].event, end.events("reaction_removed")[0].event
    item = {"type": "message", "channel": slack.general.id, "ts": sent["ts"]}
    assert (added["reaction"], added["user"], added["item"]) == ("+1", ada.id, item)
    assert (removed["item_user"], slack.messages[0].reactions) == (slack.installation.bot_user_id, ())
    with pytest.raises(Refused, match="no_reaction"):
        ada.unreacts(message, "+1")


async def test_the_apps_own_messages_come_back_with_its_bot_id(slack, end, client):
    await client.chat_postMessage(channel=slack.general.id, text="Hello")
    event = (await only(slack, end)).event
    assert (event["bot_id"], event["app_id"]) == (slack.installation.bot_id, slack.app.id)
    assert event["bot_profile"]["name"] == "Parley"


async def test_only_what_is_subscribed_is_sent(slack, end, ada):
    slack.configure(events=frozenset({"app_mention"}))
    ada.writes("Hello")
    ada.mentions("Hello", slack.general)
    assert (await only(slack, end)).event["type"] == "app_mention"


async def test_where_the_bot_is_not_nothing_is_heard(slack, end, ada):
    other = slack.add_channel(slack.workspace, "other", ada)
    ada.mentions("Hello", other)
    await slack.idle()
    assert end.received == []


@pytest.mark.parametrize(("kind", "named"), [("private", "group"), ("mpim", "mpim"), ("channel", "channel")])
async def test_each_kind_of_conversation_is_named(slack, end, ada, ben, kind, named):
    room = slack.add_channel(slack.workspace, "room", ada, ben, slack.installation, kind=kind)
    ada.writes("Hello", room)
    assert (await only(slack, end)).event["channel_type"] == named


async def test_nobody_acts_where_they_are_not(slack, ada, ben):
    room = slack.add_channel(slack.workspace, "room", ben)
    theirs = ben.writes("Hello", room)
    mine = ben.writes("Hello", slack.general)
    for act, error in (
        (lambda: ada.writes("x", room), "channel_not_found"),
        (lambda: ada.reacts(theirs, "eyes"), "channel_not_found"),
        (lambda: ada.edits(mine, "x"), "cant_update_message"),
        (lambda: ada.deletes(mine), "cant_delete_message"),
    ):
        with pytest.raises(Refused, match=error):
            act()


async def test_uninstalling_ends_the_token_and_is_told_in_two_events(slack, end, client, ada, refused):
    bot = slack.installation.bot_user_id
    ada.uninstalls()
    await slack.idle()
    gone, revoked = end.events("app_uninstalled")[0], end.events("tokens_revoked")[0]
    assert "authorizations" not in gone.payload
    assert revoked.event["tokens"] == {"oauth": [], "bot": [bot]}
    with refused("account_inactive"):
        await client.auth_test()
    before = len(end.received)
    ada.writes("Anybody?", slack.general)
    await slack.idle()
    assert len(end.received) == before
    with pytest.raises(Refused, match="app_missing"):
        ada.writes("Anybody?")
    slack.install(slack.app, slack.workspace)
    assert (await client.auth_test())["ok"] is True


async def test_apps_uninstall_needs_the_apps_secret(slack, client, refused):
    good = {"client_id": slack.app.client_id, "client_secret": slack.app.client_secret}
    with refused("client_id_token_mismatch"):
        await client.apps_uninstall(**{**good, "client_id": "1.2"})
    with refused("bad_client_secret"):
        await client.apps_uninstall(**{**good, "client_secret": "x"})
    await client.apps_uninstall(**good)
    with refused("account_inactive"):
        await client.auth_test()


async def test_the_request_url_is_verified(slack, end):
    assert await slack.verify_url("abc") is True
    came = await only(slack, end)
    assert came.payload == {
        "token": slack.app.verification_token,
        "challenge": "abc",
        "type": "url_verification",
    }
    assert came.is_signed_with(slack.app.signing_secret)
    end.answers.append(500)
    assert await slack.verify_url() is False


async def test_too_many_events_are_said_so(slack, end):
    slack.rate_limit_app()
    payload = (await only(slack, end)).payload
    assert payload["type"] == "app_rate_limited"
    assert payload["minute_rate_limited"] % 60 == 0
    assert "event" not in payload


async def test_any_other_event_can_be_sent(slack, end):
    slack.send_event({"type": "user_change", "user": {"id": "U1"}})
    assert (await only(slack, end)).event["user"]["id"] == "U1"
