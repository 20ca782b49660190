"""From what we know to what the API answers, as documents of JSON. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import orjson

from storage.approvals import ApprovalView
from storage.ids import id_text
from storage.operators import Operator
from storage.records import ContentType
from storage.session_views import SessionDetail, SessionView
from storage.transcripts import Line


def written(document: Any) -> bytes:
    return orjson.dumps(document, default=id_text)


def session_document(view: SessionView) -> dict[str, Any]:
    return {
        "session_id": view.id,
        "status": view.status,
        "platform": view.platform,
        "channel_id": view.channel_id,
        "account": view.account,
        "thread_key": view.thread_key,
        "user": {
            "user_id": view.user_id,
            "external_id": view.external_user_id,
            "locale": view.locale,
            "profile": view.profile,
        },
        "started_at": view.started_at,
        "last_active_at": view.last_active_at,
        "ended_at": view.ended_at,
        "end_reason": view.end_reason,
        "owner": view.owner,
        "handed_over_at": view.handed_over_at,
        "reason": view.reason,
        "resolved": view.resolved,
        "messages": view.messages,
        "flow": view.flow,
        "flow_version": view.flow_version,
        "waits_at": view.state_name,
    }


def detail_document(detail: SessionDetail, approvals: Sequence[ApprovalView]) -> dict[str, Any]:
    return {
        **session_document(detail.view),
        "dead_letters": detail.dead_letters,
        "delivery_problems": [
            {
                "message_id": each.message_id,
                "status": each.status,
                "possible_duplicate": each.possible_duplicate,
                "error": each.error,
                "at": each.at,
            }
            for each in detail.troubles
        ],
        "approvals": [asked_document(each) for each in approvals],
    }


def line_document(line: Line, link: Callable[[UUID], str] | None = None) -> dict[str, Any]:
    """`link` makes the address of a file, good for a short while; without it there is none."""
    return {
        "message_id": line.id,
        "seq": line.seq,
        "sender_type": line.sender,
        "operator": line.operator,
        "content": _content(line),
        "content_type": line.content_type,
        "status": line.status,
        "in_reply_to": line.in_reply_to,
        "created_at": line.created_at,
        "delivery": line.delivery,
        "possible_duplicate": line.possible_duplicate,
        "attachments": [
            {
                "attachment_id": each.id,
                "name": each.name,
                "type": each.type,
                "size": each.size,
                "url": None if link is None else link(each.id),
            }
            for each in line.attachments
        ],
    }


def approval_document(view: ApprovalView) -> dict[str, Any]:
    """An approval in a list: without what was said, since lists are not on record."""
    return {
        "approval_id": view.id,
        "session_id": view.session_id,
        "user_id": view.user_id,
        "flow": view.flow,
        "action": view.action,
        "status": view.decision.status,
        "may_decide": {
            "asker": view.by.the_asker,
            "any_operator": view.by.operators is None,
            "operators": view.by.operators or (),
        },
        "created_at": view.created_at,
        "expires_at": view.expires_at,
        "decided_by": view.decision.by,
        "decided_at": view.decided_at,
        "used_at": view.used_at,
    }


def asked_document(view: ApprovalView) -> dict[str, Any]:
    """One approval, with exactly what was shown and why it was decided so."""
    return {
        **approval_document(view),
        "shown": view.shown,
        "shown_hash": view.shown_hash.hex(),
        "reason": view.decision.reason,
    }


def operator_document(operator: Operator) -> dict[str, Any]:
    return {
        "name": operator.name,
        "role": operator.role,
        "created_at": operator.created_at,
        "expires_at": operator.expires_at,
        "last_used_at": operator.last_used_at,
        "revoked_at": operator.revoked_at,
    }


def _content(line: Line) -> Any:
    """Text as it is; a document as JSON, or as text where it has been struck out and is none any more."""
    if line.content_type is ContentType.TEXT:
        return line.content
    try:
        return orjson.loads(line.content)
    except orjson.JSONDecodeError:
        return line.content
