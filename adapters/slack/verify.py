"""Whether Slack sent a request, and which account it says it is for. Pure; nothing here raises.

https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson

from adapters.slack.untrusted import Given, ident, is_true, record

WINDOW_S = 300
# Slack's own are far smaller; a view with all its blocks and state reaches some 250 KB.
MAX_BODY_BYTES = 1024 * 1024
_MOST_FIELDS = 64
_TIMESTAMP = re.compile(r"[1-9][0-9]{0,11}")
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")


def headers_fit(timestamp_headers: Sequence[str], signature_headers: Sequence[str], now: float) -> bool:
    """Whether the two headers are there once each, look like Slack's and are at most 300 s from `now`.

    That much is known before the body is read.
    """
    if len(timestamp_headers) != 1 or len(signature_headers) != 1:
        return False
    timestamp = timestamp_headers[0]
    if not _TIMESTAMP.fullmatch(timestamp) or not _SIGNATURE.fullmatch(signature_headers[0]):
        return False
    return abs(now - int(timestamp)) <= WINDOW_S


def signature_fits(
    secrets: Sequence[str],
    timestamp_headers: Sequence[str],
    signature_headers: Sequence[str],
    raw_body: bytes,
    now: float,
) -> bool:
    """Whether one of the signing secrets made the signature, at most 300 s from `now` (seconds of the epoch).

    The headers are given as often as they came; each must be there exactly once.
    """
    if not headers_fit(timestamp_headers, signature_headers, now):
        return False
    timestamp, signature = timestamp_headers[0], signature_headers[0]
    signed = b"v0:%b:%b" % (timestamp.encode(), raw_body)
    fits = False
    for secret in secrets:
        if secret:  # anybody can sign with the empty one
            made = "v0=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
            fits |= hmac.compare_digest(made, signature)
    return fits


@dataclass(frozen=True, slots=True)
class Account:
    """Whom a request says it is for. Not to be believed before its signature fits.

    `org_wide`: whether the app is installed for the whole organisation; None where the request does not say.
    """

    app_id: str
    team_id: str | None = None
    enterprise_id: str | None = None
    org_wide: bool | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The external account ids of the channels that it may be, the likelier first."""
        owners = {
            True: (self.enterprise_id,),
            False: (self.team_id,),
            None: (self.team_id, self.enterprise_id),
        }[self.org_wide]
        return tuple(f"{self.app_id}/{owner}" for owner in owners if owner is not None)


def account_of(content_type: str, raw_body: bytes) -> Account | None:
    """The account that an unverified body names, to choose the secrets that it is checked with."""
    document = document_of(content_type, raw_body)
    return account_in(document) if document is not None else None


def document_of(content_type: str, raw_body: bytes) -> dict[str, Any] | None:
    """The payload of a body: JSON, JSON in the form field `payload`, or the fields of a slash command.

    None for what is too large, too deep (1,024), not what its content type says, or says one thing twice.
    """
    if len(raw_body) > MAX_BODY_BYTES:
        return None
    match content_type.partition(";")[0].strip().lower():
        case "application/json":
            return _json(raw_body)
        case "application/x-www-form-urlencoded":
            return _form(raw_body)
    return None


def account_in(document: Given) -> Account | None:
    """The account that a payload names; None without an app id, or without a team and an enterprise.

    Events are another workspace's word in Slack Connect, so what they are authorized for goes first
    (https://docs.slack.dev/apis/events-api/#authorizations); the order for interactions is slack_bolt's,
    request/internals.py.
    """
    app_id = ident(document, "api_app_id")
    if app_id is None:
        return None
    authorizations = document.get("authorizations")
    if isinstance(authorizations, list) and authorizations and isinstance(authorizations[0], dict):
        granted: Given = authorizations[0]
        team_id = ident(granted, "team_id")
        enterprise_id = ident(granted, "enterprise_id")
    else:
        granted = document
        team_id = (
            ident(record(document, "view"), "app_installed_team_id")
            or ident(record(document, "team"), "id")
            or ident(document, "context_team_id")
            or ident(document, "team_id")
            or ident(record(document, "user"), "team_id")
        )
        enterprise_id = (
            ident(record(document, "enterprise"), "id")
            or ident(document, "context_enterprise_id")
            or ident(document, "enterprise_id")
            or ident(record(document, "team"), "enterprise_id")
        )
    if team_id is None and enterprise_id is None:
        return None
    org_wide = is_true(granted, "is_enterprise_install") if "is_enterprise_install" in granted else None
    return Account(app_id, team_id, enterprise_id, org_wide)


def _json(raw: bytes | str) -> dict[str, Any] | None:
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return document if type(document) is dict else None


def _form(raw_body: bytes) -> dict[str, Any] | None:
    try:
        fields = parse_qsl(
            raw_body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError:  # not ASCII, not UTF-8 behind the per cents, too many fields
        return None
    document: dict[str, Any] = dict(fields)
    if len(document) < len(fields):
        return None
    return _json(document["payload"]) if "payload" in document else document
