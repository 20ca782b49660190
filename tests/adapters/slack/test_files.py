"""Fetching what people share: from Slack alone, within limits, and the token goes nowhere else."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from slack_arrivals import Slack

from adapters.errors import PlatformFailed
from adapters.slack.files import LARGEST_FILE_BYTES, MOST_FILES, Downloads, named_files, read_named
from adapters.slack.places import SharedFile


class Tokens:
    async def of(self, channel):
        return "xoxb-1"


class Side:
    """`answers` are what the addresses answer, in turn; `seen` the tokens that came to each."""

    def __init__(self):
        self.url, self.answers, self.seen = "", [], []

    async def respond(self, request):
        self.seen.append((request.path, request.headers.get("Authorization")))
        answer = self.answers.pop(0)
        return await answer(request) if callable(answer) else answer


@asynccontextmanager
async def serving():
    side = Side()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", side.respond)
    async with TestServer(app) as server:
        side.url = str(server.make_url("")).rstrip("/")
        yield side


@pytest.fixture
async def side():
    async with serving() as side:
        yield side


@pytest.fixture
def slack():
    return Slack()


@pytest.fixture
def fetch(side, slack, channel):
    async def get(file):
        async with Downloads(slack, Tokens(), f"{side.url}/api/").open(channel, file) as pieces:
            return b"".join([piece async for piece in pieces])

    return get


def shared(url, **more):
    return SharedFile(**{"id": "F1", "name": "cat.png", "type": "image/png", "size": 3, "url": url, **more})


async def failure(fetch, file):
    with pytest.raises(PlatformFailed) as caught:
        await fetch(file)
    return caught.value.code, caught.value.permanent


async def test_a_file_comes_with_the_channels_token(side, fetch):
    side.answers = [web.Response(body=b"png", content_type="image/png")]
    assert await fetch(shared(f"{side.url}/files-pri/cat.png")) == b"png"
    assert side.seen == [("/files-pri/cat.png", "Bearer xoxb-1")]


async def test_one_without_an_address_is_asked_about(side, fetch, slack):
    slack.answers = {"files.info": {"file": {"url_private_download": f"{side.url}/there"}}}
    side.answers = [web.Response(body=b"png", content_type="image/png")]
    assert await fetch(shared(None)) == b"png"


async def test_the_page_to_sign_in_is_no_file(side, fetch):
    side.answers = [web.Response(text="<html>Sign in</html>", content_type="text/html")]
    assert await failure(fetch, shared(f"{side.url}/cat.png")) == ("missing_scope", True)


async def test_a_redirect_within_slack_is_followed(side, fetch):
    side.answers = [
        web.Response(status=302, headers={"Location": "/there"}),
        web.Response(body=b"png", content_type="image/png"),
    ]
    assert await fetch(shared(f"{side.url}/cat.png")) == b"png"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "http://169.254.169.254/latest/meta-data",
        "https://evil.example/cat.png",
        "https://files.slack.com.evil.example/cat.png",
        "http://files.slack.com/cat.png",
        "https://user@files.slack.com/cat.png",
        "file:///etc/passwd",
        "https://files.slack.com:8443/cat.png",
    ],
)
async def test_the_token_goes_nowhere_else(side, fetch, elsewhere):
    assert await failure(fetch, shared(elsewhere)) == ("elsewhere", True)
    side.answers = [web.Response(status=302, headers={"Location": elsewhere})]
    assert await failure(fetch, shared(f"{side.url}/cat.png")) == ("elsewhere", True)
    assert len(side.seen) == 1


async def test_another_server_than_the_api_is_elsewhere_though_it_runs_here(side, fetch):
    async with serving() as other:
        other.answers = [web.Response(body=b"png")]
        assert await failure(fetch, shared(f"{other.url}/cat.png")) == ("elsewhere", True)
        assert other.seen == []


async def test_going_round_in_circles_ends(side, fetch):
    side.answers = [web.Response(status=302, headers={"Location": "/again"}) for _ in range(9)]
    assert await failure(fetch, shared(f"{side.url}/cat.png")) == ("elsewhere", True)
    assert len(side.seen) == 3


@pytest.mark.parametrize(
    ("status", "permanent"), [(404, True), (403, True), (429, False), (500, False), (503, False)]
)
async def test_only_what_may_pass_is_tried_again(side, fetch, status, permanent):
    side.answers = [web.Response(status=status)]
    assert await failure(fetch, shared(f"{side.url}/cat.png")) == (f"http_{status}", permanent)


async def test_a_broken_connection_may_pass(side, fetch):
    async def cut(request):
        request.transport.abort()
        await asyncio.sleep(0)
        return web.Response()

    # aiohttp itself asks once more over a connection that it had kept.
    side.answers = [cut, cut]
    assert await failure(fetch, shared(f"{side.url}/cat.png")) == ("unreachable", False)


async def test_what_says_that_it_is_too_large_is_not_fetched(side, fetch):
    file = shared(f"{side.url}/cat.png", size=LARGEST_FILE_BYTES + 1)
    assert await failure(fetch, file) == ("too_large", True)
    assert side.seen == []


def test_the_queue_keeps_what_is_needed_to_fetch_them():
    files = tuple(shared(f"https://files.slack.com/{n}", id=f"F{n}") for n in range(12))
    assert read_named(named_files(files)) == files[:MOST_FILES]
    assert named_files(()) is None


@pytest.mark.parametrize("odd", [None, "x", [], {"slack_files": "x"}, {"slack_files": [None, {}, {"id": 1}]}])
def test_another_payload_names_no_files(odd):
    assert read_named(odd) == ()
