"""Documents as the runtime role keeps them, and the counts that BM25 takes its weights from."""

from __future__ import annotations

import asyncio
import hashlib
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.documents import Documents
from storage.errors import Conflict, Invalid, NotFound
from storage.knowledge import NewChunk, NewDocument

MODEL = "all-MiniLM-L6-v2-int8"
VECTOR = [0.0] * 383 + [1.0]

KEPT = """
    select (select coalesce(jsonb_object_agg(lexeme, chunks), '{}') from lexeme_counts where tenant_id = $1) as lexemes,
           (select coalesce(sum(chunks), 0)::int from chunk_counts where tenant_id = $1) as chunks
"""
COUNTED = """
    select coalesce(jsonb_object_agg(lexeme, chunks), '{}') as lexemes,
           (select count(*)::int from document_chunks where tenant_id = $1) as chunks
    from (select t.lexeme, count(*) as chunks from document_chunks c, unnest(c.tsv) t
          where c.tenant_id = $1 group by 1) counted
"""


def document(
    source_id: str = "a.md", text: str = "refunds", *, source: str = "kb", **metadata
) -> NewDocument:
    digest = hashlib.sha256(text.encode()).digest()
    return NewDocument(source, source_id, "Title", text, digest, "en", metadata)


def chunks(*texts: str) -> list[NewChunk]:
    return [NewChunk(n, "Guide › Install", text, text, VECTOR) for n, text in enumerate(texts)]


@pytest.fixture
def documents(room, clock):
    return Documents(room.database, clock)


async def counts(owner, tenant):
    """What is kept and what is there, as one recounts it."""
    return tuple(await owner.fetchrow(KEPT, tenant)), tuple(await owner.fetchrow(COUNTED, tenant))


async def rows_left(owner, tenant):
    return await owner.fetchrow(
        """
        select (select count(*) from documents where tenant_id = $1) as documents,
               (select count(*) from document_chunks where tenant_id = $1) as chunks,
               (select count(*) from document_embeddings where tenant_id = $1) as embeddings
        """,
        tenant,
    )


async def test_a_document_is_created_then_left_alone_then_changed(documents, owner, acme):
    assert await documents.put(acme, document(), chunks("refunds", "take days"), MODEL) == "created"
    first = await documents.show(acme, "a.md")
    assert await documents.put(acme, document(), chunks("not looked at"), MODEL) == "unchanged"
    assert tuple(await rows_left(owner, acme)) == (1, 2, 2)
    assert await documents.put(acme, document(text="returns"), chunks("returns"), MODEL) == "changed"
    assert tuple(await rows_left(owner, acme)) == (1, 1, 1)
    shown = await documents.show(acme, first.listed.id)
    assert (shown.content, shown.listed.id, shown.listed.chunks) == ("returns", first.listed.id, 1)
    assert await documents.hashes(acme, "kb") == {"a.md": hashlib.sha256(b"returns").digest()}


async def test_a_chunk_is_kept_as_it_was_made(documents, owner, acme):
    made = NewChunk(3, "Anleitung", "退款需要", "Titel 退款 款需 需要", [0.6, 0.8] + [0.0] * 382)
    german = NewDocument("kb", "a.md", "Titel", "退款需要", b"x" * 32, "de", {"url": "https://example.com/a"})
    await documents.put(acme, german, [made], MODEL)
    row = await owner.fetchrow(
        """
        select position, heading, content, search_text, language, (embedding::real[])[1:2] as embedding
        from document_chunks c join document_embeddings e on (e.tenant_id, e.chunk_id) = (c.tenant_id, c.id)
        """
    )
    assert tuple(row)[:5] == (3, "Anleitung", "退款需要", "Titel 退款 款需 需要", "de")
    assert row["embedding"] == pytest.approx([0.6, 0.8], abs=1e-3)


async def test_only_where_it_lies_is_written_of_an_unchanged_document(documents, acme):
    await documents.put(acme, document(root="/a"), chunks("refunds"), MODEL)
    assert await documents.put(acme, document(root="/b"), [], MODEL) == "unchanged"
    [listed] = await documents.list_all(acme)
    assert (listed.metadata, listed.chunks) == ({"root": "/b"}, 1)


async def test_a_document_of_another_file_is_never_overwritten(documents, acme):
    await documents.put(acme, document(path="/a/x.md", root="/a"), chunks("ours"), MODEL)
    with pytest.raises(Conflict, match=r"/a/x\.md"):
        await documents.put(acme, document(text="other", path="/b/x.md", root="/b"), chunks("other"), MODEL)
    assert (await documents.show(acme, "a.md")).content == "refunds"


async def test_a_moved_folder_takes_its_documents_along(documents, acme):
    await documents.put(acme, document("x.md", path="/a/x.md", root="/a"), chunks("x"), MODEL)
    await documents.put(acme, document("y.md", path="/other/y.md", root="/other"), chunks("y"), MODEL)
    await documents.adopt(acme, "kb", "/a", "/new/a")
    places = {place.source_id: (place.root, place.path) for place in await documents.places(acme, "kb")}
    assert places == {"x.md": ("/new/a", "/new/a/x.md"), "y.md": ("/other", "/other/y.md")}


