"""What `parley doctor` says of the place for files."""

from __future__ import annotations

import base64

import pytest
from s3_server import s3_server
from vaults import ROOT

from bot.doctor import examine
from bot.parts import external_parts, resolve
from config.settings import Settings


@pytest.fixture
def settings(database, redis_url, tmp_path):
    """Settings of a deployment, with what a test adds."""

    def with_more(**more: str) -> Settings:
        return Settings(
            _env_file=None,
            database_url=database.runtime_url,
            database_owner_url=database.owner_url,
            redis_url=redis_url,
            parley_secret_key=base64.b64encode(ROOT).decode(),
            parley_data_dir=tmp_path / "var",
            parley_bots_dir=tmp_path,
            **more,
        )

    return with_more


async def files(settings: Settings) -> tuple[str, str]:
    [finding] = [each for each in await examine(settings) if each.check == "files"]
    assert "\n" not in finding.detail
    return finding.state, finding.detail


async def test_without_a_place_it_warns_and_makes_none(settings, tmp_path):
    state, detail = await files(settings())
    assert (state, detail.startswith("OBJECT_STORE_URL is not set: web, worker")) == ("warning", True)
    assert not (tmp_path / "var" / "objects").exists()


async def test_a_folder_that_works_is_a_warning_since_other_machines_must_see_it(settings, tmp_path):
    state, detail = await files(settings(object_store_url=f"file://{tmp_path}/shared"))
    assert (state, "every machine" in detail) == ("warning", True)
    assert [path for path in (tmp_path / "shared").rglob("*") if path.is_file()] == []


async def test_a_store_is_tried_and_what_is_wrong_is_said(settings, monkeypatch):
    async with s3_server() as s3:
        for name, value in s3.environment().items():
            monkeypatch.setenv(name, value)
        wanted = settings(object_store_url="s3://bucket")
        assert await files(wanted) == ("ok", "OBJECT_STORE_URL (s3) takes, gives and deletes")
        assert s3.objects == {}
        s3.is_away = True
        state, detail = await files(wanted)
        assert (state, "check OBJECT_STORE_URL" in detail) == ("wrong", True)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody-else")
        s3.is_away = False
        assert (await files(wanted))[0] == "wrong"


async def test_an_address_that_cannot_be_used_is_wrong(settings):
    state, detail = await files(settings(object_store_url="file://host/path"))
    assert (state, "three slashes" in detail) == ("wrong", True)


async def test_run_keeps_files_in_its_folder_and_web_and_worker_nowhere(settings, tmp_path):
    assert external_parts(settings()).object_store is None
    assert external_parts(settings(object_store_url="s3://b")).object_store == "s3://b"
    async with resolve(settings(), join=False) as resolved:
        assert resolved.parts.object_store == tmp_path / "var" / "objects"
    async with resolve(settings(), join=True) as resolved:
        assert resolved.parts.object_store is None
    async with resolve(settings(object_store_url="s3://b"), join=False) as resolved:
        assert resolved.parts.object_store == "s3://b"
