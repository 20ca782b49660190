"""One-time codes on Redis: an HMAC with a pepper, never the code or the address (NIST SP 800-63B-4 §3.1.3).

Each step is one script, so that parallel guesses are counted one by one. Time is Redis's own: it is the same
for all processes. When Redis is away everything here raises Unavailable: no code, no success.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from redis.asyncio import Redis

from storage.redis import key, reachable

DIGITS = 6
LIFE = timedelta(minutes=5)
GUESSES = 5
SENDS = 10
SENDS_WINDOW = timedelta(days=1)

# The times of the last sends are a list, newest first. A full list whose oldest is still young refuses.
_START = """
local now = tonumber(redis.call('TIME')[1])
local limit, window = tonumber(ARGV[3]), tonumber(ARGV[4])
local oldest = redis.call('LINDEX', KEYS[2], limit - 1)
if oldest and now - tonumber(oldest) < window then
    return window - (now - tonumber(oldest))
end
redis.call('LPUSH', KEYS[2], now)
redis.call('LTRIM', KEYS[2], 0, limit - 1)
redis.call('EXPIRE', KEYS[2], window)
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'code', ARGV[1], 'wrong', 0)
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 0
"""

_CHECK = """
local kept = redis.call('HMGET', KEYS[1], 'code', 'wrong')
if not kept[1] then return 'expired' end
if tonumber(kept[2]) >= tonumber(ARGV[2]) then return 'locked' end
if kept[1] == ARGV[1] then
    redis.call('DEL', KEYS[1])
    return 'ok'
end
redis.call('HINCRBY', KEYS[1], 'wrong', 1)
return 'wrong'
"""


class Verdict(StrEnum):
    """What a guess comes to. `expired` is also said of a code that was used, replaced or never sent here."""

    OK = "ok"
    WRONG = "wrong"
    LOCKED = "locked"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Started:
    """The code to send; it is kept nowhere."""

    code: str = field(repr=False)
    life: timedelta = LIFE


@dataclass(frozen=True, slots=True)
class TooMany:
    """The address had its codes for the day; the next may go out after `retry_after`."""

    retry_after: timedelta


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a code is for; a code of one purpose is no good for another."""

    tenant_id: UUID
    session_id: UUID
    flow_run: str
    name: str


class OneTimeCodes:
    """Starts and checks codes. `pepper` is derived from PARLEY_SECRET_KEY (`Secrets.derive("otp")`)."""

    def __init__(self, redis: Redis, pepper: bytes) -> None:
        self._redis = redis
        self._pepper = pepper
        self._start = redis.register_script(_START)
        self._check = redis.register_script(_CHECK)

    async def start(self, purpose: Purpose, address: str) -> Started | TooMany:
        """Make a code for `address`, in place of an earlier one of the same purpose. Raises Unavailable."""
        code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
        who = self._digest("address", str(purpose.tenant_id), address.strip())
        with reachable():
            wait = await self._start(
                keys=[self._place(purpose), key("otp", purpose.tenant_id, "sends", who)],
                args=[
                    self._code(purpose, code),
                    int(LIFE.total_seconds()),
                    SENDS,
                    int(SENDS_WINDOW.total_seconds()),
                ],
            )
        return TooMany(timedelta(seconds=int(wait))) if int(wait) else Started(code)

    async def check(self, purpose: Purpose, guess: str) -> Verdict:
        """Count one guess; of all right ones exactly one is `ok`. Raises Unavailable."""
        with reachable():
            verdict = await self._check(
                keys=[self._place(purpose)], args=[self._code(purpose, _digits(guess)), GUESSES]
            )
        return Verdict(verdict.decode() if isinstance(verdict, bytes) else verdict)

    def _place(self, purpose: Purpose) -> str:
        return key("otp", purpose.tenant_id, "code", purpose.session_id, purpose.flow_run, purpose.name)

    def _code(self, purpose: Purpose, code: str) -> str:
        return self._digest(
            "code", str(purpose.tenant_id), str(purpose.session_id), purpose.flow_run, purpose.name, code
        )

    def _digest(self, *parts: str) -> str:
        # Length before each part, so that no two lists of parts give the same bytes.
        text = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)
        return hmac.new(self._pepper, text, hashlib.sha256).hexdigest()


def _digits(guess: str) -> str:
    """The guess as a person meant it: full-width digits, spaces and dashes are fine."""
    return "".join(c for c in unicodedata.normalize("NFKC", guess) if c.isalnum())
