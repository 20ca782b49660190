"""The token that Slack is called with, when the one that we have is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from vaults import strongroom

from adapters.errors import PlatformFailed
from bot.slack.tokens import InstalledTokens
from storage.channels import Channels
from storage.installations import Grant, Installations, Tokens

HOUR = timedelta(hours=1)


class Place:
    """An installation as this process sees it, and as another one does."""

    def __init__(self, room, clock, tenant_id):
        self.room, self.clock, self.tenant_id = room, clock, tenant_id
        self.channels = Channels(room.database, room.vault, clock)
        self.installations = Installations(room.database, room.vault, self.channels, clock)
        self.elsewhere = Installations(
            room.database, room.vault, Channels(room.database, room.vault, clock), clock
        )
        self.renewals = 0
        self.renewed: Tokens | None = None
        self.tokens = InstalledTokens(self.installations, self._renew)

    async def installed(self, tokens):
        made = await self.installations.save(self.tenant_id, Grant("A1", "T1", None, tokens))
        return await self.channels.load(self.tenant_id, made.channel_id)

    async def installed_elsewhere(self, tokens):
        self.clock.advance(timedelta(seconds=1))
        await self.elsewhere.save(self.tenant_id, Grant("A1", "T1", None, tokens))

    async def _renew(self, tenant_id):
        assert tenant_id == self.tenant_id
        self.renewals += 1
        if self.renewed is None:
            return 0
        await self.installed_elsewhere(self.renewed)
        return 1


@pytest.fixture
async def place(database, clock):
    async with strongroom(database) as room:
        yield Place(room, clock, (await room.tenants.create("acme")).id)


async def test_the_token_is_the_installations(place):
    channel = await place.installed(Tokens("xoxb-1"))
    assert await place.tokens.of(channel) == "xoxb-1"


@pytest.mark.parametrize("code", ["token_revoked", "account_inactive"])
async def test_a_token_that_slack_revoked_ends_the_installation(place, code):
    channel = await place.installed(Tokens("xoxb-1"))
    assert await place.tokens.instead(channel, "xoxb-1", code) is None
    revoked = await place.elsewhere.of_channel(channel.tenant_id, channel.id)
    assert (revoked.tokens, revoked.revoked_at) == (None, place.clock())
    with pytest.raises(PlatformFailed, match="install it again") as caught:
        await place.tokens.of(channel)
    assert caught.value.permanent
    listed = await place.channels.look_up("slack", channel.account)
    assert listed.disabled_at is not None


async def test_what_was_installed_again_meanwhile_is_used_and_not_revoked(place):
    channel = await place.installed(Tokens("xoxb-1"))
    assert await place.tokens.of(channel) == "xoxb-1"
    await place.installed_elsewhere(Tokens("xoxb-2"))
    assert await place.tokens.instead(channel, "xoxb-1", "account_inactive") == "xoxb-2"
    assert await place.tokens.of(channel) == "xoxb-2"


async def test_a_token_that_is_not_valid_ends_nothing(place):
    channel = await place.installed(Tokens("xoxb-1"))
    assert await place.tokens.instead(channel, "xoxb-1", "invalid_auth") is None
    assert await place.tokens.of(channel) == "xoxb-1"


async def test_an_expired_token_is_renewed_at_once(place):
    channel = await place.installed(Tokens("xoxe.1", "refresh", place.clock() + HOUR))
    place.renewed = Tokens("xoxe.2", "refresh-2", place.clock() + 12 * HOUR)
    assert await place.tokens.instead(channel, "xoxe.1", "token_expired") == "xoxe.2"
    assert place.renewals == 1


async def test_one_that_is_still_being_renewed_comes_later(place):
    channel = await place.installed(Tokens("xoxe.1", "refresh", place.clock() + HOUR))
    with pytest.raises(PlatformFailed, match="not renewed yet") as caught:
        await place.tokens.instead(channel, "xoxe.1", "token_expired")
    assert (caught.value.permanent, caught.value.unsure, caught.value.retry_after) == (False, False, 60)


async def test_one_that_nothing_can_renew_is_final(place):
    channel = await place.installed(Tokens("xoxe.1", None, place.clock() + HOUR))
    assert await place.tokens.instead(channel, "xoxe.1", "token_expired") is None
    assert place.renewals == 0


async def test_a_channel_that_was_never_installed_says_what_to_do(place):
    channel = await place.channels.create(place.tenant_id, "slack", "A9/T9")
    with pytest.raises(PlatformFailed, match="parley channel add slack") as caught:
        await place.tokens.of(channel)
    assert caught.value.permanent
