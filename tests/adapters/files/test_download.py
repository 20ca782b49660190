"""Files by their links, over HTTP: the whole runtime on Postgres and a folder."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from aiohttp import ClientPayloadError, ClientResponse, ClientSession, web
from aiohttp.test_utils import TestServer
from clocks import MovableClock
from samples import SAMPLES, gif
from vaults import ROOT

from adapters.files.adapter import mount
from adapters.files.links import LINK_LIFE, Links
from bot.runtime import Parts, Roles, Runtime, open_runtime
from bot.server import build_app
from storage.attachments import Attachment
from storage.channels import Channels
from storage.errors import Unavailable
from storage.files import OpenFile
from storage.ids import uuid7
from storage.keys import Vault
from storage.records import Sighting
from storage.secret_key import Secrets

PDF = SAMPLES["application/pdf"]
OVER = b'{"error": {"code": "not_found", "detail": "This link is over, or never was one."}}'


@dataclass
class House:
    runtime: Runtime
    links: Links
    url: str
    http: ClientSession
    clock: MovableClock
    tenant_id: UUID
    user_id: UUID
    folder: Path

    async def keep(
        self, content: bytes = PDF, declared: str = "application/pdf", name: str = "a.pdf"
    ) -> Attachment:
        return await self.runtime.files.keep(
            self.tenant_id, self.user_id, content, name=name, declared_type=declared, limit_bytes=100_000_000
        )

    def link(self, attachment_id: UUID, tenant_id: UUID | None = None) -> str:
        return self.links.url(self.url, tenant_id or self.tenant_id, attachment_id)

    async def fetch(self, url: str, method: str = "GET") -> tuple[ClientResponse, bytes]:
        async with self.http.request(method, url) as answer:
            return answer, await answer.read()

    async def assert_over(self, url: str) -> None:
        answer, body = await self.fetch(url)
        assert (answer.status, body) == (404, OVER)
        assert answer.headers["Cache-Control"] == "no-store"


@asynccontextmanager
async def open_house(database, redis_url, clock, tmp_path, object_store) -> AsyncIterator[House]:
    secrets = Secrets((ROOT,))
    parts = Parts(database.runtime_url, redis_url, secrets, tmp_path, object_store=object_store)
    roles = Roles(works=False, sweeps=False)
    async with open_runtime(parts, roles, {}, clock=clock) as runtime, ClientSession() as http:
        tenant = await runtime.tenants.create("acme")
        channels = Channels(runtime.database, Vault(runtime.database, secrets), clock)
        channel = await channels.create(tenant.id, "web", "site")
        user_id, _ = await runtime.sessions.open(channel, Sighting("ada"))
        app = build_app(runtime, demo_page=False, token_in_url=False, clock=clock)
        async with TestServer(app) as server:
            yield House(
                runtime,
                Links(*secrets.derive_each("files"), clock=clock),
                str(server.make_url("")).rstrip("/"),
                http,
                clock,
                tenant.id,
                user_id,
                tmp_path / "objects",
            )


@pytest.fixture
async def house(database, redis_url, clock, tmp_path):
    async with open_house(database, redis_url, clock, tmp_path, tmp_path / "objects") as house:
        yield house


async def test_a_link_opens_its_file_and_a_browser_saves_it(house):
    kept = await house.keep(name="Über uns.pdf")
    answer, body = await house.fetch(house.link(kept.id))
    assert (answer.status, body) == (200, PDF)
    headers = answer.headers
    assert headers["Content-Type"] == "application/pdf"
    assert headers["Content-Length"] == str(len(PDF))
    assert headers["Content-Disposition"] == (
        "attachment; filename=\"_ber uns.pdf\"; filename*=UTF-8''%C3%9Cber%20uns.pdf"
    )
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "private, no-store"
    assert "Set-Cookie" not in headers


async def test_only_pictures_are_shown_in_place(house):
    shown = set()
    for declared, content in SAMPLES.items():
        kept = await house.keep(content, declared, "a")
        answer, body = await house.fetch(house.link(kept.id))
        assert (body, answer.headers["Content-Type"]) == (content, declared)
        if not answer.headers["Content-Disposition"].startswith("attachment; "):
            shown.add(declared)
    assert shown == {"image/png", "image/jpeg", "image/gif", "image/webp"}


async def test_asking_for_the_headers_alone_gives_them_and_no_body(house):
    kept = await house.keep()
    answer, body = await house.fetch(house.link(kept.id), "HEAD")
    assert (answer.status, answer.headers["Content-Length"], body) == (200, str(len(PDF)), b"")
    # The connection is fit for the next call.
    assert (await house.fetch(house.link(kept.id)))[1] == PDF


async def test_every_link_that_opens_nothing_is_answered_alike(house):
    kept, deleted = await house.keep(), await house.keep()
    hidden = await house.keep(gif() + b"<script>", "image/gif", "a.gif")
    other = await house.runtime.tenants.create("other")
    good = house.link(kept.id)
    assert (await house.fetch(good))[0].status == 200
    await house.runtime.files.delete(house.tenant_id, deleted.id)
    for url in (
        house.link(deleted.id),
        house.link(hidden.id),
        house.link(uuid7()),
        house.link(kept.id, other.id),
        house.link(kept.id, uuid7()),
        good[:-1] + ("A" if good[-1] != "A" else "B"),
        good[:-1],
        f"{house.url}/files/x",
        Links(b"another key" * 3, clock=house.clock).url(house.url, house.tenant_id, kept.id),
    ):
        await house.assert_over(url)
    house.clock.advance(LINK_LIFE + timedelta(seconds=1))
    await house.assert_over(good)


async def test_a_file_whose_object_is_lost_is_answered_alike(house):
    kept = await house.keep()
    (house.folder / kept.key).unlink()
    await house.assert_over(house.link(kept.id))


async def test_a_large_file_arrives_whole(house):
    content = PDF + b"\n" * 20_000_000
    kept = await house.keep(content)
    assert (await house.fetch(house.link(kept.id)))[1] == content


async def test_nothing_is_changed_through_a_link(house):
    kept = await house.keep()
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert (await house.fetch(house.link(kept.id), method))[0].status == 405
    assert (await house.fetch(house.link(kept.id)))[1] == PDF


async def test_without_an_object_store_files_are_refused_and_links_say_try_again(
    database, redis_url, clock, tmp_path
):
    async with open_house(database, redis_url, clock, tmp_path, tmp_path / "objects") as house:
        kept = await house.keep()
        bare = Parts(database.runtime_url, redis_url, Secrets((ROOT,)), tmp_path)
        async with open_runtime(bare, Roles(works=False, sweeps=False), {}, clock=clock) as runtime:
            with pytest.raises(Unavailable, match="set OBJECT_STORE_URL"):
                await dataclasses.replace(house, runtime=runtime).keep()
            app = build_app(runtime, demo_page=False, token_in_url=False, clock=clock)
            async with TestServer(app) as server:
                url = house.links.url(str(server.make_url("")).rstrip("/"), house.tenant_id, kept.id)
                answer, _ = await house.fetch(url)
                assert (answer.status, answer.headers["Retry-After"]) == (503, "1")


@asynccontextmanager
async def serving(
    chunks: AsyncGenerator[bytes, None], size: int, clock: MovableClock, **more: float
) -> AsyncIterator[str]:
    """A link to a file that comes as `chunks`."""

    async def open_file(_: UUID, attachment_id: UUID) -> OpenFile:
        attachment = Attachment(
            attachment_id, uuid7(), None, "a.pdf", "", "application/pdf", size, b"", "ready", clock()
        )
        return OpenFile(attachment, chunks)

    app = web.Application()
    links = Links(b"k" * 32, clock=clock)
    mount(app, open_file, links, **more)
    async with TestServer(app) as server:
        yield links.url(str(server.make_url("")).rstrip("/"), uuid7(), uuid7())


async def test_a_file_that_breaks_off_is_seen_to_be_incomplete(clock):
    async def chunks() -> AsyncGenerator[bytes, None]:
        yield b"x" * 1000
        raise Unavailable("the object store is not available")

    async with serving(chunks(), 2000, clock) as url, ClientSession() as http, http.get(url) as answer:
        assert answer.status == 200
        with pytest.raises(ClientPayloadError):
            await answer.read()


async def test_a_reader_that_takes_nothing_is_cut_off_and_little_is_held_for_it(clock):
    given, over = 0, asyncio.Event()

    async def chunks() -> AsyncGenerator[bytes, None]:
        nonlocal given
        try:
            while True:
                given += 100_000
                yield b"x" * 100_000
        finally:
            over.set()

    stalled = serving(chunks(), 10**12, clock, stalled_s=0.2)
    async with stalled as url, ClientSession() as http, http.get(url) as answer:
        await asyncio.wait_for(over.wait(), 20)
        # What the sockets of both ends take, and no more.
        assert given < 20_000_000
        with pytest.raises(ClientPayloadError):
            await answer.read()


async def test_a_reader_that_goes_away_ends_the_reading(clock):
    over = asyncio.Event()

    async def chunks() -> AsyncGenerator[bytes, None]:
        try:
            while True:
                yield b"x" * 100_000
        finally:
            over.set()

    async with serving(chunks(), 10**12, clock) as url, ClientSession() as http:
        async with http.get(url) as answer:
            await answer.content.readexactly(1000)
        await asyncio.wait_for(over.wait(), 20)
