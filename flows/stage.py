"""Where verbs are said: a run, and the scope that keeps the names of one function apart."""

from __future__ import annotations

import asyncio
import re
from datetime import date, datetime
from typing import Any

from flows.errors import FlowMistake
from flows.record import Status
from flows.run import Run
from flows.values import encode
from storage.records import Session

_NAME = re.compile(r"[^\s#/:]{1,100}")


class Stage:
    """What a verb gets as its first argument: the part of `Chat` that is not a verb."""

    __slots__ = ("_counts", "_scope", "run")

    def __init__(self, run: Run, scope: str = "") -> None:
        self.run = run
        self._scope = scope
        self._counts: dict[str, int] = {}

    @property
    def scope(self) -> str:
        """What the names of this function begin with on record; in a branch of `gather` that is its own."""
        branches = self.run.branches
        return self._scope + branches.get(asyncio.current_task(), "") if branches else self._scope

    @property
    def session(self) -> Session:
        """Whose conversation this is."""
        return self.run.exchange.turn.session

    @property
    def opening(self) -> str:
        """The text that started the flow; empty for a button."""
        return self.run.frame.opening

    @property
    def now(self) -> datetime:
        """The time. It changes from run to run: keep it with `memo`, or use it in a validator only."""
        return self.run.exchange.services.now()

    @property
    def today(self) -> date:
        """The day in UTC; like `now`, not the same in every run."""
        return self.now.date()

    def key(self, name: str) -> str:
        """The next `name#k` of this scope."""
        place = self.scope + name
        count = self._counts.get(place, 0)
        if count == 0 and not _NAME.fullmatch(name):
            raise FlowMistake(f"{name!r} is no name: use 1 to 100 characters without spaces, # / and :")
        self._counts[place] = count + 1
        self.run.frame.at = f"{place}#{count}"
        return f"{name}#{count}"

    def record(
        self,
        key: str,
        kind: str,
        value: Any,
        *,
        digest: str = "",
        status: Status = Status.OK,
        final: bool = False,
    ) -> None:
        """Put what a verb came to on record. Raises Unrecordable and RecordFull."""
        encoded = encode(value, f"{kind} {key}")
        self.run.frame.add(self.scope, key, kind, digest, status, encoded, final)

    def recalled(self, key: str, kind: str, digest: str = "", *, final: bool = False) -> bool:
        """Put on record what an onlooker knows a verb to have come to; tells whether it knows that."""
        onlooker, frame = self.run.exchange.onlooker, self.run.frame
        if onlooker is None or (known := onlooker.recall(frame.flow, kind, self.scope + key, digest)) is None:
            return False
        final = final and known.status is Status.OK
        frame.add(self.scope, key, kind, digest, known.status, known.value, final)
        return True

    def child(self, scope: str) -> Stage:
        """The stage of a function that runs in a scope of its own, as the same kind of chat."""
        return type(self)(self.run, scope)
