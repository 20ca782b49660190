"""The audit log: it can be added to, and that is all."""

from __future__ import annotations

import asyncpg
import pytest

from storage.audit import Actor, ActorKind, Audited, AuditLog
from storage.database import Database
from storage.errors import Unavailable
from storage.ids import uuid7


async def test_what_was_done_is_kept_with_who_and_when(room, owner, clock):
    tenant = await room.tenants.create("acme")
    session_id = uuid7()
    log = AuditLog(room.database, clock)
    ada = Actor(tenant.id, ActorKind.OPERATOR, "ada")
    await log.append(ada, Audited("session.take", session_id, detail={"force": True}))
    await log.append(ada, Audited("operator.create", None, "operator", "bob"))
    rows = await owner.fetch(
        "select tenant_id, actor_kind, actor_id, action, object_kind, object_id, session_id, detail, created_at "
        "from audit_log order by id"
    )
    assert [tuple(row) for row in rows] == [
        (
            tenant.id,
            "operator",
            "ada",
            "session.take",
            None,
            None,
            session_id,
            '{"force": true}',
            clock(),
        ),
        (tenant.id, "operator", "ada", "operator.create", "operator", "bob", None, "{}", clock()),
    ]


@pytest.mark.parametrize("change", ["update audit_log set action = 'x'", "delete from audit_log"])
async def test_nobody_who_runs_the_bot_can_change_or_remove_it(room, clock, change):
    tenant = await room.tenants.create("acme")
    log = AuditLog(room.database, clock)
    await log.append(Actor(tenant.id, ActorKind.SYSTEM, "clock"), Audited("x"))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with room.database.tenant(tenant.id) as connection:
            await connection.execute(change)


async def test_a_tenant_sees_its_own_rows_only(room, clock):
    ids = [(await room.tenants.create(slug)).id for slug in ("acme", "beta")]
    for tenant_id in ids:
        await AuditLog(room.database, clock).append(
            Actor(tenant_id, ActorKind.COMMAND, "console"), Audited(str(tenant_id))
        )
    for tenant_id in ids:
        async with room.database.tenant(tenant_id) as connection:
            assert [row["action"] for row in await connection.fetch("select action from audit_log")] == [
                str(tenant_id)
            ]


async def test_what_cannot_be_written_down_is_said_to_be_so(room, database, clock):
    tenant = await room.tenants.create("acme")
    away = await Database.open(database.runtime_url, database.dispatch_url)
    await away.close()
    with pytest.raises(Unavailable):
        await AuditLog(away, clock).append(Actor(tenant.id, ActorKind.OPERATOR, "ada"), Audited("x"))
