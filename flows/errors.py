"""Errors of the flows.

FlowError
├── FlowMistake          the author's: a flow that cannot be loaded or uses a verb wrongly
│   ├── Unrecordable     a value that the record cannot hold
│   └── RecordFull       more than 1,000 entries in one frame
├── CallFailed           a call that failed for good; `kind`, `message`; the flow may catch it
├── Unanswered           the person gave no valid answer in all tries; the flow may catch it
├── FlowFailed           a flow raised: `cause`, and the `outcome` to bury the turn with
├── FileMissing          the bytes of a file are not there any more
└── Unavailable          a port cannot be reached just now (raised by implementations of `Services`)

Rejected                 raised by a validator: its text is for the person
"""

from __future__ import annotations

from storage.outcomes import Outcome


class FlowError(Exception):
    """Root of what the flow engine raises on purpose."""


class FlowMistake(FlowError):
    """A mistake in a flow's code; the message says what to change."""


class Unrecordable(FlowMistake):
    """A value that is neither JSON nor a date, datetime, Decimal, UUID or UploadedFile."""


class RecordFull(FlowMistake):
    """A frame's record holds as many entries as it may."""


class CallFailed(FlowError):
    """A call failed after its retries; raised the same live and in replay.

    `kind` is the exception's class name, or `timeout`; `message` is the exception's text.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message


class Unanswered(FlowError):
    """An ask ran out of tries or, `timed_out`, of time. Uncaught, it ends the flow politely."""

    def __init__(self, name: str, *, timed_out: bool = False) -> None:
        super().__init__(f"no {'answer in time' if timed_out else 'valid answer'} to {name!r}")
        self.name = name
        self.timed_out = timed_out


class FlowFailed(FlowError):
    """A flow raised `cause`; `outcome` has the apology and the state to go on from."""

    def __init__(self, cause: BaseException, outcome: Outcome) -> None:
        super().__init__(outcome.error or type(cause).__name__)
        self.cause = cause
        self.outcome = outcome


class Unavailable(FlowError):
    """A port cannot be reached just now; what guards money or secrets then fails closed."""


class FileMissing(FlowError):
    """A file was deleted, or what is stored is not what came in; trying again does not help."""

    permanent = True


class Rejected(Exception):
    """Raised by a validator; `text` tells the person what is wrong with the answer."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text
