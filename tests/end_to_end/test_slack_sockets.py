"""Socket Mode: connected by itself, again after every loss, and acknowledged only when it is stored."""

from __future__ import annotations

import asyncio

import pytest
from slack_house import slack_house

from adapters.slack.socket_mode import Link, SocketMode
from bot.slack.connecting import GivenTokens


@pytest.fixture
async def place(database, redis_url, tmp_path, clock):
    """The process has SLACK_APP_TOKEN."""
    async with slack_house(database, redis_url, tmp_path, clock, app_token=True) as place:
        place.slack.configure(socket_mode=True)
        yield place


@pytest.fixture
async def connected(place):
    async with place.runtime.slack_inbound.sockets.running():
        await arrived(place)
        yield place


async def arrived(place, count=1):
    async with asyncio.timeout(10):
        await place.slack.sockets.connected(place.slack.app_id, count)


async def test_a_message_over_the_socket_is_answered(connected):
    connected.ada.writes("hello")
    await connected.settled()
    assert connected.said() == ["You said hello"]
    assert {attempt.via for each in connected.slack.deliveries for attempt in each.attempts} == {"socket"}


async def test_a_mention_is_answered_once(connected):
    connected.ada.mentions("hello", connected.slack.general)
    await connected.settled()
    assert connected.said() == ["You said hello"]


async def test_an_envelope_that_comes_twice_is_one_message(connected):
    connected.slack.fault("doubled", event="message")
    connected.ada.writes("hello")
    await connected.settled()
    assert connected.said() == ["You said hello"]


async def test_buttons_and_commands_come_the_same_way(connected):
    answer = await connected.ada.commands("colour", connected.slack.general)
    assert answer.body == {"response_type": "ephemeral", "text": "I answer in our direct message."}
    await connected.settled()
    await connected.ada.presses(connected.last(), "Red")
    await connected.settled()
    assert connected.said()[-1] == "You like Red."


async def test_it_connects_again_when_slack_moves_it(connected):
    await connected.slack.disconnect("refresh_requested", grace=5.0)
    await arrived(connected)
    connected.ada.writes("hello")
    await connected.settled()
    assert connected.said() == ["You said hello"]


async def test_what_could_not_be_stored_is_not_acknowledged_and_comes_again(
    database, redis_url, tmp_path, clock
):
    async with slack_house(database, redis_url, tmp_path, clock, app_token=True, ack_within=0.5) as place:
        place.slack.configure(socket_mode=True)
        await place.owner.execute(
            """
            create sequence failures;
            grant usage on sequence failures to public;
            create function fail_once() returns trigger language plpgsql as $$
            begin
                if nextval('failures') <= 1 then
                    raise exception using errcode = '40001', message = 'try again';
                end if;
                return new;
            end $$;
            create trigger fail_once before insert on inbox for each row execute function fail_once();
            """
        )
        async with place.runtime.slack_inbound.sockets.running():
            await arrived(place)
            place.ada.writes("hello")
            await place.settled()
        first = place.slack.deliveries[0]
        assert [attempt.failure for attempt in first.attempts] == ["timeout", None]
        assert place.said() == ["You said hello"]


async def test_it_ends_with_the_process(place):
    async with place.runtime.slack_inbound.sockets.running():
        await arrived(place)
    await arrived(place, 0)


async def test_an_app_that_a_tenant_brought_is_connected_and_left_again(database, redis_url, tmp_path, clock):
    async with slack_house(database, redis_url, tmp_path, clock, own_app=True) as place:
        place.slack.configure(socket_mode=True)
        sockets = faster(place, place.runtime)
        async with sockets.running():
            await arrived(place)
            place.ada.writes("hello")
            await place.settled()
            assert place.said() == ["You said hello"]
            acme = place.channel.tenant_id
            await place.runtime.channels.update(acme, place.channel.id, disabled=True)
            await arrived(place, 0)


async def test_a_token_that_is_refused_is_tried_again_and_keeps_nothing_from_working(place):
    place.slack.fault("refused", "apps.connections.open", error="invalid_auth")
    async with place.runtime.slack_inbound.sockets.running():
        await arrived(place)


class TestWhose:
    """What comes over a connection goes to the installation that it names, if the connection may speak for it."""

    async def test_another_workspace_of_the_app_is_its_own_tenants(self, connected):
        slack, runtime = connected.slack, connected.runtime
        other = slack.add_workspace("Other")
        eve = slack.add_person(other, "Eve Adams")
        installed = slack.install(slack.app, other)
        tenant = await runtime.tenants.create("acme-two")
        (connected.house.runtime.bots._bots_dir / "acme-two").symlink_to(
            connected.house.runtime.bots._bots_dir / "acme"
        )
        await runtime.slack.connector.connect(
            tenant.id, GivenTokens(slack.token(installed)), also_of=slack.app.app_token
        )
        eve.writes("hello")
        await connected.settled()
        assert connected.said(eve.dm) == ["You said hello"]
        assert await connected.all_of("select distinct tenant_id from messages") == [(tenant.id,)]

    async def test_a_workspace_that_nobody_has_is_dropped_and_counted(self, connected):
        slack = connected.slack
        other = slack.add_workspace("Other")
        eve = slack.add_person(other, "Eve Adams")
        slack.install(slack.app, other)
        eve.writes("hello")
        await connected.settled()
        assert await connected.all_of("select count(*) from messages") == [(0,)]
        assert b'parley_slack_refusals_total{reason="account"} 1.0' in await connected.runtime.metrics.text()

    async def test_a_tenants_connection_does_not_speak_for_another_tenant(self, place):
        """Its app-level token may be of an app that the process has, too."""
        runtime, counted = place.runtime, []
        stranger = await runtime.tenants.create("stranger")

        async def links():
            return [Link(place.slack.app.app_token, frozenset({stranger.id}))]

        async with faster(place, runtime, links, counted.append).running():
            await arrived(place)
            place.ada.writes("hello")
            await place.settled()
        assert counted == ["foreign"]
        assert await place.all_of("select count(*) from messages") == [(0,)]


def faster(place, runtime, links=None, count=lambda reason: None):
    """Another look-out than the runtime's, which looks more often."""
    made = runtime.slack_inbound.sockets
    return SocketMode(
        made._app,
        links or made._links,
        made._accounts,
        made._deliver,
        place.slack.api_url,
        count,
        look_every_s=0.05,
    )
