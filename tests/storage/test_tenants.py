from __future__ import annotations

import asyncio

import pytest

from storage.errors import Conflict, Invalid, NotFound, WrongSecret
from storage.ids import uuid7
from storage.tenants import Tenants


async def test_a_tenant_is_made_and_found(room):
    made = await room.tenants.create("acme", "Acme & Söhne", settings={"locale": "de"})
    assert await room.tenants.find("acme") == made
    assert await room.tenants.load(made.id) == made
    assert (made.name, made.settings) == ("Acme & Söhne", {"locale": "de"})


async def test_all_tenants_are_listed_by_slug(room):
    for slug in ("beta", "acme"):
        await room.tenants.create(slug)
    assert [(tenant.slug, tenant.name) for tenant in await room.tenants.list_all()] == [
        ("acme", "acme"),
        ("beta", "beta"),
    ]


async def test_a_slug_is_taken_once_also_at_the_same_time(room):
    made = await asyncio.gather(*(room.tenants.create("acme") for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(each, Conflict) for each in made) == 7
    assert len(await room.tenants.list_all()) == 1


@pytest.mark.parametrize(
    "slug", ["", "-a", "a-", "Acme", "a_b", "a.b", "a b", "é", "a" * 64, "a\n", "a\0", "../a"]
)
async def test_what_is_no_slug_is_refused_and_not_found(room, slug):
    with pytest.raises(Invalid, match="no slug"):
        await room.tenants.create(slug)
    with pytest.raises(NotFound):
        await room.tenants.find(slug)


@pytest.mark.parametrize("name", ["   ", "x" * 201, "a\0b", "\ud800"])
async def test_what_is_no_name_is_refused(room, name):
    with pytest.raises(Invalid, match="name"):
        await room.tenants.create("acme", name)


async def test_unknown_tenants_are_not_found(room):
    with pytest.raises(NotFound, match="parley tenant list"):
        await room.tenants.find("nobody")
    with pytest.raises(NotFound):
        await room.tenants.load(uuid7())


async def test_a_tenant_comes_with_its_key_and_the_start_finds_out_about_a_wrong_secret(room):
    await room.tenants.create("acme")
    await room.tenants.check_secret()
    wrong = Tenants(room.database, room.another(b"w" * 32), lambda: None)
    with pytest.raises(WrongSecret):
        await wrong.check_secret()
