"""The checks see what they are for: each protection is taken away, from one table at a time."""

from __future__ import annotations

import pytest
from catalogue import faults
from trespass import add, delete, leaks, refer, select, update

TAKEN_AWAY = {
    "the policy": "drop policy tenant on {table}",
    "enabling": "alter table {table} disable row level security",
    "forcing": "alter table {table} no force row level security",
    "USING": "alter policy tenant on {table} using (true)",
    "WITH CHECK": "alter policy tenant on {table} with check (true)",
    "being the only one": "create policy another on {table} using (true)",
}


@pytest.mark.parametrize("protection", TAKEN_AWAY)
async def test_the_catalogue_check_sees_a_table_without(estate, protection):
    for table in estate.tables:
        undo = estate.owner.transaction()
        await undo.start()
        await estate.owner.execute(TAKEN_AWAY[protection].format(table=table.name))
        found = await faults(estate.owner)
        await undo.rollback()
        assert any(fault.startswith(f"{table.name}: ") for fault in found), table.name
    assert await faults(estate.owner) == []


@pytest.mark.parametrize("way", [select, update, delete, add], ids=lambda way: way.__name__)
async def test_the_matrix_sees_tables_without_row_level_security(estate, way):
    granted = {select: "select", update: "update", delete: "delete", add: "insert"}[way]
    exposed = set()
    for table in estate.tables:
        await estate.owner.execute(f"alter table {table.name} disable row level security")
        if await estate.owner.fetchval(
            "select has_table_privilege('parley_runtime', $1::text, $2)", table.name, granted
        ):
            exposed.add(table.name)
    assert {leak.split(": ")[0] for leak in await leaks(estate, way)} == exposed


async def test_both_see_a_foreign_key_without_the_tenant(estate):
    await estate.owner.execute(
        """
        alter table messages add constraint of_any_tenant unique (id);
        alter table feedback drop constraint feedback_tenant_id_message_id_fkey;
        alter table feedback add constraint to_any_tenant foreign key (message_id) references messages (id)
        """
    )
    tables = [table.name for table in estate.tables]
    assert tables.index("messages") < tables.index("feedback")
    found = await faults(estate.owner)
    assert "feedback: foreign key to_any_tenant does not begin with the tenant" in found
    assert "messages: unique key of_any_tenant does not begin with the tenant" in found
    [leak] = await leaks(estate, refer)
    assert leak.startswith("feedback: our row can refer to theirs")


async def test_the_matrix_tries_every_foreign_key_there_is(estate):
    # A key that no row of ours fills could not be tried.
    for table in estate.tables:
        for key in table.foreign_keys:
            if key.parent == table.name:
                continue
            for column in key.columns:
                assert column in estate.our_rows[table.name], f"{table.name}.{column}"
    assert await leaks(estate, refer) == []


async def test_a_table_that_nobody_thought_of_is_covered(estate):
    await estate.owner.execute(
        "create table forgotten (tenant_id uuid not null, id uuid not null, note text)"
    )
    found = {fault for fault in await faults(estate.owner) if fault.startswith("forgotten: ")}
    assert found == {
        "forgotten: row-level security is not enabled",
        "forgotten: row-level security is not forced",
        "forgotten: no policy with USING and WITH CHECK on the tenant",
        "forgotten: no primary key",
    }
