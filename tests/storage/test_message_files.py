"""Files that come with a message: claimed as it is accepted, read with its turn, hidden by its commit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from samples import SAMPLES, gif
from turn_stores import MODES, Bench, outcome
from turn_stores import bench as open_bench

from storage.attachments import Attachment, Attachments
from storage.errors import NotFound
from storage.files import Files
from storage.ids import uuid7
from storage.messages import Messages
from storage.objects import Objects
from storage.outcomes import NewState
from storage.records import Accepted, Duplicate, UploadedFile
from storage.sessions import Sessions
from storage.states import States

PDF = SAMPLES["application/pdf"]


@dataclass
class Post:
    """A bench, with the files of two people who have opened a session."""

    bench: Bench
    files: Files
    ada: UUID
    eve: UUID

    async def keep(self, name: str = "a.pdf", content: bytes = PDF, **more: Any) -> Attachment:
        wanted = {"declared_type": "application/pdf", "limit_bytes": 1_000_000, "user_id": self.ada} | more
        return await self.files.keep(self.bench.channel.tenant_id, content=content, name=name, **wanted)

    async def rows(self, table: str) -> int:
        return int(await self.bench.eyes.fetchval(f"select count(*) from {table}"))

    async def message_of(self, file: Attachment) -> UUID | None:
        attachments = Attachments(self.bench.database, self.bench.clock)
        return (await attachments.load(self.bench.channel.tenant_id, file.id)).message_id

    @property
    def messages(self) -> Messages:
        return Messages(self.bench.database, self.bench.vault, self.bench.clock)


def shown(*files: Attachment) -> tuple[UploadedFile, ...]:
    return tuple(UploadedFile(each.id, each.file_name, each.file_type, each.size_bytes) for each in files)


@pytest.fixture(params=MODES)
async def post(request, database, clock, tmp_path: Path) -> AsyncIterator[Post]:
    async with open_bench(request.param, database, clock) as bench:
        objects = Objects.open(tmp_path / "objects")
        sessions = Sessions(bench.database, clock)
        users = [
            (await sessions.open(bench.channel, bench.inbound(user=user).user))[0] for user in ("ada", "eve")
        ]
        yield Post(bench, Files(objects, Attachments(bench.database, clock)), *users)
        objects.close()


async def test_a_message_is_accepted_with_its_files_in_the_order_in_which_it_names_them(post):
    first, second = await post.keep("1.pdf"), await post.keep("2.pdf")
    accepted = await post.bench.accept("", attachments=(second.id, first.id))
    assert accepted.message.attachments == shown(second, first)
    assert accepted.turn is not None
    assert accepted.turn.entry.attachments == shown(second, first)
    assert await post.message_of(first) == await post.message_of(second) == accepted.message.id


async def test_a_turn_that_is_claimed_later_or_again_has_the_files(post):
    file = await post.keep()
    running = await post.bench.claimed("first")
    await post.bench.accept("", attachments=(file.id,), claim=False)
    following = await post.bench.store.following(running)
    assert following is not None
    assert following.attachments == shown(file)
    committed = await post.bench.commit(running, "ok")
    assert committed.next is not None
    assert committed.next.entry.attachments == shown(file)
    await post.bench.store.retry(committed.next, after=post.bench.clock() - post.bench.clock(), error="x")
    again = await post.bench.store.load(post.bench.channel.tenant_id, running.session.id)
    assert again is not None
    assert (again.entry.attempt, again.entry.attachments) == (2, shown(file))


async def test_history_the_stream_and_a_recorded_session_show_the_files(post):
    bench, file = post.bench, await post.keep()
    turn = await bench.claimed("here", attachments=(file.id,))
    await bench.commit(turn, "thanks")
    place = (bench.channel.tenant_id, bench.channel.id, post.ada)
    history = await post.messages.history(*place, before=None, limit=9)
    since = await post.messages.since(*place, session_id=turn.session.id, change=0, limit=9)
    said = await States(bench.database, bench.vault).said(bench.channel.tenant_id, turn.session.id)
    for listed in (history, since, said):
        assert [message.attachments for message in listed] == [shown(file), ()]
    state = await post.messages.reply(*place, turn.entry.message_id)
    assert state.message.attachments == shown(file)


async def test_a_file_that_is_not_free_refuses_the_message_and_stores_nothing_of_it(post):
    bench, free, taken = post.bench, await post.keep(), await post.keep()
    await bench.accept("", attachments=(taken.id,))
    eves = await post.keep(user_id=post.eve)
    quarantined = await post.keep("a.gif", gif() + b"<script>", declared_type="image/gif")
    before = [await post.rows(table) for table in ("messages", "inbox", "inbound_keys")]
    for other in (taken.id, eves.id, quarantined.id, uuid7()):
        with pytest.raises(NotFound):
            await bench.store.accept(bench.inbound("x", "k", attachments=(free.id, other)), claim=True)
        assert await post.message_of(free) is None
    assert [await post.rows(table) for table in ("messages", "inbox", "inbound_keys")] == before
    # Nothing of the refused ones stands in the way of the same message with a file that is free.
    accepted = await bench.accept("x", "k", attachments=(free.id,))
    assert accepted.message.attachments == shown(free)


async def test_a_refused_message_of_somebody_new_leaves_nobody_behind(post):
    users = await post.rows("users")
    with pytest.raises(NotFound):
        await post.bench.accept("x", user="mallory", attachments=((await post.keep()).id,))
    assert await post.rows("users") == users


async def test_a_repeat_is_a_repeat_whatever_files_it_names(post):
    file, other = await post.keep(), await post.keep()
    first = await post.bench.accept("x", "k", attachments=(file.id,))
    for again in ((file.id,), (other.id,), (uuid7(),), ()):
        repeat = await post.bench.store.accept(post.bench.inbound("x", "k", attachments=again), claim=True)
        assert isinstance(repeat, Duplicate)
        assert repeat.message_id == first.message.id
    assert await post.message_of(other) is None


async def test_of_messages_that_name_a_file_at_once_one_gets_it(post):
    for round_number in range(10):
        files = [await post.keep() for _ in range(2)]
        ids = tuple(file.id for file in files)
        # In different threads, so in different sessions: no lock of one session keeps them apart.
        answers = await asyncio.gather(
            *(
                post.bench.store.accept(
                    post.bench.inbound(
                        "x", attachments=ids[::direction], thread_key=f"{round_number}-{thread}"
                    ),
                    claim=True,
                )
                for thread, direction in enumerate((1, -1, 1, -1))
            ),
            return_exceptions=True,
        )
        assert sorted(type(each).__name__ for each in answers) == ["Accepted", *["NotFound"] * 3]
        [winner] = [each for each in answers if isinstance(each, Accepted)]
        assert {await post.message_of(file) for file in files} == {winner.message.id}


async def test_a_message_and_the_sweep_do_not_both_get_a_file(post):
    for _ in range(10):
        file = await post.keep()
        swept, accepted = await asyncio.gather(
            post.files.sweep_unclaimed(post.bench.channel.tenant_id, post.bench.clock().replace(year=2100)),
            post.bench.store.accept(post.bench.inbound("x", attachments=(file.id,)), claim=True),
            return_exceptions=True,
        )
        assert (swept, type(accepted)) in ((1, NotFound), (0, Accepted))


async def test_a_sensitive_ask_takes_the_names_and_the_links_and_leaves_the_bytes_to_the_flow(post):
    bench, file = post.bench, await post.keep("my passport.pdf")
    opening = await bench.claimed("go")
    await bench.commit(opening, "Your passport?", flow="id", data={"secret": 1}, sensitive=True)
    turn = await bench.claimed("here", attachments=(file.id,))
    assert turn.entry.attachments == shown(file)
    state = NewState({"photo": file.file_name}, "id", "1", None, sensitive=True)
    await bench.store.commit(turn, outcome("ok", state=state, redact_input=True), claim_next=False)
    history = await post.messages.history(
        bench.channel.tenant_id, bench.channel.id, post.ada, before=None, limit=9
    )
    assert [(each.content, each.attachments) for each in history][2] == ("[sensitive]", ())
    row = await bench.owner.fetchrow("select * from attachments where id = $1", file.id)
    assert (row["sensitive"], row["file_name"]) == (True, None)
    with pytest.raises(NotFound):
        await post.files.open(bench.channel.tenant_id, file.id)
    assert await post.files.read(bench.channel.tenant_id, file.id) == PDF


async def test_a_turn_that_failed_at_a_sensitive_ask_hides_the_files_too(post):
    file = await post.keep("my passport.pdf")
    turn = await post.bench.claimed("", attachments=(file.id,))
    failed = outcome("sorry", redact_input=True, error="ValueError in flow 'id'")
    await post.bench.store.bury(turn, failed, claim_next=False)
    assert await post.bench.owner.fetchval("select file_name from attachments where id = $1", file.id) is None


async def test_another_tenant_can_neither_name_nor_read_a_file(post):
    file = await post.keep()
    other = uuid7()
    with pytest.raises(NotFound):
        await post.files.read(other, file.id)
    assert await post.files.waiting(other, post.ada) == 0
    assert await post.files.waiting(post.bench.channel.tenant_id, post.ada) == 1
    await post.bench.accept("", attachments=(file.id,))
    assert await post.files.waiting(post.bench.channel.tenant_id, post.ada) == 0
