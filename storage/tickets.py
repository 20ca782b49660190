"""One-use tickets that stand in for a token where it would be seen, as in a WebSocket's address.

The state of an installation by OAuth is one, too: it comes back through a browser, once.
"""

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
    """Issues and redeems tickets; without Redis there are none. Raises Unavailable then.

    A ticket for one `purpose` is none for another.
    """

    def __init__(self, redis: Redis, *, purpose: str = "socket", life: timedelta = LIFE) -> None:
        self._redis = redis
        self._purpose = purpose
        self._life = life

    async def issue(self, tenant_id: UUID, claims: Mapping[str, Json]) -> str:
        """A ticket (64 characters, URL-safe) for these claims, good once within its life."""
        ticket = tenant_id.bytes + secrets.token_bytes(_RANDOM_BYTES)
        with reachable():
            await self._redis.set(self._place(ticket), orjson.dumps(claims), ex=self._life)
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
            claims = await self._redis.getdel(self._place(raw))
        if claims is None:
            return None
        found: dict[str, Json] = orjson.loads(claims)
        return found

    def _place(self, ticket: bytes) -> str:
        # Only a digest is kept, so that who can read Redis cannot use the tickets in it.
        return key("ticket", UUID(bytes=ticket[:16]), self._purpose, hashlib.sha256(ticket).hexdigest())
