"""Where the bytes of a reply's file come from, and from where they never do."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from vaults import strongroom

from adapters.files.links import Links
from bot.slack.outgoing_files import OutgoingFiles
from bot.slack.public_files import PublicFiles, is_public
from storage.attachments import Attachments
from storage.files import Files
from storage.objects import Objects

PUBLIC = "https://bot.example"
KEY = b"k" * 32


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1"),
        *(
            "::1",
            "fe80::1",
            "fe80::1%eth0",
            "fc00::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
        ),
        *("224.0.0.1", "ff02::1", "255.255.255.255", "::"),
    ],
)
def test_a_private_address_is_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_an_open_address_is_public(address):
    assert is_public(address)


class Elsewhere:
    def __init__(self):
        self.asked: list[str] = []
        self.url = ""

    async def answer(self, request):
        self.asked.append(request.path)
        match request.path:
            case "/file":
                return web.Response(body=b"content")
            case "/large":
                return web.Response(body=b"x" * 5_000)
            case "/endless":
                response = web.StreamResponse()
                await response.prepare(request)
                for _ in range(1_000):
                    await response.write(b"x" * 100_000)
                return response
            case "/zipped":
                return web.Response(body=b"x", headers={"Content-Encoding": "gzip"})
            case "/round":
                raise web.HTTPFound("/round")
            case "/away":
                raise web.HTTPFound("/file")
            case "/inside":
                raise web.HTTPFound("http://10.0.0.1/secret")
            case "/scheme":
                raise web.HTTPFound("file:///etc/passwd")
        return web.Response(status=404)


@pytest.fixture
async def elsewhere():
    there = Elsewhere()
    app = web.Application()
    app.router.add_get("/{path:.*}", there.answer)
    async with TestServer(app) as server:
        there.url = str(server.make_url("")).rstrip("/")
        yield there


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/file", b"content"),
        ("/away", b"content"),
        ("/large", None),
        ("/endless", None),
        ("/zipped", None),
        ("/round", None),
        ("/inside", None),
        ("/scheme", None),
        ("/nothing", None),
    ],
)
async def test_a_public_file_is_read_within_limits(elsewhere, path, expected):
    public = PublicFiles(allows=lambda address: address == "127.0.0.1")
    async with asyncio.timeout(5):
        assert await public.read(f"{elsewhere.url}{path}", 4_000) == expected


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "user@127.0.0.1", "[::1]"]
)
async def test_nothing_of_ours_is_read_from_within(elsewhere, host):
    port = elsewhere.url.rpartition(":")[2]
    assert await PublicFiles().read(f"http://{host}:{port}/file", 4_000) is None
    assert elsewhere.asked == []


@pytest.mark.parametrize(
    "url", ["", "file:///etc/passwd", "ftp://x.example/a", "http://", "http://[", "terms.pdf"]
)
async def test_what_is_no_web_address_is_not_read(url):
    assert await PublicFiles().read(url, 4_000) is None


class TestOurs:
    @pytest.fixture
    async def stored(self, database, clock, tmp_path):
        async with strongroom(database) as room:
            tenant = (await room.tenants.create("acme")).id
            objects = Objects.open(tmp_path)
            files = Files(objects, Attachments(room.database, clock))
            kept = await files.keep(
                tenant,
                await room.user(tenant),
                b"plain text",
                name="a.txt",
                declared_type="text/plain",
                limit_bytes=1_000,
            )
            links = Links(KEY, clock=clock)
            public = PublicFiles(allows=lambda _: False)
            yield tenant, links.url(PUBLIC, tenant, kept.id), OutgoingFiles(files, links, PUBLIC, public)
            objects.close()

    async def test_a_file_of_ours_is_read_by_its_link(self, stored):
        tenant, url, outgoing = stored
        assert await outgoing.read(tenant, url) == b"plain text"
        assert await outgoing.read(tenant, url.removeprefix(PUBLIC)) == b"plain text"

    async def test_another_tenants_a_forged_and_an_old_link_give_nothing(self, stored, clock):
        tenant, url, outgoing = stored
        assert await outgoing.read(uuid4(), url) is None
        assert await outgoing.read(tenant, url[:-2] + "AA") is None
        assert await outgoing.read(tenant, f"{PUBLIC}/files/") is None
        clock.advance(timedelta(minutes=6))
        assert await outgoing.read(tenant, url) is None
