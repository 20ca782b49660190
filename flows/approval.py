"""Approvals as a flow knows them: who may say yes, to exactly what, and what came of it."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from flows.errors import FlowMistake
from flows.record import Frame, Row, Status
from flows.values import encode
from storage.approval_records import ApprovalStatus, Approvers
from storage.records import Session

asker = Approvers(the_asker=True, operators=())
anyone = Approvers(the_asker=True, operators=None)
not_the_asker = Approvers(the_asker=False, operators=None)

# Flow files are modules whose name holds the path (`flows.load`), which may be another on each machine.
_FLOW_MODULE = re.compile(r"^parley_flows_[0-9a-f]+_")
_SHORT = 8


def operators(*names: str) -> Approvers:
    """These operators, and nobody else. Raises FlowMistake."""
    if not names or not all(map(str.strip, names)):
        raise FlowMistake('operators: name them, as in operators("ann", "bob"); any of them: not_the_asker')
    return Approvers(the_asker=False, operators=tuple(sorted(set(names))))


@dataclass(frozen=True, slots=True)
class Approval:
    """What came of an approval; true when it was given. It is good for one `call`: give it to that.

    `decided_by` is `user:<id>` or `operator:<name>`, None when nobody did in time. `place` is its path on record.
    """

    id: UUID
    status: ApprovalStatus
    reason: str | None
    decided_by: str | None
    place: str = field(repr=False)

    def __bool__(self) -> bool:
        return self.status is ApprovalStatus.APPROVED


@dataclass(frozen=True, slots=True)
class Action:
    """A call as it is approved: the function's qualified name, and the SHA-256 of that and the arguments, in hex."""

    name: str
    digest: str

    @classmethod
    def of(cls, function: Callable[..., Any], arguments: Sequence[Any], verb: str) -> Action:
        """Raises FlowMistake for a function without a name of its own, and Unrecordable."""
        name = _name_of(function, verb)
        written = orjson.dumps([name, encode(list(arguments), verb)], option=orjson.OPT_SORT_KEYS)
        return cls(name, hashlib.sha256(written).hexdigest())

    def __str__(self) -> str:
        return f"{self.name} ({self.digest[:_SHORT]})"


def hash_of(session: Session, run: str, path: str, shown: str, by: Approvers, action: Action) -> bytes:
    """What an approval is bound to: whose it is, where it is asked for, what was shown, who decides, what is done."""
    bound = [
        str(session.tenant_id),
        str(session.user_id),
        str(session.id),
        run,
        path,
        shown,
        by.the_asker,
        by.operators,
        action.name,
        action.digest,
    ]
    return hashlib.sha256(orjson.dumps(bound)).digest()


def approval_of(row: Row) -> Approval:
    """The approval that a row of the record holds."""
    value = row.value
    return Approval(
        UUID(value["id"]), ApprovalStatus(value["status"]), value["reason"], value["by"], row.path
    )


def grant(frame: Frame, approval: object, function: Callable[..., Any], arguments: Sequence[Any]) -> Row:
    """The row of an approval that is good for a call. Raises FlowMistake, which says in what it is not."""
    name = _name_of(function, "call")
    if not isinstance(approval, Approval):
        raise FlowMistake(f"call: approval={type(approval).__name__}: give what chat.approve returned")
    if not approval:
        raise FlowMistake(f"call: {name} was not approved ({approval.status}): look before you call")
    row = frame.rows.get(approval.place)
    if (
        row is None
        or row.kind != "approve"
        or row.status is not Status.OK
        or row.value["id"] != str(approval.id)
    ):
        raise FlowMistake(f"call: the approval of {name} is another conversation's, or was taken back")
    action = Action.of(function, arguments, "call")
    if row.value["digest"] != action.digest:
        approved = Action(row.value["action"], row.value["digest"])
        what = "with other arguments" if approved.name == action.name else "another function"
        raise FlowMistake(f"call: what was approved is {approved}, what is called is {action}: {what}")
    return row


def use(frame: Frame, row: Row, path: str) -> None:
    """Note that the call at `path` uses an approval. Raises FlowMistake when another one has."""
    used = row.value.get("used", path)
    if used != path:
        raise FlowMistake(f"call: the approval was used by {used}: ask for each call")
    frame.rows[row.path] = row._replace(value={**row.value, "used": path})


def is_done(frame: Frame, row: Row) -> bool:
    """Whether what was approved has been done, so that it is not asked for again when it comes again."""
    call = frame.carried.get(row.value.get("used", ""))
    return call is not None and call.kind == "call" and call.status is Status.OK


def is_made(session: Session, frame: Frame, key: str | None) -> bool:
    """Whether the call with this idempotency key was made, in a turn that failed or was stopped after it."""
    made = (row for row in frame.carried.values() if row.kind == "call" and row.status is Status.OK)
    return any(key == key_of(session, frame, row.path, row.digest) for row in made)


def key_of(session: Session, frame: Frame, path: str, arguments: str) -> str:
    """The idempotency key of a call, by its place and the digest of its arguments."""
    # A run that was taken up in another session keeps the keys of what it may have done before.
    home = frame.home or str(session.id)
    parts = (str(session.tenant_id), home, frame.run, path, arguments)
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()


def _name_of(function: Callable[..., Any], verb: str) -> str:
    owner = function if hasattr(function, "__qualname__") else type(function)
    if isinstance(function, functools.partial) or owner.__qualname__.endswith("<lambda>"):
        raise FlowMistake(
            f"{verb}: give a function with a name and its arguments apart, no lambda or partial"
        )
    return f"{_FLOW_MODULE.sub('', owner.__module__)}.{owner.__qualname__}"
