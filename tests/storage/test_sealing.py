from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.errors import KeyMissing, SealBroken
from storage.sealing import DataKey, Sealer, key_of

TENANT, ROW = uuid4(), uuid4()


def sealer(tenant_id: UUID = TENANT, *secrets: bytes) -> Sealer:
    keys = [DataKey.of(UUID(bytes=secret[:16]), secret) for secret in secrets or (b"k" * 32,)]
    return Sealer(tenant_id, "somebody", keys)


@given(st.binary(max_size=200))
def test_what_is_sealed_opens_in_its_place(plain):
    sealed = sealer().seal("messages", "content", ROW, plain)
    assert sealer().open("messages", "content", ROW, sealed) == plain


def test_the_plain_text_is_not_in_it_and_no_two_are_alike():
    sealed = {sealer().seal("messages", "content", ROW, b"my secret") for _ in range(100)}
    assert len(sealed) == 100
    assert not any(b"secret" in each for each in sealed)


@pytest.mark.parametrize(
    ("tenant", "table", "column", "row"),
    [
        (uuid4(), "messages", "content", ROW),
        (TENANT, "outbox", "content", ROW),
        (TENANT, "messages", "raw_payload", ROW),
        (TENANT, "messages", "content", uuid4()),
        (TENANT, "messagesc", "ontent", ROW),
    ],
    ids=["tenant", "table", "column", "row", "names that run together"],
)
def test_a_moved_ciphertext_does_not_open(tenant, table, column, row):
    sealed = sealer().seal("messages", "content", ROW, b"plain")
    with pytest.raises(SealBroken):
        sealer(tenant).open(table, column, row, sealed)


def test_no_byte_can_be_altered():
    sealed = sealer().seal("messages", "content", ROW, b"plain")
    for place in range(len(sealed)):
        altered = bytearray(sealed)
        altered[place] ^= 1
        with pytest.raises((SealBroken, KeyMissing)):
            sealer().open("messages", "content", ROW, bytes(altered))


def test_no_part_opens():
    sealed = sealer().seal("messages", "content", ROW, b"plain")
    for length in range(len(sealed)):
        with pytest.raises(SealBroken):
            sealer().open("messages", "content", ROW, sealed[:length])


def test_the_current_key_writes_and_older_ones_read():
    old, new = b"o" * 32, b"n" * 32
    sealed = sealer(TENANT, old).seal("messages", "content", ROW, b"plain")
    both = sealer(TENANT, new, old)
    assert both.open("messages", "content", ROW, sealed) == b"plain"
    assert key_of(both.seal("messages", "content", ROW, b"plain")) == UUID(bytes=new[:16])


def test_without_its_key_it_says_which_is_missing():
    sealed = sealer(TENANT, b"o" * 32).seal("messages", "content", ROW, b"plain")
    with pytest.raises(KeyMissing, match=str(key_of(sealed))):
        sealer(TENANT, b"n" * 32).open("messages", "content", ROW, sealed)


def test_keys_are_not_in_a_repr():
    assert "kkkk" not in repr(DataKey.of(uuid4(), b"k" * 32))


def test_a_key_of_another_size_is_refused():
    with pytest.raises(ValueError, match="32 bytes"):
        DataKey.of(uuid4(), b"k" * 16)
