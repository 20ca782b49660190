"""Codes that link two users of one person, on Redis: an HMAC of the code with whose it is, for five minutes.

A code is shown in one chat and typed in another, so it is found by itself; guesses are counted for the chat and for
the user who types. Each step is one script. When Redis is away everything here raises Unavailable.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from redis.asyncio import Redis

from storage.redis import key, reachable
from storage.spelling import new_code

LIFE = timedelta(minutes=5)
GUESSES = 5
GUESSES_A_DAY = 20
DAY = timedelta(days=1)

_START = """
redis.call('DEL', KEYS[1], KEYS[3])
redis.call('HSET', KEYS[1], 'user', ARGV[1], 'session', ARGV[2], 'at', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('HSET', KEYS[2], 'code', ARGV[4])
redis.call('EXPIRE', KEYS[2], ARGV[5])
return 'ok'
"""

_REDEEM = """
local wrong = tonumber(redis.call('HGET', KEYS[2], 'wrong') or '0')
local today = tonumber(redis.call('GET', KEYS[3]) or '0')
if wrong >= tonumber(ARGV[2]) or today >= tonumber(ARGV[3]) then return {'locked'} end
local found = redis.call('HMGET', KEYS[1], 'user', 'session', 'at')
if found[1] == ARGV[1] then return {'own'} end
if found[1] then
    redis.call('DEL', KEYS[1])
    return {'ok', found[1], found[2], found[3]}
end
redis.call('HINCRBY', KEYS[2], 'wrong', 1)
redis.call('EXPIRE', KEYS[2], ARGV[4])
if redis.call('INCR', KEYS[3]) == 1 then redis.call('EXPIRE', KEYS[3], ARGV[5]) end
return {'wrong'}
"""


class Miss(StrEnum):
    """A guess that leads nowhere. `wrong` is a used, replaced or expired code too, and one of another tenant."""

    WRONG = "wrong"
    LOCKED = "locked"
    OWN = "own"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a code is shown or typed: a session's flow that waits, named by `at`."""

    tenant_id: UUID
    user_id: UUID
    session_id: UUID
    at: str


class LinkCodes:
    """Makes and redeems codes. `pepper` is derived from PARLEY_SECRET_KEY (`Secrets.derive("link")`)."""

    def __init__(self, redis: Redis, pepper: bytes) -> None:
        self._redis = redis
        self._pepper = pepper
        self._start = redis.register_script(_START)
        self._redeem = redis.register_script(_REDEEM)

    async def start(self, place: Place) -> str:
        """A new code of this place, in place of an earlier one. Raises Unavailable."""
        code = new_code()
        digest = self._digest(place.tenant_id, code)
        with reachable():
            await self._start(
                keys=[self._of(place.tenant_id, digest), _waiting(place), await self._earlier(place)],
                args=[
                    str(place.user_id),
                    str(place.session_id),
                    place.at,
                    digest,
                    int(LIFE.total_seconds()),
                ],
            )
        return code

    async def redeem(self, place: Place, guess: str) -> Place | Miss:
        """Whose code was typed at `place`, once: the code of that place then ends too. Raises Unavailable."""
        with reachable():
            found = await self._redeem(
                keys=[
                    self._of(place.tenant_id, self._digest(place.tenant_id, guess)),
                    _waiting(place),
                    key("otp", place.tenant_id, "link-guesses", place.user_id),
                ],
                args=[
                    str(place.user_id),
                    GUESSES,
                    GUESSES_A_DAY,
                    int(LIFE.total_seconds()),
                    int(DAY.total_seconds()),
                ],
            )
            verdict, *rest = [part.decode() if isinstance(part, bytes) else part for part in found]
            if verdict != "ok":
                return Miss(verdict)
            await self._redis.delete(await self._earlier(place))
        user_id, session_id, at = rest
        return Place(place.tenant_id, UUID(user_id), UUID(session_id), at)

    async def _earlier(self, place: Place) -> str:
        """Where the code that the place had until now is."""
        digest = await self._redis.hget(_waiting(place), "code")
        return self._of(place.tenant_id, digest.decode() if isinstance(digest, bytes) else str(digest))

    @staticmethod
    def _of(tenant_id: UUID, digest: str) -> str:
        return key("otp", tenant_id, "link", digest)

    def _digest(self, tenant_id: UUID, code: str) -> str:
        return hmac.new(self._pepper, tenant_id.bytes + code.encode(), hashlib.sha256).hexdigest()


def _waiting(place: Place) -> str:
    return key("otp", place.tenant_id, "link-at", place.session_id, place.at)
