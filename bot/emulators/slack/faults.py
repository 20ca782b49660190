"""What is to go wrong, on request.

A fault of a call is a JSON object:

    {"method": "chat.postMessage", "fault": "cut_after"}              of its next call; "*" is any method
    {"method": "*", "fault": "ratelimited", "seconds": 3, "times": 2} of its next two calls

    ratelimited    429 with Retry-After `seconds`
    error          500, nothing is done          error_after  500, yet it is done
    cut            the connection breaks before  cut_after    it breaks after: done, and the answer is lost
    slow           the answer comes after `seconds`
    refused        `ok: false` with `error`      revoked, unknown_method are short for two of these

and of an event:

    {"event": "message", "fault": "doubled"}                          sent twice
    {"event": "*", "fault": "delayed", "seconds": 5}
    {"event": "message", "fault": "swapped"}                          held back until the next one has arrived
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

CALL_FAULTS = (
    *("ratelimited", "error", "error_after", "cut", "cut_after", "slow"),
    *("refused", "revoked", "unknown_method"),
)
EVENT_FAULTS = ("doubled", "delayed", "swapped")


class BadFault(ValueError):
    """A fault that cannot be followed; says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong, of the next `times` calls of `method` or of the next events of the type `event`."""

    kind: str
    method: str | None = None
    event: str | None = None
    times: int = 1
    seconds: float = 1.0
    error: str = "internal_error"


class Faults:
    """Those that wait for their turn, in order."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Raises BadFault."""
        known = CALL_FAULTS if fault.event is None else EVENT_FAULTS
        if (fault.event is None) == (fault.method is None):
            raise BadFault("a fault names a method or an event")
        if fault.kind not in known:
            raise BadFault(f"fault is one of {', '.join(known)}")
        if fault.times < 1:
            raise BadFault("times is at least 1")
        self.waiting.append(fault)

    def of_call(self, method: str) -> Fault | None:
        """The fault of this call, if there is one."""
        return self._take(lambda fault: fault.method in (method, "*"))

    def of_event(self, event: str) -> Fault | None:
        """The fault of this event, if there is one."""
        return self._take(lambda fault: fault.event in (event, "*"))

    def _take(self, fits: Callable[[Fault], bool]) -> Fault | None:
        for place, fault in enumerate(self.waiting):
            if fits(fault):
                if fault.times > 1:
                    self.waiting[place] = replace(fault, times=fault.times - 1)
                else:
                    del self.waiting[place]
                return fault
        return None


def faults_from(given: Any) -> list[Fault]:
    """Read a list of faults. Raises BadFault."""
    if not isinstance(given, list):
        raise BadFault("faults are a list of objects")
    checked = Faults()
    for number, each in enumerate(given, 1):
        if not isinstance(each, dict):
            raise BadFault(f"fault {number} is no object")
        if unknown := each.keys() - {"fault", "method", "event", "times", "seconds", "error"}:
            raise BadFault(f"fault {number} has the unknown key {min(unknown)!r}")
        try:
            checked.add(
                Fault(
                    str(each.get("fault")),
                    each.get("method"),
                    each.get("event"),
                    int(each.get("times", 1)),
                    float(each.get("seconds", 1.0)),
                    str(each.get("error", "internal_error")),
                )
            )
        except (TypeError, ValueError) as error:
            raise BadFault(f"fault {number}: {error}") from None
    return checked.waiting
