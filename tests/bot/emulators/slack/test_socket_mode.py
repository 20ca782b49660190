"""Socket Mode, with slack_sdk's own client and Bolt's on the other side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient


class Listener:
    """The app's end: what came over its sockets, and the acknowledgements it gives (None: none)."""

    def __init__(self) -> None:
        self.envelopes: list = []
        self.payload = None
        self.deaf = 0
        self._came = asyncio.Condition()

    async def __call__(self, client, request) -> None:
        if self.deaf:
            self.deaf -= 1
        else:
            await client.send_socket_mode_response(SocketModeResponse(request.envelope_id, self.payload))
        async with self._came:
            self.envelopes.append(request)
            self._came.notify_all()

    async def arrived(self, count: int) -> list:
        async with self._came:
            await self._came.wait_for(lambda: len(self.envelopes) >= count)
        return self.envelopes


@pytest.fixture
def listener() -> Listener:
    return Listener()


def a_client(slack, listener) -> SocketModeClient:
    client = SocketModeClient(
        app_token=slack.app.app_token, web_client=AsyncWebClient(base_url=slack.api_url), ping_interval=0.05
    )
    client.socket_mode_request_listeners.append(listener)
    return client


@pytest.fixture
async def connected(slack, listener) -> AsyncIterator[SocketModeClient]:
    client = a_client(slack, listener)
    await client.connect()
    await slack.sockets.connected(slack.app.id)
    yield client
    await client.close()


async def test_an_event_comes_in_an_envelope_and_not_by_http(slack, end, ada, listener, connected):
    ada.writes("Hello")
    await slack.idle()
    envelope = listener.envelopes[0]
    assert (envelope.type, envelope.accepts_response_payload) == ("events_api", False)
    assert (envelope.retry_attempt, envelope.retry_reason) == (0, "")
    assert envelope.payload["event"]["text"] == "Hello"
    assert slack.deliveries[0].attempts[0].via == "socket"
    assert end.received == []


async def test_a_missed_acknowledgement_is_sent_again(slack, ada, listener, connected):
    listener.deaf = 2
    ada.writes("Hello")
    await slack.idle()
    assert [(each.retry_attempt, each.retry_reason) for each in listener.envelopes] == [
        (0, ""),
        (1, "timeout"),
        (2, "timeout"),
    ]
    assert len({each.payload["event_id"] for each in listener.envelopes}) == 1
    assert len({each.envelope_id for each in listener.envelopes}) == 3
    assert [each.failure for each in slack.deliveries[0].attempts] == ["timeout", "timeout", None]


async def test_interactions_and_commands_are_answered_in_the_acknowledgement(
    slack, client, ada, listener, connected
):
    listener.payload = {"text": "Here you are"}
    await ada.commands("balance", slack.general)
    envelope = listener.envelopes[-1]
    assert (envelope.type, envelope.accepts_response_payload) == ("slash_commands", True)
    assert (envelope.payload["command"], envelope.payload["text"]) == ("/parley", "balance")
    assert slack.messages[-1].text == "Here you are"
    listener.payload = None
    view = {
        "type": "modal",
        "title": {"type": "plain_text", "text": "x"},
        "submit": {"type": "plain_text", "text": "Go"},
        "blocks": [{"type": "divider"}],
    }
    await client.views_open(trigger_id=envelope.payload["trigger_id"], view=view)
    listener.payload = {"response_action": "errors", "errors": {"a": "No"}}
    answer = await ada.submits()
    assert listener.envelopes[-1].type == "interactive"
    assert answer.body["errors"] == {"a": "No"}
    assert ada.view is not None


async def test_when_slack_refreshes_the_client_connects_anew(slack, ada, listener, connected):
    await slack.disconnect("refresh_requested")
    await slack.sockets.connected(slack.app.id)
    ada.writes("Hello")
    await listener.arrived(1)
    opened = [call for call in slack.calls if call.method == "apps.connections.open"]
    assert len(opened) == 2


async def test_a_client_that_does_not_go_is_cut_off(slack):
    async with aiohttp.ClientSession() as http:
        bearer = {"Authorization": f"Bearer {slack.app.app_token}"}
        async with http.post(f"{slack.api_url}apps.connections.open", headers=bearer) as answer:
            url = (await answer.json())["url"]
        async with http.ws_connect(url) as socket:
            hello = await socket.receive_json()
            assert (hello["type"], hello["num_connections"]) == ("hello", 1)
            assert hello["connection_info"] == {"app_id": slack.app.id}
            await slack.disconnect("warning")
            assert (await socket.receive_json())["reason"] == "warning"
            assert slack.sockets.is_connected(slack.app.id)
            await slack.disconnect("link_disabled", grace=0.05)
            said = await socket.receive_json()
            assert (said["type"], said["reason"]) == ("disconnect", "link_disabled")
            assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
        # An address is good for one connection.
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await http.ws_connect(url)


