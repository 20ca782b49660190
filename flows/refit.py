"""What becomes of a frame whose record does not fit the code any more, or is partly taken back."""

from __future__ import annotations

from typing import Any

from flows.flow import Flow, Migration
from flows.record import Frame, Pending, Row, Status
from flows.values import decode, encode

_ANY_TYPE = "*"
_ANSWERED = (Status.OK, Status.EPHEMERAL, Status.FAILED)


def restart(frame: Frame, flow: Flow) -> tuple[Frame, bool]:
    """The frame begun anew with `flow`, keeping what still holds, and whether it was migrated.

    Answers stay under their name and type, or as the flow's `migrate` function turned them; calls that
    succeeded are not made again with the same arguments, for the run keeps its id.
    """
    anew = Frame(
        flow=flow.name,
        version=flow.version,
        run=frame.run,
        ordinal=frame.ordinal,
        opening=frame.opening,
        slots=frame.slots,
        origin=frame.origin,
        home=frame.home,
        sensitive=frame.sensitive or flow.sensitive,
        carried=dict(frame.carried),
        expected=frame.pending or frame.expected,
        alarms=list(frame.alarms),
        events=frame.events,
    )
    for row in frame.rows.values():
        anew.carry(row)
        if row.kind == "wait":  # also one whose time has come: nobody waits for the same hour twice
            anew.carried[row.path] = row
    migration = flow.migrations.get(frame.version) if frame.version != flow.version else None
    if migration is not None:
        anew.kept = _migrated(frame, migration)
        anew.heard = ""
        return anew, True
    anew.kept = {row.path: [row.digest, row.value] for row in _answers(frame) if row.status is Status.OK}
    return anew, False


def step_back(frame: Frame) -> str | None:
    """Take back the last answer and all after it: `nothing_before` or `that_is_done` when it cannot be."""
    before = frame.ordinal
    if frame.pending is not None and (waiting := frame.rows.get(frame.pending.path)) is not None:
        before = waiting.ordinal
    answered = [row for row in _answers(frame) if row.ordinal < before and row.status in _ANSWERED]
    if not answered:
        return "nothing_before"
    return take_back(frame, max(answered, key=lambda row: row.ordinal))


def take_back(frame: Frame, last: Row) -> str | None:
    """Wait at an answered ask again, without its answer and all after it; `that_is_done` when it cannot be."""
    taken = [row for row in frame.rows.values() if row.ordinal >= last.ordinal]
    done = [row for row in (*taken, *frame.carried.values()) if row.final and row.ordinal > last.ordinal]
    if done:
        return "that_is_done"
    for row in taken:
        frame.carry(row)
        del frame.rows[row.path]
    frame.kept = {}
    frame.tries = 0
    frame.pending = Pending(last.path, "ask", last.digest, frame.sensitive)
    frame.heard = last.path
    return None


def lose(frame: Frame, path: str) -> None:
    """Wait at an ask whose ephemeral value is gone; what was heard stays heard."""
    row: Row = frame.rows[path]
    frame.rows[path] = row._replace(status=Status.LOST)
    frame.pending = Pending(path, "ask", row.digest, frame.sensitive)


def _answers(frame: Frame) -> list[Row]:
    return [row for row in frame.rows.values() if row.kind == "ask"]


def _migrated(frame: Frame, migration: Migration) -> dict[str, list[Any]]:
    answers = {
        row.key.partition("#")[0]: decode(row.value)
        for row in _answers(frame)
        if row.status is Status.OK and not row.scope
    }
    return {
        f"{name}#0": [_ANY_TYPE, encode(value, f"migrate {name}")]
        for name, value in migration(answers).items()
    }
