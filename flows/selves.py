"""A person's other selves: the same person as other users of the tenant, on other platforms or the same.

What the engine needs of them from outside is the port `Selves`, a part of `flows.services.Services`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from storage.records import Session, Turn

# What a session is told when its user was linked to another; no event of a flow's own has such a name.
LINKED = "parley.linked"


@dataclass(frozen=True, slots=True)
class OtherSelf:
    """Another user, as a person knows themselves again.

    `place` is the platform as it is called in a sentence, `name` theirs there, if it is known, else `address`
    says who they are. `flow` is what they have under way, `since` when; `remembered` counts their flags.
    `session_id` and `at` say where the code of theirs that was typed is shown. `external_id` is set for a user who
    is to be made if there is none.
    """

    user_id: UUID
    platform: str
    place: str
    name: str
    address: str
    flow: str | None = None
    since: datetime | None = None
    remembered: int = 0
    session_id: UUID | None = None
    at: str = ""
    external_id: str = ""

    @property
    def called(self) -> str:
        """The name, else enough of the address to recognise it."""
        return self.name or masked(self.address)


class Refusal(StrEnum):
    """Why there is nobody to be linked to.

    `wrong` is also said of a code that was used or has expired. `linked`: they are one person already. `full`: the
    two would be one person with too many users.
    """

    WRONG = "wrong"
    LOCKED = "locked"
    OWN = "own"
    LINKED = "linked"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Parked:
    """What waits in a session of another self: its state (`data`, at `version`), the place and since when."""

    session_id: UUID
    place: str
    since: datetime
    version: int
    data: Mapping[str, Any]


class Selves(Protocol):
    """The port. `flows.errors.Unavailable` is raised by what deals with codes; anything else ends the turn."""

    async def code(self, turn: Turn, at: str) -> str:
        """A new code for the flow that waits `at` a verb of this session. Unavailable: fails closed."""

    async def meet(self, turn: Turn, at: str, guess: str) -> OtherSelf | Refusal:
        """Whose code this is, once. Unavailable: fails closed."""

    async def reach(self, turn: Turn, platform: str, address: str) -> OtherSelf | Refusal:
        """Whom the platform knows by an address; whether the person is that is proved already."""

    async def of(self, session: Session) -> Sequence[OtherSelf]:
        """Those that the session's user is linked to."""

    async def parked(self, session: Session) -> Sequence[Parked]:
        """What waits in idle sessions of theirs, the latest first."""

    def place_of(self, platform: str) -> str:
        """The platform as it is called in a sentence: "WhatsApp", "the web"."""


def masked(address: str) -> str:
    """Enough of an address to recognise it: "…0961", "a…@example.com"."""
    name, at, domain = address.partition("@")
    return f"{name[:1]}…@{domain}" if at else f"…{address[-4:] if len(address) > 6 else ''}"
