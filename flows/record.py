"""The record of a flow's run: what its verbs came to, in the order they were met.

`conversation_state.data` is `{"format": 1, "frames": [frame, …]}`, the frame that is talking last. A frame
is one flow on the stack, with the rows of its record; a row is
`[ordinal, scope, "name#k", kind, digest, status, value, final]`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from flows.errors import RecordFull

FORMAT = 1
MOST_ROWS = 1000


class Status(StrEnum):
    """How a recorded verb ended.

    `started`: a call under way when this was written, or an approval that nobody has decided yet. `ephemeral`: the
    value is in the session's short-lived store. `lost`: that value expired and its ask comes again.
    """

    OK = "ok"
    FAILED = "failed"
    STARTED = "started"
    EPHEMERAL = "ephemeral"
    LOST = "lost"


_STATUSES = {status.value: status for status in Status}
# What costs or changes something outside, each time that it is done.
MADE = frozenset({"call", "generate"})
# Labels of an `approve` that waits: whether the one who talks may decide it.
ASKER, OTHERS = "asker", "others"
SETTLED = frozenset({Status.OK, Status.FAILED, Status.EPHEMERAL})


class Row(NamedTuple):
    """One entry of the record. `digest` is that of the arguments; for an ask it names the type asked for."""

    ordinal: int
    scope: str
    key: str
    kind: str
    digest: str
    status: Status
    value: Any
    final: bool = False

    @property
    def path(self) -> str:
        return self.scope + self.key


class Pending(NamedTuple):
    """The verb at which a frame waits. `label` is the type of answer that it waits for.

    `sensitive`: whatever comes as its answer must not be shown, even if no code is left to judge it.
    """

    path: str
    kind: str
    label: str
    sensitive: bool = False

    @property
    def leaves_free(self) -> bool:
        """Whether the person may do something else meanwhile, because somebody or something else is waited for."""
        return self.kind == "wait" or (self.kind == "approve" and self.label == OTHERS)


class Alarm(NamedTuple):
    """A timer of the verb at `path`; `role` is `due` or `remind`, `due` the time in ISO 8601.

    `rung`: it went off while another flow was talking, so its verb learns of it later.
    """

    path: str
    id: str
    role: str
    due: str
    rung: bool = False


class Damaged(Exception):
    """Stored state that does not parse; the message says where."""


@dataclass(slots=True)
class Frame:
    """One flow on the stack; the working copy of a turn, never shared with what was read.

    `slots` are what `continue_as` gave it, `origin` the flow that was started before it was continued as this one.
    `at` is the verb that was met last in this turn.
    `heard` is the verb up to which everything said has reached the person. `kept` are answers brought
    over a restart, by name. `expected` is what was pending before a restart. `opening` is the text that
    started the flow. `collapsed` are children that returned in this pass, by their path. `alarms` are the
    timers of the verb that waits. `events` are `[name, value]` that came before anything waited for them,
    newest last. `home` is the session in which the run began, where that is another.
    """

    flow: str
    version: str
    run: str
    rows: dict[str, Row] = field(default_factory=dict)
    carried: dict[str, Row] = field(default_factory=dict)
    ordinal: int = 0
    pending: Pending | None = None
    heard: str | None = None
    tries: int = 0
    opening: str = ""
    sensitive: bool = False
    kept: dict[str, list[Any]] = field(default_factory=dict)
    expected: Pending | None = None
    collapsed: dict[str, Row] = field(default_factory=dict)
    alarms: list[Alarm] = field(default_factory=list)
    events: list[list[Any]] = field(default_factory=list)
    slots: dict[str, Any] = field(default_factory=dict)
    origin: str = ""
    home: str = ""
    at: str = ""

    def add(
        self, scope: str, key: str, kind: str, digest: str, status: Status, value: Any, final: bool
    ) -> None:
        """Record a verb; one that was recorded before keeps its place in the order."""
        path = scope + key
        earlier = self.rows.get(path)
        if earlier is not None:
            ordinal = earlier.ordinal
        else:
            if len(self.rows) >= MOST_ROWS:
                raise RecordFull(
                    f"flow {self.flow!r} has {MOST_ROWS} entries on record: go on with continue_as"
                )
            ordinal = self.ordinal
            self.ordinal += 1
        self.rows[path] = Row(ordinal, scope, key, kind, digest, status, value, final)

    def carry(self, row: Row) -> None:
        """Keep what must not be asked of the world twice: a call, a model's answer, an event that came, a used yes."""
        if (
            (row.kind in MADE and row.status is Status.OK)
            or (row.kind == "wait" and row.value is not None)
            or (row.kind == "approve" and "used" in row.value)
        ):
            self.carried[row.path] = row

    def collapse(self) -> None:
        """Put each child that returned in place of what it recorded; its calls stay carried."""
        for path, result in self.collapsed.items():
            prefix = path + "/"
            for inner in [row for row in self.rows.values() if row.scope.startswith(prefix)]:
                self.carry(inner)
                del self.rows[inner.path]
            self.rows[path] = result
        self.collapsed = {}


