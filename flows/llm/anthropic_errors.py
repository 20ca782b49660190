"""From the SDK's errors to ours. Only what the provider says by code is told on, never its texts: they may quote."""

from __future__ import annotations

import anthropic
import httpx2

from flows.llm.contract import ErrorKind, ModelError, Usage

_KINDS = {
    "invalid_request_error": ErrorKind.INVALID,
    "not_found_error": ErrorKind.INVALID,
    "authentication_error": ErrorKind.REFUSED,
    "permission_error": ErrorKind.REFUSED,
    "billing_error": ErrorKind.REFUSED,
    "rate_limit_error": ErrorKind.RATE_LIMITED,
    "overloaded_error": ErrorKind.OVERLOADED,
    "api_error": ErrorKind.UNAVAILABLE,
    "timeout_error": ErrorKind.UNAVAILABLE,
    "conflict_error": ErrorKind.UNAVAILABLE,
}
_ADVICE = {
    ErrorKind.INVALID: "check the model's name and the length of the request",
    ErrorKind.REFUSED: "check ANTHROPIC_API_KEY and the account's billing",
    ErrorKind.RATE_LIMITED: "ask less often, or raise the account's limits",
    ErrorKind.OVERLOADED: "try again",
    ErrorKind.UNAVAILABLE: "try again",
}
_PASSING = {ErrorKind.RATE_LIMITED, ErrorKind.OVERLOADED, ErrorKind.UNAVAILABLE}
# A rate limit by its status, but no waiting helps.
_SPEND_LIMITS = {"contract_spend_limit_reached", "enforced_spend_limit_reached"}
_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


def translated(error: Exception) -> ModelError:
    """Our error for one of the SDK, of its HTTP client, or of what it could not read."""
    match error:
        case anthropic.APIStatusError():
            return _from_status(error)
        case anthropic.APIConnectionError() if isinstance(error.__cause__, _NEVER_SENT):
            return ModelError(
                ErrorKind.UNAVAILABLE,
                f"Anthropic cannot be reached ({type(error.__cause__).__name__}): check the network and "
                "ANTHROPIC_BASE_URL",
                transient=True,
                usage=Usage(),
            )
        case anthropic.APITimeoutError() | httpx2.TimeoutException():
            return stalled()
        case anthropic.APIConnectionError():
            return ModelError(
                ErrorKind.UNAVAILABLE,
                "the connection to Anthropic was lost before it answered",
                transient=True,
            )
        case httpx2.HTTPError():
            return ModelError(ErrorKind.CUT, "the answer broke off", transient=True)
        case _:
            return ModelError(
                ErrorKind.INVALID,
                f"Anthropic's answer cannot be read ({type(error).__name__}): check ANTHROPIC_BASE_URL",
            )


def stalled() -> ModelError:
    """Nothing came for too long."""
    return ModelError(ErrorKind.STALLED, "the model fell silent", transient=True)


def _from_status(error: anthropic.APIStatusError) -> ModelError:
    status = error.status_code
    kind = _KINDS.get(error.type or "") or _kind_of(status)
    if error.error_code in _SPEND_LIMITS:
        kind = ErrorKind.REFUSED
    named = error.error_code or error.type or "no error's name"
    told = f"status {status}, {named}, request {error.request_id or 'unknown'}"
    headers = error.response.headers
    return ModelError(
        kind,
        f"Anthropic answered with an error ({told}): {_ADVICE[kind]}",
        transient=kind in _PASSING and headers.get("x-should-retry") != "false",
        retry_after=_seconds(headers.get("retry-after")),
        # An error in the middle of an answer comes with status 200; the tokens before it may be charged.
        usage=None if status < 400 else Usage(),
    )


def _kind_of(status: int) -> ErrorKind:
    match status:
        case 401 | 402 | 403:
            return ErrorKind.REFUSED
        case 429:
            return ErrorKind.RATE_LIMITED
        case 529:
            return ErrorKind.OVERLOADED
        case 408 | 409:
            return ErrorKind.UNAVAILABLE
        case _ if 400 <= status < 500:
            return ErrorKind.INVALID
        case _:
            return ErrorKind.UNAVAILABLE


def _seconds(header: str | None) -> float | None:
    # Anthropic sends whole seconds; a date, which others may send, is not waited for.
    return float(header) if header is not None and header.isdecimal() else None
