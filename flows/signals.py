"""How a run of a flow is left before its function returns.

Signal (a BaseException, so that a flow's `except Exception` does not stop it)
├── Parked        waits for the person; also what any verb raises while the run is being left
├── Ended         the flow said `end`
├── Continued     the flow said `continue_as`
├── Elsewhere     it was answered whether to go on with what waits in another chat
├── Unverified    the person could not be verified: the `unverified` branch is next
├── Misfit        the record does not fit the code
├── AskAgain      an expired ephemeral value was used: its ask comes again
├── Stopped       the person pressed Stop
└── Interrupted   a port failed: the turn is over, its error is kept apart
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flows.flow import Flow


class Signal(BaseException):
    """Root of the signals; the run remembers the first one, whatever the flow does with it."""


class Parked(Signal):
    """The flow waits; nothing after this is sent or recorded."""


class Ended(Signal):
    """`end` was said in the stage whose scope is `scope`."""

    def __init__(self, scope: str, value: Any) -> None:
        super().__init__()
        self.scope = scope
        self.value = value


class Continued(Signal):
    """`flow` takes this one's place, with `slots` as the record has values."""

    def __init__(self, flow: Flow, slots: dict[str, Any]) -> None:
        super().__init__()
        self.flow = flow
        self.slots = slots


class Elsewhere(Signal):
    """What waits in the session `session_id` goes on here; without one, `flow` begins here if it is named."""

    def __init__(self, session_id: str | None, flow: str) -> None:
        super().__init__()
        self.session_id = session_id
        self.flow = flow


class Unverified(Signal):
    """`branch` and `scope` are those of the innermost flow that has an `unverified` branch."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason
        self.branch: Callable[..., Any] | None = None
        self.scope = ""


class Misfit(Signal):
    """`reason` names the verb at which the code left the record."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class AskAgain(Signal):
    """The value recorded at `path` is gone and is needed."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class Stopped(Signal):
    """The turn ends here with what was said so far."""


class Interrupted(Signal):
    """A port raised; the engine raises that error once the run is left."""
