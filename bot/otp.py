"""Where a person's one-time code goes, and what a guess comes to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from config.bots import OtpConfig
from flows.services import OtpRefused, OtpStarted, Verdict
from storage.otp import OneTimeCodes, Purpose, TooMany
from storage.records import Channel, Session


class OtpSender:
    """Starts codes through the channel that the tenant's bot names for them.

    `config` gives the tenant's settings for codes, `channel` the channel on a platform for a session's codes.
    """

    def __init__(
        self,
        codes: OneTimeCodes,
        config: Callable[[UUID], Awaitable[OtpConfig]],
        channel: Callable[[Session, str], Awaitable[Channel | None]],
    ) -> None:
        self._codes = codes
        self._config = config
        self._channel = channel

    async def start(
        self, session: Session, purpose: str, address: str | None, via: str | None
    ) -> OtpStarted | OtpRefused:
        """Make a code for the person, in place of an earlier one. Raises Unavailable."""
        config = await self._config(session.tenant_id)
        platform = via or config.platform
        channel = await self._channel(session, platform) if platform else None
        if channel is None:
            return OtpRefused("no_channel")
        where = address or _address(config, session)
        if where is None:
            return OtpRefused("no_address")
        # A place that is everybody's would run out of its codes for the day.
        counted = session.external_user_id if _names_a_place(where) else where
        started = await self._codes.start(_purpose(session, purpose), f"{platform}:{counted}")
        if isinstance(started, TooMany):
            return OtpRefused("too_many")
        return OtpStarted(started.code, channel.id, where, secret=not _names_a_place(where))

    async def check(self, session: Session, purpose: str, guess: str) -> Verdict:
        """Count one guess. Raises Unavailable."""
        return Verdict(await self._codes.check(_purpose(session, purpose), guess))


def _purpose(session: Session, purpose: str) -> Purpose:
    return Purpose(session.tenant_id, session.id, purpose, "verify")


def _address(config: OtpConfig, session: Session) -> str | None:
    if config.address == "user":
        return session.external_user_id
    if _names_a_place(config.address):
        return config.address
    value = session.profile.get(config.address.removeprefix("profile."))
    return str(value) if value else None


def _names_a_place(address: str) -> bool:
    return address.startswith("the ")
