"""How the Web API says no: HTTP 200 with `ok: false` and a code, or 429.

https://docs.slack.dev/apis/web-api/#responses
"""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """The call is answered with this error; `details` say in words what is wrong, `more` are further fields."""

    def __init__(
        self, error: str, *details: str, status: int = 200, retry_after: int | None = None, **more: Any
    ) -> None:
        super().__init__(error)
        self.error = error
        self.status = status
        self.retry_after = retry_after
        self.details = details
        self.more = more

    @property
    def body(self) -> dict[str, Any]:
        """The answer's JSON."""
        body: dict[str, Any] = {"ok": False, "error": self.error, **self.more}
        if self.details:
            body["response_metadata"] = {"messages": [f"[ERROR] {detail}" for detail in self.details]}
        return body

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


def ratelimited(seconds: int) -> Refused:
    """Too many calls: come back in so many seconds."""
    return Refused("ratelimited", status=429, retry_after=seconds)
