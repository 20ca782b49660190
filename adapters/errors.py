"""Errors of the adapters.

AdapterError
├── Refused            an inbound event that is not accepted; `status` is the HTTP answer, `code` machine-readable
├── DeliveryFailed     the platform did not take a reply; `permanent`, `retry_after` seconds, `unsure`
├── PlatformFailed     the platform did not do what else it was asked; `code`, `permanent`, `retry_after`, `unsure`
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
    """`unsure`: the platform may have the reply all the same, or a part of it, so the next attempt looks it up."""

    def __init__(
        self, reason: str, *, permanent: bool, retry_after: float | None = None, unsure: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent
        self.retry_after = retry_after
        self.unsure = unsure


class PlatformFailed(AdapterError):
    """`code` is the platform's own word, or `unreachable`. `permanent`: it answered, and would answer so again.

    `unsure`: it may have been done all the same.
    """

    def __init__(
        self,
        asked: str,
        code: str,
        *,
        permanent: bool,
        retry_after: float | None = None,
        told: str = "",
        unsure: bool = False,
    ) -> None:
        super().__init__(f"{asked}: {told or code}")
        self.code = code
        self.permanent = permanent
        self.retry_after = retry_after
        self.unsure = unsure


class CannotLookUp(AdapterError):
    """Raised by `find` on platforms that keep no record we may search."""
