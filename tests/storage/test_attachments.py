"""Files as rows and objects, on Postgres and in a folder."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from samples import SAMPLES, gif
from turn_stores import Bench
from turn_stores import bench as open_bench

from storage.attachments import Attachment, Attachments, AttachmentStatus
from storage.errors import Invalid, NotFound, Unavailable
from storage.files import Files
from storage.ids import uuid7
from storage.objects import Objects, StoredObject, object_key

LIMIT = 1_000_000
LATER = datetime(2100, 1, 1, tzinfo=UTC)
PDF = SAMPLES["application/pdf"]


@dataclass
class Room:
    """Files of one tenant, with two people who have each said something."""

    bench: Bench
    files: Files
    attachments: Attachments
    objects: Objects
    folder: Path
    tenant_id: UUID
    ada: UUID
    ada_said: UUID
    eve: UUID
    eve_said: UUID

    async def keep(self, content: bytes = PDF, user_id: UUID | None = None, **more: Any) -> Attachment:
        wanted = {"name": "a.pdf", "declared_type": "application/pdf", "limit_bytes": LIMIT} | more
        return await self.files.keep(self.tenant_id, user_id or self.ada, content, **wanted)

    async def read(self, attachment_id: UUID) -> bytes:
        opened = await self.files.open(self.tenant_id, attachment_id)
        return b"".join([chunk async for chunk in opened.chunks])

    def lying(self) -> set[str]:
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()}

    async def rows(self) -> int:
        return int(await self.bench.owner.fetchval("select count(*) from attachments"))


@pytest.fixture
async def room(database, clock, tmp_path) -> AsyncIterator[Room]:
    async with open_bench("durable", database, clock) as bench:
        objects = Objects.open(tmp_path / "objects")
        attachments = Attachments(bench.database, clock)
        said = [(await bench.accept("here", user=user)).message for user in ("ada", "eve")]
        yield Room(
            bench,
            Files(objects, attachments),
            attachments,
            objects,
            tmp_path / "objects",
            bench.channel.tenant_id,
            said[0].user_id,
            said[0].id,
            said[1].user_id,
            said[1].id,
        )
        objects.close()


async def test_a_file_that_was_kept_is_found_as_it_came(room):
    kept = await room.keep(name="../Übersicht.pdf", declared_type="Application/PDF; x=1")
    assert kept == Attachment(
        kept.id,
        room.ada,
        None,
        "Übersicht.pdf",
        kept.key,
        "application/pdf",
        len(PDF),
        hashlib.sha256(PDF).digest(),
        AttachmentStatus.READY,
        room.bench.clock(),
    )
    assert await room.attachments.load(room.tenant_id, kept.id) == kept
    assert await room.read(kept.id) == PDF
    assert room.lying() == {kept.key}


async def test_a_file_may_come_in_pieces_and_for_a_message(room):
    async def pieces() -> AsyncIterator[bytes]:
        for place in range(0, len(PDF), 7):
            yield PDF[place : place + 7]

    kept = await room.keep(pieces(), message_id=room.ada_said)
    assert kept.message_id == room.ada_said
    assert await room.read(kept.id) == PDF


@pytest.mark.parametrize(
    ("content", "declared", "said"),
    [
        (b"", "application/pdf", "empty"),
        (b"MZ\x90\x00\x03", "application/pdf", "not what it says"),
        (SAMPLES["image/png"], "image/jpeg", "not what it says"),
        (b"<html><script>", "image/png", "not what it says"),
        (b"<html>", "text/html", "not taken"),
        (PDF + b" " * LIMIT, "application/pdf", "1 MB at most"),
    ],
)
async def test_a_file_that_is_refused_leaves_neither_object_nor_row(room, content, declared, said):
    with pytest.raises(Invalid, match=said):
        await room.keep(content, declared_type=declared)
    assert room.lying() == set()
    assert await room.rows() == 0


async def test_a_file_that_hides_something_is_kept_and_opened_by_nobody(room):
    kept = await room.keep(gif() + b"<script>", declared_type="image/gif")
    assert kept.status is AttachmentStatus.QUARANTINED
    with pytest.raises(NotFound):
        await room.files.open(room.tenant_id, kept.id)


async def test_a_pending_file_is_opened_once_it_was_looked_at(room):
    stored = await room.objects.put(room.tenant_id, PDF, limit_bytes=LIMIT)
    pending = await room.attachments.create(
        room.tenant_id, room.ada, stored, file_name="a.pdf", file_type="application/pdf"
    )
    with pytest.raises(NotFound):
        await room.files.open(room.tenant_id, pending.id)
    await room.attachments.settle(room.tenant_id, pending.id, AttachmentStatus.READY)
    assert await room.read(pending.id) == PDF
    with pytest.raises(NotFound):
        await room.attachments.settle(room.tenant_id, pending.id, AttachmentStatus.QUARANTINED)


async def test_an_erased_user_gets_no_file(room):
    await room.bench.owner.execute("update users set deleted_at = now() where id = $1", room.ada)
    with pytest.raises(NotFound):
        await room.keep()
    assert await room.rows() == 0


async def test_two_rows_never_share_an_object(room):
    kept = await room.keep()
    again = StoredObject(kept.key, kept.size_bytes, kept.sha256)
    with pytest.raises(Exception, match="attachments_tenant_id_file_url_key"):
        await room.attachments.create(room.tenant_id, room.eve, again, file_name="b", file_type="text/plain")


async def test_a_message_claims_its_files_and_again_without_effect(room):
    kept = [await room.keep(name=f"{number}.pdf") for number in range(3)]
    ids = [each.id for each in kept]
    for _ in range(2):
        await room.attachments.claim(room.tenant_id, room.ada, room.ada_said, ids)
    listed = await room.attachments.of_message(room.tenant_id, room.ada_said)
    assert [each.file_name for each in listed] == ["0.pdf", "1.pdf", "2.pdf"]
    assert await room.attachments.of_message(room.tenant_id, room.eve_said) == []


async def test_a_message_claims_all_of_its_files_or_none(room):
    mine, other = await room.keep(), await room.keep(user_id=room.eve)
    attempts = [
        (room.ada, room.ada_said, [mine.id, other.id]),
        (room.ada, room.ada_said, [mine.id, uuid7()]),
        # Somebody else's message, a message that is not there.
        (room.ada, room.eve_said, [mine.id]),
        (room.ada, uuid7(), [mine.id]),
    ]
    for user_id, message_id, ids in attempts:
        with pytest.raises(NotFound):
            await room.attachments.claim(room.tenant_id, user_id, message_id, ids)
        assert (await room.attachments.load(room.tenant_id, mine.id)).message_id is None


async def test_of_two_messages_that_claim_a_file_at_once_one_gets_it(room):
    second = (await room.bench.accept("and here", user="ada")).message.id
    for _ in range(10):
        kept = await room.keep()
        outcomes = await asyncio.gather(
            *(
                room.attachments.claim(room.tenant_id, room.ada, message_id, [kept.id])
                for message_id in (room.ada_said, second)
            ),
            return_exceptions=True,
        )
        assert sorted(type(each) for each in outcomes if each) == [NotFound]


async def test_another_tenant_finds_nothing(room):
    kept = await room.keep()
    other = uuid7()
    for attempt in (
        room.attachments.load(other, kept.id),
        room.files.open(other, kept.id),
        room.files.delete(other, kept.id),
        room.attachments.claim(other, room.ada, room.ada_said, [kept.id]),
        room.attachments.settle(other, kept.id, AttachmentStatus.READY),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert await room.files.sweep(other, LATER) == 0
    assert await room.read(kept.id) == PDF


async def test_a_deleted_file_is_gone_with_its_object(room):
    kept = await room.keep()
    await room.files.delete(room.tenant_id, kept.id)
    assert room.lying() == set()
    with pytest.raises(NotFound):
        await room.files.delete(room.tenant_id, kept.id)


async def test_a_file_whose_bytes_were_lost_or_altered_is_not_found(room):
    lost, altered = await room.keep(), await room.keep()
    (room.folder / lost.key).unlink()
    (room.folder / altered.key).write_bytes(b"%PDF-")
    for each in (lost, altered):
        with pytest.raises(NotFound):
            await room.files.open(room.tenant_id, each.id)


async def test_what_a_crash_between_object_and_row_left_is_found_and_swept(room):
    kept = await room.keep(message_id=room.ada_said)
    orphan = await room.objects.put(room.tenant_id, PDF, limit_bytes=LIMIT)
    found = [key async for key in room.files.orphans(room.tenant_id, LATER)]
    assert found == [orphan.key]
    # One that has just come may get its row yet.
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    assert [key async for key in room.files.orphans(room.tenant_id, hour_ago)] == []
    assert await room.files.sweep(room.tenant_id, LATER) == 1
    assert room.lying() == {kept.key}


async def test_what_went_with_its_message_leaves_an_orphan_that_is_swept(room):
    await room.keep(message_id=room.ada_said)
    await room.bench.owner.execute("delete from inbox")
    await room.bench.owner.execute("delete from messages where id = $1", room.ada_said)
    assert await room.files.sweep(room.tenant_id, LATER) == 1
    assert room.lying() == set()


async def test_a_sweep_takes_what_no_message_claimed_in_time(room):
    room.bench.clock.advance(-timedelta(hours=2))
    old, claimed = await room.keep(), await room.keep(message_id=room.ada_said)
    room.bench.clock.advance(timedelta(hours=2))
    young = await room.keep()
    hour_ago = room.bench.clock() - timedelta(hours=1)
    assert await room.files.sweep(room.tenant_id, hour_ago) == 1
    assert room.lying() == {claimed.key, young.key}
    assert old.key not in room.lying()


async def test_a_sweep_in_which_the_store_goes_away_is_finished_by_the_next(room):
    await room.keep()
    room.folder.rename(room.folder.with_name("away"))
    room.folder.write_text("no folder")
    with pytest.raises(Unavailable):
        await room.files.sweep(room.tenant_id, LATER)
    room.folder.unlink()
    room.folder.with_name("away").rename(room.folder)
    assert await room.files.sweep(room.tenant_id, LATER) == 1
    assert room.lying() == set()


async def test_orphans_are_looked_up_in_lots(room):
    keys = {object_key(room.tenant_id, f"{number:032x}") for number in range(1203)}
    for key in keys:
        path = room.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    kept = await room.keep()
    assert {key async for key in room.files.orphans(room.tenant_id, LATER)} == keys - {kept.key}