async def test_a_deleted_document_leaves_nothing_behind(documents, owner, acme):
    await documents.put(acme, document("a.md"), chunks("refunds take days"), MODEL)
    await documents.put(acme, document("b.md"), chunks("refunds"), MODEL)
    ids = [each.id for each in await documents.list_all(acme)]
    assert await documents.delete(acme, [*ids, uuid4()]) == 2
    assert tuple(await rows_left(owner, acme)) == (0, 0, 0)
    assert await counts(owner, acme) == (("{}", 0), ("{}", 0))
    assert await documents.delete(acme, ids) == 0


async def test_a_document_is_found_by_its_name_and_its_id(documents, acme):
    await documents.put(acme, document("a.md"), chunks("a"), MODEL)
    await documents.put(acme, document("a.md", source="faq"), chunks("b"), MODEL)
    with pytest.raises(Conflict, match=r"faq, kb.*--source"):
        await documents.show(acme, "a.md")
    shown = await documents.show(acme, "a.md", "faq")
    assert (await documents.show(acme, str(shown.listed.id))).listed == shown.listed
    with pytest.raises(NotFound, match="documents list"):
        await documents.show(acme, "b.md")
    assert [each.source for each in await documents.list_all(acme)] == ["faq", "kb"]
    assert [each.source for each in await documents.list_all(acme, "faq")] == ["faq"]


async def test_a_model_that_the_database_does_not_know_changes_nothing(documents, owner, acme):
    await documents.put(acme, document(), chunks("refunds"), MODEL)
    with pytest.raises(Invalid, match="add_embedding_model"):
        await documents.put(acme, document(text="other"), chunks("other"), "nobody's")
    short = [NewChunk(0, "", "other", "other", [1.0])]
    with pytest.raises(Invalid, match="1 dimensions"):
        await documents.put(acme, document(text="other"), short, MODEL)
    assert (await documents.show(acme, "a.md")).content == "refunds"
    kept, counted = await counts(owner, acme)
    assert kept == counted


async def test_tenants_share_names_and_nothing_else(documents, room, owner):
    one = (await room.tenants.create("one")).id
    two = (await room.tenants.create("two")).id
    await documents.put(one, document(), chunks("refunds"), MODEL)
    await documents.put(two, document(text="returns"), chunks("returns", "refunds"), MODEL)
    [theirs] = await documents.list_all(one)
    assert await documents.delete(two, [theirs.id]) == 0
    with pytest.raises(NotFound):
        await documents.show(two, theirs.id)
    for tenant, expected in ((one, 1), (two, 2)):
        kept, counted = await counts(owner, tenant)
        assert kept == counted
        assert kept[1] == expected


async def test_many_puts_at_once_neither_deadlock_nor_miscount(documents, owner, acme):
    words = ["refund", "return", "parcel", "money", "days", "shop", "order", "invoice"]

    async def worker(number: int) -> None:
        for step in range(6):
            text = " ".join(words[(number + step) % 8 :] + words[: (number * step) % 8])
            await documents.put(acme, document(f"{step % 3}.md", text), chunks(text, words[step]), MODEL)
            if step == 4:
                await documents.delete(acme, [each.id for each in await documents.list_all(acme)][::-1])

    async with asyncio.TaskGroup() as group:
        for number in range(8):
            group.create_task(worker(number))
    kept, counted = await counts(owner, acme)
    assert kept == counted
    assert kept[1] > 0


async def test_the_same_new_document_twice_at_once_is_created_once(documents, owner, acme):
    made = await asyncio.gather(
        *(documents.put(acme, document(), chunks("refunds"), MODEL) for _ in range(8))
    )
    assert sorted(made) == ["created"] + ["unchanged"] * 7
    assert tuple(await rows_left(owner, acme)) == (1, 1, 1)


async def test_counts_stay_right_whoever_changes_chunks(documents, owner, acme):
    await documents.put(acme, document("a.md"), chunks("refunds take days", "refunds"), MODEL)
    await owner.execute(
        "update document_chunks set content = 'parcel', search_text = null where position = 1"
    )
    kept, counted = await counts(owner, acme)
    assert kept == counted
    assert '"parcel": 1' in kept[0]
    await owner.execute("delete from documents")
    assert await counts(owner, acme) == (("{}", 0), ("{}", 0))


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["a.md", "b.md", "c.md"]),
        st.none() | st.lists(st.text("abcxy äß退款 ", max_size=12), max_size=3),
    ),
    max_size=8,
)


@given(steps=STEPS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_counts_are_right_after_any_sequence(documents, room, owner, steps):
    tenant = (await room.tenants.create(uuid4().hex)).id
    for source_id, texts in steps:
        if texts is None:
            gone = [each.id for each in await documents.list_all(tenant) if each.source_id == source_id]
            await documents.delete(tenant, gone)
        else:
            await documents.put(tenant, document(source_id, repr(texts)), chunks(*texts), MODEL)
        kept, counted = await counts(owner, tenant)
        assert kept == counted
