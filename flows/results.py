"""What a turn found out that cannot be found out a second time, for the record that outlives its flows."""

from __future__ import annotations

from collections.abc import Iterable

from flows.record import Frame, Status
from storage.outcomes import Result
from storage.records import Entry, EntryKind

# What depends on more than the code and on what the person says.
LASTING = frozenset({"call", "generate", "answer", "memo", "flag", "otp", "approve"})
ENDED = frozenset({Status.OK, Status.FAILED})


def results_of(frame: Frame, since: int, awaited: str = "") -> Iterable[Result]:
    """What a frame's verbs came to, from an ordinal on, in order; nothing that was only taken over from earlier.

    `awaited` is the verb that had its place in the order already, and waited for its end.
    """
    rows = (row for row in frame.rows.values() if row.ordinal >= since or row.path == awaited)
    for row in sorted(rows, key=lambda row: row.ordinal):
        if row.kind not in LASTING or row.status not in ENDED:
            continue
        earlier = frame.carried.get(row.path)
        if earlier is not None and (earlier.digest, earlier.value) == (row.digest, row.value):
            continue
        yield Result(
            row.kind,
            row.key.partition("#")[0],
            row.value,
            row.status.value,
            frame.flow,
            frame.run,
            row.path,
            row.digest,
        )


def told_by(entry: Entry) -> Result | None:
    """What an entry without a message brought: an event, or what an operator did other than to write."""
    payload = entry.payload if isinstance(entry.payload, dict) else {}
    match entry.kind:
        case EntryKind.EVENT if isinstance(payload.get("name"), str):
            return Result("event", str(payload["name"]), payload.get("value"), sensitive=entry.sealed)
        case EntryKind.OPERATOR if payload.get("action") in ("resume", "close"):
            done = {"by": payload.get("by"), "resolved": payload.get("resolved")}
            return Result("operator", str(payload["action"]), done)
        case _:
            return None
