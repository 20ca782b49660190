"""Whose an account of Slack is, and which secrets may have signed what comes for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from storage.channels import Channels
from storage.installations import PLATFORM
from storage.records import Channel
from storage.shortlived import ShortLived


@dataclass(frozen=True, slots=True)
class SlackAccount:
    """The channel of an account and its candidate signing secrets, perhaps none.

    `is_open` False: the channel is disabled or its app was uninstalled. What is signed for it is still to be
    answered with 200, and nothing else: Slack ends the subscription of an app whose events are refused.
    """

    channel: Channel
    signing_secrets: tuple[str, ...] = field(repr=False)
    is_open: bool


class SlackAccounts:
    """Finds accounts that nobody has verified yet; as cheap as `Channels.find`, which remembers misses, too.

    `process_secrets` are the signing secrets of the one app that all tenants may share.
    """

    def __init__(self, channels: Channels, process_secrets: Sequence[str] = ()) -> None:
        self._channels = channels
        self.process_secrets = tuple(process_secrets)
        # Whoever has just added a channel has Slack check the address next.
        self._own: ShortLived[str, tuple[str, ...]] = ShortLived(life=10.0, capacity=1)

    async def find(self, accounts: Iterable[str]) -> SlackAccount | None:
        """The first of these accounts (`<app id>/<team or enterprise id>`) that is open, else the first there is.

        None for unknown ones: nothing can have signed for them. Raises what `Channels.find` raises.
        """
        closed = None
        for account in accounts:
            listed = await self._channels.look_up(PLATFORM, account)
            if listed is None:
                continue
            found = SlackAccount(listed.channel, self._secrets(listed.channel), listed.disabled_at is None)
            if found.is_open:
                return found
            closed = closed or found
        return closed

    async def own_apps(self) -> list[Channel]:
        """The open channels whose app is the tenant's own. Raises Unavailable."""
        listed = await self._channels.of_platform(PLATFORM)
        return [
            each.channel
            for each in listed
            if each.disabled_at is None and is_own_app(each.channel.credentials)
        ]

    async def own_secrets(self) -> tuple[str, ...]:
        """Their signing secrets, as they were within ten seconds. Raises Unavailable."""
        kept = self._own.get(PLATFORM)
        if kept is None:
            generation = self._own.generation
            secrets = (each for channel in await self.own_apps() for each in self._secrets(channel))
            kept = tuple(dict.fromkeys(secrets))
            self._own.keep(PLATFORM, kept, generation)
        return kept

    def _secrets(self, channel: Channel) -> tuple[str, ...]:
        if is_own_app(channel.credentials):
            return tuple(each for each in channel.credentials.get("signing_secret", "").split(",") if each)
        return self.process_secrets


def is_own_app(credentials: Mapping[str, str]) -> bool:
    """Whether a Slack channel's app is the tenant's own; such a one is never checked with the process's secret."""
    return "signing_secret" in credentials or "app_token" in credentials
