"""What goes wrong, as the API says it: https://platform.claude.com/docs/en/api/errors"""

from __future__ import annotations

from typing import Any

TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
MESSAGES = {
    401: "invalid x-api-key",
    429: "This request would exceed your organization's rate limit",
    500: "Internal server error",
    529: "Overloaded",
}


class Refusal(Exception):
    """The request is answered with an error."""

    def __init__(
        self, status: int, message: str = "", *, type_: str = "", retry_after: int | None = None
    ) -> None:
        super().__init__(message or MESSAGES.get(status, "Scripted error"))
        self.status = status
        self.type = type_ or TYPES.get(status, "api_error")
        self.retry_after = retry_after


def envelope(type_: str, message: str, request_id: str) -> dict[str, Any]:
    """The body of an error, and of an `error` event."""
    return {"type": "error", "error": {"type": type_, "message": message}, "request_id": request_id}