def write_frame(frame: Frame) -> dict[str, Any]:
    """The frame as JSON."""
    written: dict[str, Any] = {
        "flow": frame.flow,
        "version": frame.version,
        "run": frame.run,
        "rows": [list(row) for row in frame.rows.values()],
        "ordinal": frame.ordinal,
        "pending": list(frame.pending) if frame.pending else None,
        "heard": frame.heard,
        "opening": frame.opening,
        "sensitive": frame.sensitive,
    }
    if frame.carried:
        written["carried"] = [list(row) for row in frame.carried.values()]
    if frame.tries:
        written["tries"] = frame.tries
    if frame.kept:
        written["kept"] = frame.kept
    if frame.expected:
        written["expected"] = list(frame.expected)
    if frame.alarms:
        written["alarms"] = [list(alarm) for alarm in frame.alarms]
    if frame.events:
        written["events"] = frame.events
    if frame.slots:
        written["slots"] = frame.slots
    if frame.origin:
        written["origin"] = frame.origin
    if frame.home:
        written["home"] = frame.home
    return written


def read_frames(stored: Mapping[str, Any]) -> list[Frame]:
    """The frames in stored state, bottom first; empty for no state. Raises Damaged."""
    if not stored:
        return []
    if stored.get("format") != FORMAT:
        raise Damaged(f"state has format {stored.get('format')!r}, this version reads {FORMAT}")
    try:
        return [_read_frame(written) for written in stored["frames"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Damaged(f"state does not parse: {type(error).__name__}") from error


def _read_frame(written: Mapping[str, Any]) -> Frame:
    pending, expected = written["pending"], written.get("expected")
    kept = written.get("kept", {})
    frame = Frame(
        flow=_text(written["flow"]),
        version=_text(written["version"]),
        run=_text(written["run"]),
        rows=_read_rows(written["rows"]),
        carried=_read_rows(written.get("carried", [])),
        ordinal=int(written["ordinal"]),
        pending=_read_pending(pending),
        heard=None if written["heard"] is None else _text(written["heard"]),
        tries=int(written.get("tries", 0)),
        opening=_text(written["opening"]),
        sensitive=bool(written["sensitive"]),
        kept={name: [_text(label), value] for name, (label, value) in kept.items()},
        expected=_read_pending(expected),
        alarms=[_read_alarm(alarm) for alarm in written.get("alarms", [])],
        events=[[_text(name), value] for name, value in written.get("events", [])],
        slots=dict(written.get("slots", {})),
        origin=_text(written.get("origin", "")),
        home=_text(written.get("home", "")),
    )
    if frame.rows and frame.ordinal <= max(row.ordinal for row in frame.rows.values()):
        raise ValueError("ordinals")
    return frame


def _read_rows(written: list[Any]) -> dict[str, Row]:
    rows: dict[str, Row] = {}
    statuses = _STATUSES
    for ordinal, scope, key, kind, digest, status, value, final in written:
        if type(ordinal) is not int or type(kind) is not str or type(digest) is not str:
            raise TypeError("row")
        rows[scope + key] = Row(ordinal, scope, key, kind, digest, statuses[status], value, final)
    return rows


def _read_pending(written: list[Any] | None) -> Pending | None:
    if written is None:
        return None
    path, kind, label, sensitive = written
    return Pending(_text(path), _text(kind), _text(label), bool(sensitive))


def _read_alarm(written: list[Any]) -> Alarm:
    path, alarm_id, role, due, rung = written
    UUID(alarm_id)
    if datetime.fromisoformat(due).tzinfo is None:
        raise ValueError("alarm")
    return Alarm(_text(path), alarm_id, _text(role), due, bool(rung))


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError("text")
    return value
