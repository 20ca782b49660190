"""Operators: who may use the operators' API, and the tokens that they show.

A token is `parley_<tenant id, 32 hex digits>_<secret of 32 bytes, base64url>`. It names its tenant, so that it can
be looked up under row-level security. Only its SHA-256 is kept: of so long a secret nothing slower is needed.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import asyncpg

from storage.clock import Clock
from storage.database import Database
from storage.errors import Conflict, Invalid, NotFound
from storage.ids import uuid7
from storage.statements import Statements

# Who acts by a command that names nobody; so no operator has this name.
CONSOLE = "console"
LONGEST_LIFE = timedelta(days=3660)

NAME = re.compile(r"[a-z0-9]([a-z0-9._@+-]{0,62}[a-z0-9])?")
_TOKEN = re.compile(r"parley_([0-9a-f]{32})_([A-Za-z0-9_-]{43})")
_VERIFY = (
    "select id, tenant_id, name, role, created_at, expires_at, last_used_at, revoked_at "
    "from verify_operator($1, $2, $3)"
)


class Role(StrEnum):
    """What an operator may do; each may do what the one before may."""

    VIEWER = "viewer"
    AGENT = "agent"
    ADMIN = "admin"

    def may(self, needed: Role) -> bool:
        """Whether this role is at least `needed`."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True)
class Operator:
    """A person of the tenant, or a program of theirs, as far as they are known."""

    tenant_id: UUID
    id: UUID
    name: str
    role: Role
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None

    def is_good(self, now: datetime) -> bool:
        """Whether their token opens anything at `now`."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


@dataclass(frozen=True, slots=True)
class Admission:
    """A new operator and their token, which nobody can ask for again."""

    operator: Operator
    token: str = field(repr=False)


class Operators:
    """The operators of a tenant. Every method may raise Unavailable."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._sql = Statements("operators")

    async def create(
        self, tenant_id: UUID, name: str, role: Role, *, life: timedelta | None = None
    ) -> Admission:
        """Make an operator, or give a new token to one whose own is over. Raises Invalid and Conflict."""
        check_admission(name, life)
        now = self._clock()
        token = f"parley_{tenant_id.hex}_{secrets.token_urlsafe(32)}"
        async with self._database.tenant(tenant_id) as connection:
            try:
                row = await connection.fetchrow(
                    self._sql.create_operator,
                    tenant_id,
                    uuid7(),
                    name,
                    role,
                    _digest(token),
                    now,
                    None if life is None else now + life,
                )
            except asyncpg.ForeignKeyViolationError:
                raise NotFound(f"there is no tenant {tenant_id}") from None
        if row is None:
            raise Conflict(f"there is an operator {name!r} already; revoke them for a new token")
        return Admission(_operator(tenant_id, row), token)

    async def list_all(self, tenant_id: UUID) -> list[Operator]:
        """All operators, by name, also those who may not come in any more."""
        async with self._database.tenant(tenant_id) as connection:
            rows = await connection.fetch(self._sql.list_operators, tenant_id)
        return [_operator(tenant_id, row) for row in rows]

    async def load(self, tenant_id: UUID, name: str) -> Operator:
        """The operator of this name. Raises NotFound."""
        return await self._one(tenant_id, name, self._sql.load_operator, tenant_id, name)

    async def revoke(self, tenant_id: UUID, name: str) -> Operator:
        """Make the operator's token worthless, at once and everywhere. Raises NotFound."""
        return await self._one(tenant_id, name, self._sql.revoke_operator, tenant_id, name, self._clock())

    async def verify(self, token: str) -> Operator | None:
        """Whose good token this is; None for one that is malformed, unknown, expired or revoked.

        Read anew each time: a revoked token opens nothing from that moment on, in any process.
        """
        found = _TOKEN.fullmatch(token)
        if found is None:
            return None
        tenant_id = UUID(found[1])
        rows = await self._database.call_many(_VERIFY, tenant_id, _digest(token), self._clock())
        return _operator(tenant_id, rows[0]) if rows else None

    async def _one(self, tenant_id: UUID, name: str, statement: str, *arguments: Any) -> Operator:
        row = None
        if is_name(name):
            async with self._database.tenant(tenant_id) as connection:
                row = await connection.fetchrow(statement, *arguments)
        if row is None:
            raise NotFound(f"there is no operator {name!r}; `parley operator list` shows those there are")
        return _operator(tenant_id, row)


def is_name(name: str) -> bool:
    """Whether an operator can have this name."""
    return NAME.fullmatch(name) is not None and name != CONSOLE


def check_admission(name: str, life: timedelta | None) -> None:
    """Raises Invalid for what is no name, and for a life that no token has."""
    if not is_name(name):
        raise Invalid(
            f"{name!r} is no operator's name: use 1 to 64 of a–z, 0–9 and . _ @ + -, a letter or digit at both ends, "
            f"and not {CONSOLE!r}"
        )
    if life is not None and not timedelta(0) < life <= LONGEST_LIFE:
        raise Invalid(f"a token lasts from 1 to {LONGEST_LIFE.days} days, or has no end")


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _operator(tenant_id: UUID, row: Mapping[str, Any]) -> Operator:
    return Operator(
        tenant_id,
        row["id"],
        row["name"],
        Role(row["role"]),
        row["created_at"],
        row["expires_at"],
        row["last_used_at"],
        row["revoked_at"],
    )
