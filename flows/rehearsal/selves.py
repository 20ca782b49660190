"""A person's other selves in a rehearsal: `flows.selves.Selves` in memory."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from uuid import UUID

from flows.errors import Unavailable
from flows.selves import OtherSelf, Parked, Refusal
from storage.records import Session, Turn

MOST_GUESSES = 5


class RehearsedSelves:
    """Codes are CCDE2222, CCDE2223 …. `meets`: whose code a person may type; `down` takes Redis away."""

    def __init__(self) -> None:
        self.down = False
        self.issued: list[tuple[str, str]] = []
        self.meets: dict[str, OtherSelf | Refusal] = {}
        self.reaches: dict[str, OtherSelf | Refusal] = {}
        self.linked: list[OtherSelf] = []
        self.elsewhere: list[Parked] = []
        self.looked: list[UUID] = []
        self.wrong = 0

    def fork(self) -> RehearsedSelves:
        """The same, for a run that must change nothing here."""
        other = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, dict | list):
                setattr(other, name, value.copy())
        return other

    async def code(self, turn: Turn, at: str) -> str:
        self._needs_redis()
        code = f"CCDE{2222 + len(self.issued)}"
        self.issued.append((at, code))
        return code

    async def meet(self, turn: Turn, at: str, guess: str) -> OtherSelf | Refusal:
        self._needs_redis()
        if self.wrong >= MOST_GUESSES:
            return Refusal.LOCKED
        if guess in [code for _, code in self.issued]:
            return Refusal.OWN
        met = self.meets.pop(guess, Refusal.WRONG)
        self.wrong += met is Refusal.WRONG
        return met

    async def reach(self, turn: Turn, platform: str, address: str) -> OtherSelf | Refusal:
        new = OtherSelf(UUID(int=88), platform, platform, "", address, external_id=address)
        return self.reaches.get(address, new)

    async def of(self, session: Session) -> Sequence[OtherSelf]:
        return list(self.linked)

    async def parked(self, session: Session) -> Sequence[Parked]:
        self.looked.append(session.id)
        return list(self.elsewhere)

    def place_of(self, platform: str) -> str:
        return platform

    def _needs_redis(self) -> None:
        if self.down:
            raise Unavailable("redis")
