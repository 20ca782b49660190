"""Visitors' tokens: issued for thirty days, verified once and then remembered."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta

import jwt
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from adapters.errors import Refused
from adapters.web.verify import Visitor, check_life, claims_of, refused_token, visitor_of
from storage.records import Channel

TOKEN_LIFE = timedelta(days=30)
_LONGEST_TOKEN = 2048


class Tokens:
    """Issues with the first secret and verifies with any of them, so that secrets can be rotated."""

    def __init__(
        self, secret: bytes, *older: bytes, clock: Callable[[], datetime], remembered: int = 20_000
    ) -> None:
        self._keys = tuple(_derive(each) for each in (secret, *older))
        self._clock = clock
        self._limit = remembered
        self._seen: OrderedDict[str, Visitor] = OrderedDict()

    def issue(self, site: str, channel: Channel, external_id: str) -> tuple[str, datetime]:
        """A token that names this visitor of this channel, and the moment of its end."""
        now = int(self._clock().timestamp())
        expires_at = now + int(TOKEN_LIFE.total_seconds())
        visitor = Visitor(site, channel.tenant_id, channel.id, external_id, expires_at)
        claims = claims_of(visitor) | {"iat": now, "typ": "visitor"}
        token = jwt.encode(claims, self._keys[0], algorithm="HS256")
        return token, datetime.fromtimestamp(expires_at, tz=self._clock().tzinfo)

    def verify(self, token: str) -> Visitor:
        """Whom a token names. Raises Refused with 401 and `token_invalid` or `token_expired`."""
        now = self._clock().timestamp()
        visitor = self._seen.get(token)
        if visitor is None:
            visitor = self._verify_anew(token, now)
            self._seen[token] = visitor
            if len(self._seen) > self._limit:
                self._seen.popitem(last=False)
        else:
            self._seen.move_to_end(token)
            check_life(visitor, now)
        return visitor

    def _verify_anew(self, token: str, now: float) -> Visitor:
        if len(token) > _LONGEST_TOKEN:
            raise refused_token()
        for key in self._keys:
            try:
                return visitor_of(token, key, now)
            except Refused as refusal:
                if refusal.code == "token_expired":
                    raise
        raise refused_token()

    def check(self, visitor: Visitor) -> None:
        """Raises Refused when a visitor verified earlier has expired since."""
        check_life(visitor, self._clock().timestamp())


def _derive(secret: bytes) -> bytes:
    """Keep the web's key apart from every other use of the same secret (RFC 5869)."""
    return HKDF(SHA256(), 32, salt=None, info=b"parley web visitor token v1").derive(secret)