async def test_what_is_no_acknowledgement_counts_for_nothing(slack, ada):
    async with aiohttp.ClientSession() as http, http.ws_connect(slack.sockets.new_url(slack.app)) as socket:
        await socket.receive_json()
        ada.writes("Hello")
        envelope = await socket.receive_json()
        for said in ("nonsense", "[]", '{"envelope_id": "other"}'):
            await socket.send_str(said)
        again = await socket.receive_json()
        assert (again["retry_attempt"], again["retry_reason"]) == (1, "timeout")
        assert again["payload"] == envelope["payload"]
        await socket.send_json({"envelope_id": again["envelope_id"]})
        await slack.idle()
    assert slack.deliveries[0].answer.is_ok


async def test_a_connection_lost_with_an_envelope_on_it_is_sent_again(slack, ada, listener):
    async with aiohttp.ClientSession() as http:
        async with http.ws_connect(slack.sockets.new_url(slack.app)) as socket:
            await socket.receive_json()
            ada.writes("Hello")
            await socket.receive_json()
            client = a_client(slack, listener)
            await client.connect()
            await slack.sockets.connected(slack.app.id, 2)
        await slack.idle()
    assert [each.failure for each in slack.deliveries[0].attempts] == ["connection_closed", None]
    await client.close()


async def test_slack_pings_and_answers_pings(slack):
    slack.sockets.ping_seconds = 0.01
    async with aiohttp.ClientSession() as http:
        url = slack.sockets.new_url(slack.app)
        async with http.ws_connect(url, autoping=False) as socket:
            await socket.receive_json()
            ping = await socket.receive()
            assert (ping.type, ping.data[:9]) == (aiohttp.WSMsgType.PING, b"Ping from")
            slack.sockets.ping_seconds = 60
            await socket.ping(b"sdk-ping-pong:1.5")
            while (answer := await socket.receive()).type is aiohttp.WSMsgType.PING:
                pass
            assert (answer.type, answer.data) == (aiohttp.WSMsgType.PONG, b"sdk-ping-pong:1.5")


async def test_ten_connections_and_no_more(slack):
    async with aiohttp.ClientSession() as http:
        sockets = [await http.ws_connect(slack.sockets.new_url(slack.app)) for _ in range(10)]
        hellos = [await socket.receive_json() for socket in sockets]
        assert hellos[-1]["num_connections"] == 10
        eleventh = await http.ws_connect(slack.sockets.new_url(slack.app))
        assert (await eleventh.receive_json())["reason"] == "too_many_websockets"
        for socket in sockets:
            await socket.close()


async def test_several_connections_take_turns(slack, ada):
    async with aiohttp.ClientSession() as http:
        sockets = [await http.ws_connect(slack.sockets.new_url(slack.app)) for _ in range(2)]
        for socket in sockets:
            await socket.receive_json()
        for socket in sockets:
            ada.writes("Hello")
            envelope = await socket.receive_json()
            await socket.send_json({"envelope_id": envelope["envelope_id"]})
        await slack.idle()
        for socket in sockets:
            await socket.close()


async def test_without_a_connection_socket_mode_waits_for_one(slack, end, ada, listener):
    slack.configure(socket_mode=True)
    ada.writes("Hello")
    await slack.idle()
    assert {each.failure for each in slack.deliveries[0].attempts} == {"no_connection"}
    assert end.received == []


async def test_only_the_apps_own_token_opens_a_connection(slack, refused):
    async def open_with(token: str) -> None:
        await AsyncWebClient(base_url=slack.api_url).apps_connections_open(app_token=token)

    with refused("not_allowed_token_type"):
        await open_with(slack.bot_token)
    with refused("invalid_auth"):
        await open_with("xapp-nonsense")
    slack.configure(socket_mode=False)
    with refused("access_denied"):
        await open_with(slack.app.app_token)


async def test_bolt_answers_over_socket_mode(slack, client, ada):
    app = AsyncApp(token=slack.bot_token, client=client)

    @app.event("message")
    async def on_message(event, say):
        await say(f"You said: {event['text']}")

    @app.command("/parley")
    async def on_command(ack):
        await ack("Done")

    handler = AsyncSocketModeHandler(app, slack.app.app_token, web_client=client)
    await handler.connect_async()
    await slack.sockets.connected(slack.app.id)
    changed = asyncio.Event()
    slack.platform.watch(changed.set)
    ada.writes("Hello")
    while not slack.said():
        changed.clear()
        await changed.wait()
    assert slack.said()[0].text == "You said: Hello"
    await ada.commands()
    assert slack.messages[-1].text == "Done"
    await handler.close_async()
