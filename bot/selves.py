"""A person's other selves: the port `flows.selves.Selves` over storage."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from uuid import UUID

import structlog

from flows.errors import Unavailable
from flows.record import Damaged, read_frames
from flows.selves import OtherSelf, Parked, Refusal
from storage.errors import Unavailable as StorageUnavailable
from storage.ids import uuid7
from storage.link_codes import LinkCodes, Miss, Place
from storage.links import MOST_SELVES, Links, ParkedSession, StoredSelf
from storage.records import Session, Turn

log = structlog.get_logger("parley.selves")

PLACES = {"web": "the web", "slack": "Slack", "whatsapp": "WhatsApp", "terminal": "the terminal"}


class PersonSelves:
    """What turns may ask of them; one for the process."""

    def __init__(self, links: Links, codes: LinkCodes) -> None:
        self._links = links
        self._codes = codes

    async def code(self, turn: Turn, at: str) -> str:
        try:
            return await self._codes.start(_place(turn.session, at))
        except StorageUnavailable as error:
            raise Unavailable(str(error)) from error

    async def meet(self, turn: Turn, at: str, guess: str) -> OtherSelf | Refusal:
        try:
            found = await self._codes.redeem(_place(turn.session, at), guess)
        except StorageUnavailable as error:
            raise Unavailable(str(error)) from error
        if isinstance(found, Miss):
            return Refusal(found)
        if refusal := await self._refused(turn.session, found.user_id):
            return refusal
        stored = await self._links.selves(turn.session.tenant_id, [found.user_id])
        return await self._shown(turn.session, stored[0], found) if stored else Refusal.WRONG

    async def reach(self, turn: Turn, platform: str, address: str) -> OtherSelf | Refusal:
        tenant_id = turn.session.tenant_id
        user_id = await self._links.known(tenant_id, platform, address)
        if user_id is None:
            return OtherSelf(uuid7(), platform, self.place_of(platform), "", address, external_id=address)
        if user_id == turn.session.user_id:
            return Refusal.OWN
        if refusal := await self._refused(turn.session, user_id):
            return refusal
        (stored,) = await self._links.selves(tenant_id, [user_id])
        return await self._shown(turn.session, stored, None)

    async def of(self, session: Session) -> Sequence[OtherSelf]:
        linked = await self._links.linked(session.tenant_id, session.user_id)
        return await self._selves(session, linked - {session.user_id})

    async def parked(self, session: Session) -> Sequence[Parked]:
        found = []
        for each in await self._links.parked(session.tenant_id, session.user_id):
            if each.state.damage is not None:
                log.warning("parked_unreadable", session=str(each.session.id), reason=each.state.damage)
                continue
            place = self.place_of(each.session.platform)
            found.append(Parked(each.session.id, place, each.since, each.state.version, each.state.data))
        return found

    def place_of(self, platform: str) -> str:
        return PLACES.get(platform, platform)

    async def _refused(self, session: Session, other: UUID) -> Refusal | None:
        """Why the two cannot be linked."""
        ours = await self._links.linked(session.tenant_id, session.user_id)
        if other in ours:
            return Refusal.LINKED
        theirs = await self._links.linked(session.tenant_id, other)
        return Refusal.FULL if len(ours | theirs) > MOST_SELVES else None

    async def _selves(self, session: Session, user_ids: Collection[UUID]) -> Sequence[OtherSelf]:
        if not user_ids:
            return []
        return [self._self(each) for each in await self._links.selves(session.tenant_id, user_ids)]

    async def _shown(self, session: Session, stored: StoredSelf, place: Place | None) -> OtherSelf:
        """A self as it is shown before it is linked: with what is under way there, but for the linking itself."""
        other = self._self(stored)
        if place is not None:
            other = replace(other, session_id=place.session_id, at=place.at)
        for each in await self._links.standing(session.tenant_id, stored.user_id):
            if (flow := _under_way(each, other.at.partition("/")[0])) is not None:
                return replace(other, flow=flow, since=each.since)
        return other

    def _self(self, stored: StoredSelf) -> OtherSelf:
        name = stored.profile.get("name")
        return OtherSelf(
            stored.user_id,
            stored.platform,
            self.place_of(stored.platform),
            name if isinstance(name, str) else "",
            stored.external_id,
            remembered=stored.remembered,
        )


def _place(session: Session, at: str) -> Place:
    return Place(session.tenant_id, session.user_id, session.id, at)


def _under_way(parked: ParkedSession, linking: str) -> str | None:
    """The flow that was started first in a session, but for the run that links."""
    try:
        frames = read_frames(parked.state.data)
    except Damaged:
        return None
    return next((frame.origin or frame.flow for frame in frames if frame.run != linking), None)
