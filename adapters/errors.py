"""Errors of the adapters.

AdapterError
├── Refused            an inbound event that is not accepted; `status` is the HTTP answer, `code` machine-readable
├── DeliveryFailed     the platform did not take a reply; `permanent`, `retry_after` seconds
└── CannotLookUp       the platform has no way to find out whether a send arrived
"""

from __future__ import annotations


class AdapterError(Exception):
    """Base of everything an adapter raises on purpose."""


class Refused(AdapterError):
    def __init__(self, status: int, code: str, detail: str, *, retry_after: float | None = None) -> None:
        super().__init__(f"{code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after = retry_after


class DeliveryFailed(AdapterError):
    def __init__(self, reason: str, *, permanent: bool, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent
        self.retry_after = retry_after


class CannotLookUp(AdapterError):
    """Raised by `find` on platforms that keep no record we may search."""
