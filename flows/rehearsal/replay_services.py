"""What a conversation that is played again reaches outside: nothing, only what is on record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from flows.errors import Unavailable
from flows.rehearsal.acting import MODEL
from flows.rehearsal.results import Recalled
from flows.rehearsal.services import OTP_CHANNEL, RehearsedServices
from flows.services import OtpRefused, OtpStarted, Verdict
from storage.knowledge import Passage
from storage.records import Turn

# What is typed in place of a code, which is on no record; whether it was right, is.
CODE = "000000"
_CODES_LAST = timedelta(minutes=5)


class ReplayServices(RehearsedServices):
    """Answers as the record of the turn under way says. Its model has nothing to say: what it said is on record."""

    def __init__(self, now: datetime, recalled: Recalled) -> None:
        super().__init__(now)
        self._recalled = recalled
        self._sent_at: dict[str, datetime] = {}
        self.model = MODEL

    async def similar(self, text: str, candidates: Mapping[str, Sequence[str]]) -> Mapping[str, float]:
        """The flows that the message was taken to mean, the likeliest first."""
        routed = self._recalled.of_turn("route")
        names = routed.value if routed is not None and isinstance(routed.value, list) else []
        return {str(name): 1 - 0.05 * place for place, name in enumerate(names)}

    async def retrieve(self, question: str) -> Sequence[Passage]:
        """A passage that fits where one did; an answer itself is on record and asks for none."""
        answered = self._recalled.of_turn("answer")
        if answered is None or not isinstance(answered.value, dict) or not answered.value.get("found"):
            return []
        nobody = UUID(int=1)
        return [Passage(nobody, nobody, "kb", "", "", "", question, None, 1.0, 1.0, 1.0)]

    async def note_quotes(self, purpose: str, passages: Sequence[Passage]) -> None:
        raise Unavailable("nothing is written in a replay")

    async def otp_start(
        self, turn: Turn, purpose: str, address: str | None, via: str | None
    ) -> OtpStarted | OtpRefused:
        failed = self._recalled.of_turn("otp")
        if failed is not None and failed.value == "unavailable":
            raise Unavailable("it was, then")
        if failed is not None and failed.status == "failed":
            return OtpRefused(str(failed.value))
        self._sent_at[purpose] = self.time
        sent = self._recalled.of_turn("otp_sent")
        started = OtpStarted(CODE, OTP_CHANNEL, address or "…")
        return started if sent is None else replace(started, address=str(sent.value), secret=False)

    async def otp_check(self, turn: Turn, purpose: str, guess: str) -> Verdict:
        """As it was judged then; a wrong code and one that came too late are told apart by the clock."""
        verdict = self._recalled.of_turn("otp")
        if verdict is not None:
            return Verdict.OK if verdict.status == "ok" else Verdict.LOCKED
        return Verdict.EXPIRED if self.time - self._sent_at[purpose] >= _CODES_LAST else Verdict.WRONG
