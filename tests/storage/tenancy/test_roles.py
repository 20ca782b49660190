"""What the roles may do at all, whoever's rows it is."""

from __future__ import annotations

import pytest
from asyncpg.exceptions import InsufficientPrivilegeError
from catalogue import faults

ROLES = ("parley_runtime", "parley_dispatch")

DISPATCH_SEES = {
    "tenants": {"tenant_id", "slug", "name", "created_at"},
    "channels": {"tenant_id", "id", "platform", "external_account_id"},
    "inbox": {"tenant_id", "session_id", "position", "status", "due_at", "lease_until"},
    "outbox": {"tenant_id", "session_id", "position", "status", "due_at", "lease_until"},
    "timers": {"tenant_id", "session_id", "due_at", "lease_until", "fired_at"},
}

APPEND_ONLY = {"audit_log", "agent_step_events"}
NEVER_DELETED = APPEND_ONLY | {
    "tenant_keys",
    "user_keys",
    "agent_sessions",
    "agent_steps",
    "approvals",
    "operators",
}


async def test_the_catalogue_has_no_fault(estate):
    assert await faults(estate.owner) == []


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_is_bound_and_owns_nothing(estate, role):
    attributes = await estate.owner.fetchrow(
        """
        select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication,
               exists (select from pg_auth_members m where m.member = r.oid) as is_member,
               exists (select from pg_shdepend d where d.refobjid = r.oid and d.deptype = 'o') as owns
        from pg_roles r where rolname = $1
        """,
        role,
    )
    assert set(attributes.values()) == {False}


@pytest.mark.parametrize("role", [*ROLES, "public"])
@pytest.mark.parametrize("privilege", ["TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"])
async def test_nobody_is_granted_what_looks_past_policies(estate, role, privilege):
    granted = await estate.owner.fetch(
        """
        select c.oid::regclass::text as name
        from pg_class c
        cross join aclexplode(c.relacl) a
        left join pg_roles r on r.oid = a.grantee
        where c.relkind in ('r', 'p', 'v', 'm')
          and coalesce(r.rolname, 'public') = $1 and a.privilege_type = $2
          and c.relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
        """,
        role,
        privilege,
    )
    assert [row["name"] for row in granted] == []


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_makes_nothing_in_our_schemas(estate, role):
    for schema in ("public", "analytics"):
        assert not await estate.owner.fetchval("select has_schema_privilege($1, $2, 'create')", role, schema)


async def test_no_function_runs_as_another_and_no_view_looks_past_policies(estate):
    definers = await estate.owner.fetch(
        """
        select p.oid::regprocedure::text as name from pg_proc p
        where p.prosecdef and p.pronamespace::regnamespace::text in ('public', 'analytics')
        """
    )
    views = await estate.owner.fetch(
        """
        select c.oid::regclass::text as name from pg_class c
        where c.relnamespace::regnamespace::text in ('public', 'analytics')
          and (c.relkind = 'm'
               or c.relkind = 'v' and not coalesce(c.reloptions, '{}') @> '{security_invoker=true}')
        """
    )
    assert [row["name"] for row in [*definers, *views]] == []


async def test_the_dispatcher_sees_routing_and_queue_columns_and_nothing_else(estate):
    seen = {}
    for table in estate.tables:
        columns = await estate.owner.fetch(
            """
            select attname from pg_attribute
            where attrelid = $1::text::regclass and attnum > 0 and not attisdropped
              and has_column_privilege('parley_dispatch', attrelid, attnum, 'select')
            """,
            table.name,
        )
        if columns:
            seen[table.name] = {row["attname"] for row in columns}
        for privilege in ("insert", "update"):
            assert not await estate.owner.fetchval(
                "select has_any_column_privilege('parley_dispatch', $1::text, $2)", table.name, privilege
            ), table.name
        assert not await estate.owner.fetchval(
            "select has_table_privilege('parley_dispatch', $1::text, 'delete')", table.name
        ), table.name
    assert seen == DISPATCH_SEES


async def test_the_dispatcher_sees_all_tenants_in_those_columns(estate):
    for table, columns in DISPATCH_SEES.items():
        rows = await estate.dispatch.fetch(f"select {', '.join(sorted(columns))} from {table}")
        assert {str(row["tenant_id"]) for row in rows} == {estate.ours, estate.theirs}, table


async def test_the_dispatcher_reads_no_content(estate):
    for statement in ("select credentials from channels", "select * from inbox", "select from messages"):
        with pytest.raises(InsufficientPrivilegeError):
            await estate.dispatch.fetch(statement)


async def test_what_is_on_record_is_neither_changed_nor_deleted(estate):
    for table in NEVER_DELETED:
        with pytest.raises(InsufficientPrivilegeError):
            await estate.runtime.execute(f"delete from {table}")
    for table in APPEND_ONLY:
        with pytest.raises(InsufficientPrivilegeError):
            await estate.runtime.execute(f"update {table} set tenant_id = tenant_id")
