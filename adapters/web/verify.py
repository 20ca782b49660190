"""Who is asking: visitors' tokens, the host site's word for its user, and the page's origin. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import jwt
from jwt.types import Options

from adapters.errors import Refused

USER_TOKEN_LIFE_S = 3600
CLOCK_LEEWAY_S = 60
_SITE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# Times are compared with the clock that is passed in, the audience by who knows the site.
_OPTIONS: Options = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_sub": False,
}


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whom a verified token names, on which channel, until when (seconds of the epoch)."""

    site: str
    tenant_id: UUID
    channel_id: UUID
    external_id: str
    expires_at: int


def is_site(value: object) -> bool:
    return isinstance(value, str) and _SITE.fullmatch(value) is not None


def visitor_of(token: str, key: bytes, now: float) -> Visitor:
    """Verify one of our own tokens. Raises Refused: `token_expired` where only time is wrong."""
    claims = _claims(token, key)
    if claims is None or claims.get("typ") != "visitor":
        raise refused_token()
    try:
        visitor = visitor_from(claims)
    except (KeyError, TypeError, ValueError) as error:
        raise refused_token() from error
    if not _reached(claims.get("iat"), now) or ("nbf" in claims and not _reached(claims["nbf"], now)):
        raise refused_token()
    check_life(visitor, now)
    return visitor


def visitor_from(claims: Mapping[str, Any]) -> Visitor:
    """Read a visitor out of trusted claims. Raises KeyError, TypeError or ValueError."""
    site, external_id, expires_at = claims["aud"], claims["sub"], claims["exp"]
    if not (is_site(site) and isinstance(external_id, str) and external_id and type(expires_at) is int):
        raise ValueError("not a visitor's claims")
    return Visitor(site, UUID(str(claims["ten"])), UUID(str(claims["ch"])), external_id, expires_at)


def claims_of(visitor: Visitor) -> dict[str, str | int]:
    return {
        "aud": visitor.site,
        "sub": visitor.external_id,
        "ten": str(visitor.tenant_id),
        "ch": str(visitor.channel_id),
        "exp": visitor.expires_at,
    }


def check_life(visitor: Visitor, now: float) -> None:
    if now >= visitor.expires_at:
        raise Refused(
            401, "token_expired", "This token has expired; ask POST /web/v1/sessions for a new one."
        )


def refused_token() -> Refused:
    return Refused(401, "token_invalid", "This token is not valid; ask POST /web/v1/sessions for a new one.")


def user_of(token: str, secret: str | None, site: str, now: float) -> str:
    """The external id `user:<sub>` that a host site vouches for, by HS256 with its identity secret."""
    claims = _claims(token, secret.encode()) if secret else None
    if claims is None or claims.get("aud") != site:
        raise _refused_user()
    subject, expires_at = claims.get("sub"), claims.get("exp")
    if not isinstance(subject, str) or not 0 < len(subject) <= 200 or not subject.isprintable():
        raise _refused_user()
    if type(expires_at) is not int or expires_at - now > USER_TOKEN_LIFE_S + CLOCK_LEEWAY_S:
        raise _refused_user()
    if any(name in claims and not _reached(claims[name], now) for name in ("iat", "nbf")):
        raise _refused_user()
    if now >= expires_at:
        raise Refused(
            401, "user_token_expired", "The host site's token for its user has expired; make a new one."
        )
    return f"user:{subject}"


def _refused_user() -> Refused:
    return Refused(
        401,
        "user_token_invalid",
        "The host site's token is not valid: HS256 with the channel's identity secret, with sub, aud = the "
        "site key and exp at most an hour away.",
    )


def _claims(token: str, key: bytes) -> Mapping[str, Any] | None:
    """The claims under a good HS256 signature, else None. A header that names a key is refused."""
    try:
        decoded = jwt.decode_complete(token, key, algorithms=["HS256"], options=_OPTIONS)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        return None
    if not decoded["header"].keys() <= {"alg", "typ"}:
        return None
    claims = decoded["payload"]
    return claims if isinstance(claims, dict) else None


def _reached(moment: object, now: float) -> bool:
    return type(moment) is int and moment <= now + CLOCK_LEEWAY_S


def origin_allowed(origin: str, host: str, allowed: Sequence[str]) -> bool:
    """Whether a page of this Origin may talk to us: one of `allowed`, or our own host when that is empty.

    Compared whole, never by prefix or suffix. Without a list the scheme is not compared, since behind a
    proxy that ends TLS we see http where the browser says https.
    """
    if allowed:
        return origin.lower() in {entry.lower().rstrip("/") for entry in allowed}
    scheme, separator, netloc = origin.lower().partition("://")
    return bool(separator) and scheme in ("http", "https") and bool(netloc) and netloc == host.lower()
