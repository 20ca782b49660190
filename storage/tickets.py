"""One-use tickets that stand in for a token where it would be seen, as in a WebSocket's address."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

import orjson
from redis.asyncio import Redis

from storage.records import Json
from storage.redis import key, reachable

LIFE = timedelta(seconds=30)

_RANDOM_BYTES = 32


class Tickets:
    """Issues and redeems tickets; without Redis there are none. Raises Unavailable then."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def issue(self, tenant_id: UUID, claims: Mapping[str, Json]) -> str:
        """A ticket (64 characters, URL-safe) for these claims, good once within 30 seconds."""
        ticket = tenant_id.bytes + secrets.token_bytes(_RANDOM_BYTES)
        with reachable():
            await self._redis.set(_place(ticket), orjson.dumps(claims), ex=LIFE)
        return base64.urlsafe_b64encode(ticket).decode()

    async def redeem(self, ticket: str) -> dict[str, Json] | None:
        """The claims of a ticket, once; None for one that is unknown, used, too old or no ticket at all."""
        try:
            raw = base64.b64decode(ticket.encode("ascii"), altchars=b"-_", validate=True)
        except (binascii.Error, UnicodeEncodeError):
            return None
        if len(raw) != 16 + _RANDOM_BYTES:
            return None
        with reachable():
            claims = await self._redis.getdel(_place(raw))
        if claims is None:
            return None
        found: dict[str, Json] = orjson.loads(claims)
        return found


def _place(ticket: bytes) -> str:
    # Only a digest is kept, so that who can read Redis cannot use the tickets in it.
    return key("ticket", UUID(bytes=ticket[:16]), hashlib.sha256(ticket).hexdigest())
