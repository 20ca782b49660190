from __future__ import annotations

import base64
import os
import stat
from uuid import uuid4

import pytest

from storage.errors import SecretMissing
from storage.secret_key import FILE_NAME, Secrets, create_once, load_or_create_secret


def test_a_key_is_made_once_and_only_its_owner_may_read_it(tmp_path):
    folder = tmp_path / "var"
    first = load_or_create_secret(folder, database_has_keys=False)
    assert len(first) == 32
    assert load_or_create_secret(folder, database_has_keys=True) == first
    assert stat.S_IMODE((folder / FILE_NAME).stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == [FILE_NAME]


def test_a_lost_key_is_not_made_anew_when_the_database_was_sealed_with_it(tmp_path):
    with pytest.raises(SecretMissing, match="put the file back"):
        load_or_create_secret(tmp_path, database_has_keys=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 44, base64.b64encode(b"x" * 31)])
@pytest.mark.parametrize("has_keys", [True, False])
def test_a_damaged_file_is_refused_and_left_as_it_is(tmp_path, content, has_keys):
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(SecretMissing, match="no key of 32 bytes"):
        load_or_create_secret(tmp_path, database_has_keys=has_keys)
    assert (tmp_path / FILE_NAME).read_bytes() == content


def test_a_file_that_others_may_read_is_closed_to_them(tmp_path):
    load_or_create_secret(tmp_path, database_has_keys=False)
    (tmp_path / FILE_NAME).chmod(0o644)
    load_or_create_secret(tmp_path, database_has_keys=True)
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600


def test_a_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / "var").write_text("")
    with pytest.raises(SecretMissing, match="cannot be read or written"):
        load_or_create_secret(tmp_path / "var", database_has_keys=False)


def test_who_comes_second_keeps_the_key_of_the_first(tmp_path):
    # Both found no file; the other's is there before ours is.
    first = load_or_create_secret(tmp_path, database_has_keys=False)
    create_once(tmp_path / FILE_NAME)
    assert load_or_create_secret(tmp_path, database_has_keys=True) == first
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_what_a_killed_start_left_behind_is_in_nobodys_way(tmp_path):
    (tmp_path / f"{FILE_NAME}.{os.getpid()}").write_bytes(b"half a k")
    assert len(load_or_create_secret(tmp_path, database_has_keys=False)) == 32


def test_without_a_key_it_says_how_to_make_one():
    with pytest.raises(SecretMissing, match="openssl rand"):
        Secrets(())


def test_what_is_derived_differs_by_purpose_and_comes_from_the_current_key():
    ours = Secrets((b"a" * 32, b"b" * 32))
    assert ours.derive("otp") != ours.derive("web")
    assert ours.derive("otp") == Secrets((b"a" * 32,)).derive("otp")
    assert ours.derive("otp") != Secrets((b"b" * 32,)).derive("otp")
    assert ours.sealer(uuid4()).writes_with == Secrets((b"a" * 32,)).sealer(uuid4()).writes_with
