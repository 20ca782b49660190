"""One contract, over a folder and over S3's protocol; and what only one of them has."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import re
import stat
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from s3_server import S3Server, s3_server

from storage.errors import Invalid, NotFound, Unavailable
from storage.objects import CHUNK_BYTES, Objects, object_key
from storage.received import Received

ACME = UUID("0190a000-0000-7000-8000-000000000001")
OTHER = UUID("0190a000-0000-7000-8000-000000000002")
MEGABYTE = 1_000_000
LARGE = 30 * MEGABYTE


@dataclass
class Store:
    """The objects under test, what lies there, and a way to take the store away."""

    objects: Objects
    folder: Path
    s3: S3Server | None

    def lying(self) -> list[str]:
        if self.s3 is not None:
            return sorted([*self.s3.objects, *self.s3.uploads])
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())

    def take_away(self) -> None:
        if self.s3 is not None:
            self.s3.is_away = True
        else:
            self.folder.rename(f"{self.folder}.away")
            self.folder.write_text("no folder")


@asynccontextmanager
async def folder_store(tmp_path: Path) -> AsyncIterator[Store]:
    folder = tmp_path / "var" / "objects"
    objects = Objects.open(folder)
    yield Store(objects, folder, None)
    objects.close()


@pytest.fixture(params=["folder", "s3"])
async def store(request, tmp_path, monkeypatch):
    if request.param == "folder":
        async with folder_store(tmp_path) as store:
            yield store
        return
    async with s3_server() as s3:
        for name, value in s3.environment().items():
            monkeypatch.setenv(name, value)
        objects = Objects.open("s3://bucket/files")
        yield Store(objects, tmp_path, s3)
        objects.close()


@pytest.fixture
async def in_folder(tmp_path):
    async with folder_store(tmp_path) as store:
        yield store


async def megabytes(number: int) -> AsyncIterator[bytes]:
    for place in range(number):
        yield bytes([place % 256]) * MEGABYTE


async def read(objects: Objects, key: str, tenant_id: UUID = ACME) -> bytes:
    opened = await objects.get(tenant_id, key)
    content = b"".join([chunk async for chunk in opened.chunks])
    assert len(content) == opened.size
    return content


@pytest.mark.parametrize("size", [1, MEGABYTE, 5 * 1024 * 1024, 12 * MEGABYTE])
async def test_what_is_put_is_read_back(store, size):
    content = os.urandom(1000) * (size // 1000) + b"x" * (size % 1000)
    stored = await store.objects.put(ACME, content, limit_bytes=size)
    assert (stored.size, stored.sha256) == (size, hashlib.sha256(content).digest())
    assert await read(store.objects, stored.key) == content


async def test_a_stream_is_put_and_read_in_pieces(store):
    stored = await store.objects.put(ACME, megabytes(12), limit_bytes=LARGE)
    opened = await store.objects.get(ACME, stored.key)
    sizes = [len(chunk) async for chunk in opened.chunks]
    assert sum(sizes) == stored.size == 12 * MEGABYTE
    assert max(sizes) == CHUNK_BYTES


async def test_a_key_is_random_and_below_its_tenants_prefix(store):
    keys = {(await store.objects.put(ACME, b"same", limit_bytes=10)).key for _ in range(3)}
    assert len(keys) == 3
    assert all(re.fullmatch(f"tenants/{ACME}/[0-9a-f]{{32}}", key) for key in keys)


@pytest.mark.parametrize("limit", [100, 5 * MEGABYTE, 11 * MEGABYTE])
async def test_what_is_too_large_is_refused_and_leaves_nothing_behind(store, limit):
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += MEGABYTE
            yield b"x" * MEGABYTE

    with pytest.raises(Invalid, match="too large"):
        await store.objects.put(ACME, endless(), limit_bytes=limit)
    assert taken <= limit + MEGABYTE
    assert store.lying() == []


async def test_what_its_sender_breaks_off_leaves_nothing_behind(store):
    async def broken() -> AsyncIterator[bytes]:
        async for piece in megabytes(7):
            yield piece
        raise ConnectionResetError("gone")

    with pytest.raises(ConnectionResetError, match="gone"):
        await store.objects.put(ACME, broken(), limit_bytes=LARGE)
    assert store.lying() == []


async def test_a_put_that_is_given_up_lets_its_sender_go_and_leaves_nothing_behind(store):
    sending, let_go = asyncio.Event(), asyncio.Event()

    async def stalled() -> AsyncIterator[bytes]:
        try:
            yield b"x" * 6 * MEGABYTE
            sending.set()
            await asyncio.Event().wait()
        finally:
            let_go.set()

    putting = asyncio.create_task(store.objects.put(ACME, stalled(), limit_bytes=LARGE))
    await sending.wait()
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    await asyncio.wait_for(let_go.wait(), 5)
    assert store.lying() == []


@pytest.mark.parametrize(
    "key",
    [
        object_key(OTHER, "0" * 32),
        f"tenants/{ACME}/../{OTHER}/{'0' * 32}",
        f"tenants/{ACME}/{'0' * 31}",
        f"tenants/{ACME}/{'0' * 32}\n",
        f"tenants/{ACME}/{'0' * 32}#1",
        f"/tenants/{ACME}/{'0' * 32}",
        "",
        "../../etc/passwd",
    ],
)
async def test_a_key_that_is_not_the_tenants_is_refused_before_the_store_is_asked(store, key):
    store.take_away()
    with pytest.raises(NotFound):
        await store.objects.get(ACME, key)
    with pytest.raises(NotFound):
        await store.objects.delete(ACME, key)


async def test_another_tenants_object_is_neither_read_nor_deleted_nor_listed(store):
    theirs = await store.objects.put(OTHER, b"theirs", limit_bytes=10)
    with pytest.raises(NotFound):
        await store.objects.get(ACME, theirs.key)
    with pytest.raises(NotFound):
        await store.objects.delete(ACME, theirs.key)
    assert [each async for each in store.objects.list_all(ACME)] == []
    assert await read(store.objects, theirs.key, OTHER) == b"theirs"


async def test_an_object_that_is_deleted_while_it_is_read_ends(store):
    stored = await store.objects.put(ACME, megabytes(3), limit_bytes=LARGE)
    opened = await store.objects.get(ACME, stored.key)
    assert len(await anext(opened.chunks)) == CHUNK_BYTES
    await store.objects.delete(ACME, stored.key)
    with pytest.raises(NotFound):
        await anext(opened.chunks)


async def test_what_is_empty_is_refused(store):
    with pytest.raises(Invalid, match="empty"):
        await store.objects.put(ACME, megabytes(0), limit_bytes=LARGE)
    assert store.lying() == []


async def test_a_deleted_object_is_gone_and_deleting_it_again_is_fine(store):
    stored = await store.objects.put(ACME, b"x", limit_bytes=10)
    await store.objects.delete(ACME, stored.key)
    await store.objects.delete(ACME, stored.key)
    with pytest.raises(NotFound):
        await store.objects.get(ACME, stored.key)
    assert store.lying() == []


async def test_all_objects_of_a_tenant_are_listed(store):
    put = {(await store.objects.put(ACME, b"x" * size, limit_bytes=100)).key: size for size in range(1, 61)}
    listed = [each async for each in store.objects.list_all(ACME)]
    assert {each.key: each.size for each in listed} == put
    assert all(each.stored_at.tzinfo is not None for each in listed)


async def test_a_store_that_is_away_is_told_in_one_line(store):
    stored = await store.objects.put(ACME, b"x", limit_bytes=10)
    store.take_away()
    for attempt in (
        store.objects.put(ACME, b"x", limit_bytes=10),
        store.objects.get(ACME, stored.key),
        store.objects.delete(ACME, stored.key),
        anext(store.objects.list_all(ACME)),
    ):
        with pytest.raises(Unavailable, match="check OBJECT_STORE_URL") as caught:
            await attempt
        assert "\n" not in str(caught.value)


async def test_a_store_that_goes_away_in_the_middle_of_an_object_is_told(tmp_path, monkeypatch):
    async with s3_server() as s3:
        for name, value in s3.environment().items():
            monkeypatch.setenv(name, value)
        objects = Objects.open("s3://bucket")
        stored = await objects.put(ACME, megabytes(2), limit_bytes=LARGE)
        opened = await objects.get(ACME, stored.key)
        await anext(opened.chunks)
        s3.cuts = True
        with pytest.raises(Unavailable):
            await anext(opened.chunks)
        objects.close()


async def test_a_large_upload_that_fails_takes_its_parts_back(monkeypatch):
    class Unreadable(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() > 10 * MEGABYTE:
                raise OSError("the disk is broken")
            return super().read(size)

    async with s3_server() as s3:
        for name, value in s3.environment().items():
            monkeypatch.setenv(name, value)
        objects = Objects.open("s3://bucket")
        with pytest.raises(Unavailable):
            await objects.put_received(ACME, Received(Unreadable(b"x" * LARGE), LARGE, b""))
        assert "POST uploads" in s3.calls
        assert (s3.objects, s3.uploads) == ({}, {})
        objects.close()


async def test_a_small_file_is_one_request(monkeypatch):
    async with s3_server() as s3:
        for name, value in s3.environment().items():
            monkeypatch.setenv(name, value)
        objects = Objects.open("s3://bucket")
        await objects.put(ACME, megabytes(2), limit_bytes=LARGE)
        assert s3.calls == ["PUT"]
        objects.close()


async def test_the_folder_is_closed_to_others(in_folder):
    assert stat.S_IMODE(in_folder.folder.stat().st_mode) == 0o700


async def test_an_object_appears_whole_and_a_killed_puts_draft_is_dropped_when_it_is_old(in_folder):
    reading, go_on = threading.Event(), threading.Event()

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() > 10 * MEGABYTE:
                reading.set()
                go_on.wait(30)
            return super().read(size)

    slow = Received(Slow(b"x" * LARGE), LARGE, b"")
    putting = asyncio.create_task(in_folder.objects.put_received(ACME, slow))
    assert await asyncio.to_thread(reading.wait, 30)
    # This is what a kill would leave.
    [draft] = in_folder.lying()
    assert re.fullmatch(r".*/[0-9a-f]{32}#\d+", draft)
    assert [each async for each in in_folder.objects.list_all(ACME)] == []
    left = in_folder.folder / object_key(ACME, "0" * 32 + "#1")
    left.write_bytes((in_folder.folder / draft).read_bytes()[:100])
    now = datetime.now(UTC)
    assert await in_folder.objects.drop_drafts(ACME, now - timedelta(hours=1)) == 0
    os.utime(left, (now.timestamp() - 7200,) * 2)
    assert await in_folder.objects.drop_drafts(ACME, now - timedelta(hours=1)) == 1
    go_on.set()
    stored = await putting
    assert in_folder.lying() == [stored.key]
    assert await in_folder.objects.drop_drafts(OTHER, now) == 0


async def test_a_folder_is_named_by_its_url(tmp_path):
    objects = Objects.open(f"file://{tmp_path}/a%20folder/of%20files")
    stored = await objects.put(ACME, b"x", limit_bytes=10)
    assert (tmp_path / "a folder" / "of files" / stored.key).read_bytes() == b"x"
    objects.close()


@pytest.mark.parametrize("url", ["file://var/objects", "file:///dev/null/objects", "az://container", "s3://"])
def test_an_address_that_cannot_be_used_is_refused_in_one_line(url, monkeypatch):
    for name in [name for name in os.environ if name.startswith("AZURE_")]:
        monkeypatch.delenv(name)
    with pytest.raises(Invalid) as caught:
        Objects.open(url)
    assert "\n" not in str(caught.value)


async def test_where_there_is_no_place_for_files_it_says_what_to_set():
    objects = Objects.open(None)
    for attempt in (
        objects.put(ACME, b"x", limit_bytes=10),
        objects.get(ACME, object_key(ACME, "0" * 32)),
        anext(objects.list_all(ACME)),
    ):
        with pytest.raises(Unavailable, match="set OBJECT_STORE_URL"):
            await attempt
    objects.close()
