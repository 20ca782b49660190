"""Answers the verbs of a conversation that is played again with what they came to then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from flows.onlooker import Known
from flows.record import Status
from flows.rehearsal.standing import place_of
from flows.rehearsal.watch import failure
from storage.outcomes import Result, StoredResult

# What a replay must not do for itself. What is only looked up or made up may be made anew.
_NEVER_ANEW = frozenset({"call", "generate", "answer"})
_WORDS = {"generate": "the model's text", "answer": "the answer from the documents"}


class Recalled:
    """An `Onlooker`. `problems` are since `begin`; `notes` tell of what could not be as it was."""

    def __init__(self, results: Sequence[StoredResult]) -> None:
        self.problems: list[str] = []
        self.notes: list[str] = []
        self.turn: list[Result] = []
        self._all = results
        self._now: set[int] = set()
        self._left = [each for each in results if each.readable]
        if len(self._left) < len(results):
            self.notes.append(
                "some results can no longer be read (the key of this person is gone): "
                "they count as not on record"
            )

    def begin(self, message_id: UUID | None = None, position: int | None = None) -> None:
        """The turn that answers a message, or the entry at a position, begins; without either, another one."""
        self.problems = []
        self._now = {
            each.position
            for each in self._all
            if each.position == position or (message_id is not None and each.message_id == message_id)
        }
        self.turn = [each.result for each in self._all if each.position in self._now]

    def of_turn(self, kind: str) -> Result | None:
        """The first result of a kind that the turn had then."""
        return next((result for result in self.turn if result.kind == kind), None)

    def met(self, verb: str, *, live: bool) -> None:
        return

    def stand_in(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        async def refuse(*arguments: Any) -> Any:
            raise failure("NotOnRecord", f"what {name} gave is not on record")

        return refuse

    def recall(self, flow: str, kind: str, path: str, digest: str) -> Known | None:
        """What it came to then: the same verb with the same arguments if there was one, else the next of that name."""
        name = path.rpartition("/")[2].partition("#")[0]
        alike = [
            each for each in self._left if (each.result.kind, each.result.name) == (kind, name)
        ]  # in the order of the conversation
        what = f"{_WORDS.get(kind, f'the {kind} {name}')} ({flow}, {place_of(path)})"
        if not alike:
            if kind in _NEVER_ANEW:
                self.problems.append(f"{what} is not on record")
            else:
                self.notes.append(f"{what} is not on record: made anew")
            return None
        wanted = (flow, path, digest)
        exact = [each for each in alike if (each.result.flow, each.result.path, each.result.digest) == wanted]
        of_turn = [each for each in exact or alike if each.position in self._now]
        found = (of_turn or exact or alike)[0]
        self._left.remove(found)
        if found.result.digest != digest:
            self.problems.append(f"{what} has other arguments than on record; answered as it was then")
        return Known(Status(found.result.status), found.result.value)

    def unused(self) -> Iterable[str]:
        """Calls and models' texts on record that nothing has asked for."""
        for each in self._left:
            result = each.result
            if result.kind in ("call", "generate"):
                what = _WORDS.get(result.kind, f"the {result.kind} {result.name}")
                yield f"{what} ({result.flow}, {place_of(result.path)}) is on record and was not asked for"
