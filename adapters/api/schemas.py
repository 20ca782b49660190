"""What the API's answers look like, as JSON schemas by name."""

from __future__ import annotations

from typing import Any

from storage.approval_records import ApprovalStatus
from storage.operators import Role
from storage.records import ContentType, MessageStatus, Sender

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_ID: Schema = {"type": "string", "format": "uuid"}
_TIME: Schema = {"type": "string", "format": "date-time"}
_TRUTH: Schema = {"type": "boolean"}


def _object(**properties: Schema) -> Schema:
    """All of these properties, always, and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _or_null(schema: Schema) -> Schema:
    if "enum" in schema:
        return {"enum": [*schema["enum"], None]}
    return {**schema, "type": [schema["type"], "null"]}


def _one_of(*values: str) -> Schema:
    return {"type": "string", "enum": list(values)}


def _list(name: str) -> Schema:
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}}


_ROLE = _one_of(*Role)
_SESSION: dict[str, Schema] = {
    "session_id": _ID,
    "status": _one_of("active", "handoff", "closed"),
    "platform": _TEXT,
    "channel_id": _ID,
    "account": _TEXT,
    "thread_key": _TEXT,
    "user": _object(user_id=_ID, external_id=_TEXT, locale=_or_null(_TEXT), profile={"type": "object"}),
    "started_at": _TIME,
    "last_active_at": _TIME,
    "ended_at": _or_null(_TIME),
    "end_reason": _or_null(_TEXT),
    "owner": _or_null(_TEXT),
    "handed_over_at": _or_null(_TIME),
    "reason": _or_null(_TEXT),
    "resolved": _or_null(_TRUTH),
    "messages": _COUNT,
    "flow": _or_null(_TEXT),
    "flow_version": _or_null(_TEXT),
    "waits_at": _or_null(_TEXT),
}
_APPROVAL: dict[str, Schema] = {
    "approval_id": _ID,
    "session_id": _ID,
    "user_id": _ID,
    "flow": _TEXT,
    "action": _TEXT,
    "status": _one_of(*ApprovalStatus),
    "may_decide": _object(asker=_TRUTH, any_operator=_TRUTH, operators={"type": "array", "items": _TEXT}),
    "created_at": _TIME,
    "expires_at": _TIME,
    "decided_by": _or_null(_TEXT),
    "decided_at": _or_null(_TIME),
    "used_at": _or_null(_TIME),
}
_OPERATOR: dict[str, Schema] = {
    "name": _TEXT,
    "role": _ROLE,
    "created_at": _TIME,
    "expires_at": _or_null(_TIME),
    "last_used_at": _or_null(_TIME),
    "revoked_at": _or_null(_TIME),
}

SCHEMAS: dict[str, Schema] = {
    "error": _object(error=_object(code=_TEXT, detail=_TEXT)),
    "outcome": _object(outcome=_one_of("accepted", "duplicate")),
    "me": _object(name=_TEXT, role=_ROLE, tenant_id=_ID, expires_at=_or_null(_TIME)),
    "session": _object(**_SESSION),
    "session_page": _object(sessions=_list("session"), cursor=_or_null(_TEXT)),
    "problem": _object(
        message_id=_or_null(_ID),
        status=_one_of("queued", "sent", "failed"),
        possible_duplicate=_TRUTH,
        error=_or_null(_TEXT),
        at=_TIME,
    ),
    "session_detail": _object(
        **_SESSION,
        dead_letters=_COUNT,
        delivery_problems=_list("problem"),
        approvals=_list("approval_detail"),
    ),
    "message": _object(
        message_id=_ID,
        seq=_COUNT,
        sender_type=_one_of(*Sender),
        operator=_or_null(_TEXT),
        content={"type": ["string", "object", "array", "number", "boolean", "null"]},
        content_type=_one_of(*ContentType),
        status=_one_of(*MessageStatus),
        in_reply_to=_or_null(_ID),
        created_at=_TIME,
        delivery=_or_null(_one_of("queued", "sent", "failed")),
        possible_duplicate=_TRUTH,
        attachments=_list("attachment"),
    ),
    "attachment": _object(attachment_id=_ID, name=_TEXT, type=_TEXT, size=_COUNT, url=_or_null(_TEXT)),
    "transcript": _object(messages=_list("message")),
    "approval": _object(**_APPROVAL),
    "approval_page": _object(approvals=_list("approval"), cursor=_or_null(_TEXT)),
    "approval_detail": _object(**_APPROVAL, shown=_TEXT, shown_hash=_TEXT, reason=_or_null(_TEXT)),
    "operator": _object(**_OPERATOR),
    "operator_list": _object(operators=_list("operator")),
    "admission": _object(**_OPERATOR, token=_TEXT),
}
