"""The two pages through which a workspace takes the app, and everything that they refuse."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from aiohttp import ClientSession, DummyCookieJar, web
from aiohttp.test_utils import TestServer
from slack_side import CLIENT_ID, CLIENT_SECRET, cut, grant, slack_side

from adapters.slack.install import InstallDoor, mount
from adapters.slack.install_links import InstallLinks
from adapters.slack.manifest import BOT_SCOPES
from adapters.slack.oauth import SlackApp
from storage.errors import Conflict, Invalid, NotFound, Unavailable
from storage.redis import connect
from storage.tickets import Tickets

TENANT = UUID("01900000-0000-7000-8000-000000000001")
PUBLIC = "https://bot.example"
KEY = bytes(32)
ACCESS = "oauth.v2.access"
NAME = "__Host-parley_slack_install"


@dataclass
class Pages:
    """A browser each; cookies are carried by hand, since the server is not really under https."""

    url: str
    http: ClientSession
    links: InstallLinks
    saved: list[Any] = field(default_factory=list)
    failure: Exception | None = None

    async def save(self, tenant_id, granted):
        if self.failure is not None:
            raise self.failure
        self.saved.append((tenant_id, granted))

    async def get(self, path, cookie=None, **query):
        headers = {} if cookie is None else {"Cookie": cookie}
        async with self.http.get(
            f"{self.url}{path}", params=query, headers=headers, allow_redirects=False
        ) as answer:
            await answer.text()
            return answer

    async def begin(self, cookie=None):
        """The state that Slack gets, and the browser's cookie."""
        token = parse_qs(urlsplit(self.links.url("", TENANT)[0]).query)["tenant"][0]
        answer = await self.get("/slack/install", cookie, tenant=token)
        assert answer.status == 302
        state = parse_qs(urlsplit(answer.headers["Location"]).query)["state"][0]
        return state, answer.headers["Set-Cookie"].partition(";")[0]

    async def finish(self, cookie=None, **query):
        return await self.get("/slack/oauth_redirect", cookie, **query)


@asynccontextmanager
async def served(door, http):
    app = web.Application()
    mount(app, door)
    async with TestServer(app) as server:
        yield Pages(str(server.make_url("")).rstrip("/"), http, door.links)


@pytest.fixture
async def slack():
    async with slack_side() as side:
        yield side


@pytest.fixture
async def redis(redis_url):
    client = connect(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
async def http():
    async with ClientSession(cookie_jar=DummyCookieJar()) as session:
        yield session


@pytest.fixture
async def pages(slack, redis, http, clock):
    async with browser_of(slack, redis, http, clock) as pages:
        yield pages


@asynccontextmanager
async def browser_of(slack, redis, http, clock, public=PUBLIC, app=True):
    pages = []

    async def save(tenant_id, granted):
        await pages[0].save(tenant_id, granted)

    states = Tickets(redis, purpose="slack_install", life=timedelta(minutes=10))
    slack_app = SlackApp(CLIENT_ID, CLIENT_SECRET, clock, slack.api) if app else None
    door = InstallDoor(public, slack_app, InstallLinks(KEY, clock=clock), states, save)
    async with served(door, http) as page:
        pages.append(page)
        yield page


async def text_of(answer):
    text = await answer.text()
    assert answer.content_type == "text/html"
    assert "<script" not in text
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    return text


async def test_a_link_leads_to_slack_with_all_scopes_and_a_cookie_for_this_browser_only(pages, slack):
    token = parse_qs(urlsplit(pages.links.url("", TENANT)[0]).query)["tenant"][0]
    answer = await pages.get("/slack/install", tenant=token)
    assert answer.status == 302
    await text_of(answer)
    where = urlsplit(answer.headers["Location"])
    assert f"{where.scheme}://{where.netloc}{where.path}" == f"{slack.url}/oauth/v2/authorize"
    query = parse_qs(where.query)
    assert query["redirect_uri"] == ["https://bot.example/slack/oauth_redirect"]
    assert (query["client_id"], query["scope"]) == ([CLIENT_ID], [",".join(BOT_SCOPES)])
    assert re.fullmatch(r"[A-Za-z0-9_-]{64}", query["state"][0])
    name, *rest = answer.headers["Set-Cookie"].split("; ")
    assert re.fullmatch(NAME + r"=[A-Za-z0-9_-]{43}", name)
    assert sorted(rest) == ["HttpOnly", "Max-Age=600", "Path=/", "SameSite=Lax", "Secure"]
    assert slack.calls == []


async def test_without_https_the_cookie_is_plain_and_still_not_for_scripts(slack, redis, http, clock):
    async with browser_of(slack, redis, http, clock, "http://localhost:8080") as pages:
        token = parse_qs(urlsplit(pages.links.url("", TENANT)[0]).query)["tenant"][0]
        answer = await pages.get("/slack/install", tenant=token)
    name, *rest = answer.headers["Set-Cookie"].split("; ")
    assert name.startswith("parley_slack_install=")
    assert sorted(rest) == ["HttpOnly", "Max-Age=600", "Path=/", "SameSite=Lax"]


async def test_consent_ends_in_an_installation_for_the_links_tenant(pages, slack):
    state, cookie = await pages.begin()
    answer = await pages.finish(cookie, state=state, code="code-1")
    assert answer.status == 200
    assert "The bot is in Acme now" in await text_of(answer)
    [(tenant_id, granted)] = pages.saved
    assert (tenant_id, granted.account, granted.tokens.access) == (TENANT, "A1/T1", "xoxb-granted")
    assert slack.forms(ACCESS) == [
        {"code": "code-1", "redirect_uri": "https://bot.example/slack/oauth_redirect"}
    ]


async def test_a_hostile_workspace_name_is_text(pages, slack):
    slack.granted = grant(team={"id": "T1", "name": "<script>alert(1)</script>&"})
    state, cookie = await pages.begin()
    answer = await pages.finish(cookie, state=state, code="c")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&amp;" in await text_of(answer)


async def test_an_organisation_without_a_name_is_told_so(pages, slack):
    slack.granted = grant(team=None, enterprise={"id": "E1"}, is_enterprise_install=True)
    state, cookie = await pages.begin()
    assert "in your organisation" in await text_of(await pages.finish(cookie, state=state, code="c"))


async def test_two_tabs_of_a_browser_can_both_be_finished(pages):
    first, cookie = await pages.begin()
    second, again = await pages.begin(cookie)
    assert again == cookie
    for state in (second, first):
        assert (await pages.finish(cookie, state=state, code="c")).status == 200


@pytest.mark.parametrize("value", ["x", "a" * 44, '"><script>'])
async def test_a_cookie_that_is_none_of_ours_is_replaced(pages, value):
    _, cookie = await pages.begin(f"{NAME}={value}")
    assert re.fullmatch(NAME + r"=[A-Za-z0-9_-]{43}", cookie)


@pytest.mark.parametrize(
    "tenant", [None, "", "demo", "A" * 76, str(TENANT), "<script>alert(1)</script>", "é", "A" * 100_0]
)
async def test_without_a_good_link_nobody_gets_to_slack(pages, tenant):
    answer = await pages.get("/slack/install", **({} if tenant is None else {"tenant": tenant}))
    text = await text_of(answer)
    assert (answer.status, "Location" in answer.headers, "Set-Cookie" in answer.headers) == (
        403,
        False,
        False,
    )
    assert "alert" not in text


async def test_a_link_that_is_over_altered_or_given_twice_is_refused(pages, clock):
    token = parse_qs(urlsplit(pages.links.url("", TENANT)[0]).query)["tenant"][0]
    flipped = token[:30] + ("A" if token[30] != "A" else "B") + token[31:]
    assert (await pages.get("/slack/install", tenant=flipped)).status == 403
    async with pages.http.get(
        f"{pages.url}/slack/install?tenant={token}&tenant={token}", allow_redirects=False
    ) as twice:
        assert twice.status == 403
    assert (await pages.get("/slack/install", tenant=token)).status == 302
    clock.advance(timedelta(hours=24))
    assert (await pages.get("/slack/install", tenant=token)).status == 403


def test_a_link_of_an_older_key_is_good_and_of_another_not(clock):
    url, end = InstallLinks(KEY, clock=clock).url(PUBLIC, TENANT, life=timedelta(hours=2))
    assert url.startswith("https://bot.example/slack/install?tenant=")
    assert end == clock() + timedelta(hours=2)
    token = parse_qs(urlsplit(url).query)["tenant"][0]
    other = b"\x01" * 32
    assert InstallLinks(other, KEY, clock=clock).read(token) == TENANT
    assert InstallLinks(other, clock=clock).read(token) is None


async def test_a_missing_unknown_or_doubled_state_is_refused(pages, slack):
    state, cookie = await pages.begin()
    for query in ({}, {"state": ""}, {"state": "A" * 64}, {"state": "x"}, {"state": "\ud7ff"}):
        answer = await pages.finish(cookie, code="c", **query)
        assert (answer.status, "was not begun here" in await text_of(answer)) == (400, True)
    async with pages.http.get(
        f"{pages.url}/slack/oauth_redirect?code=c&state={state}&state={state}", headers={"Cookie": cookie}
    ) as twice:
        assert twice.status == 400
    assert (slack.calls, pages.saved) == ([], [])
    assert (await pages.finish(cookie, state=state, code="c")).status == 200


async def test_a_state_is_good_once_also_at_the_same_moment(pages, slack):
    state, cookie = await pages.begin()
    answers = await asyncio.gather(*(pages.finish(cookie, state=state, code="c") for _ in range(20)))
    assert sorted(answer.status for answer in answers) == [200] + [400] * 19
    assert (len(slack.calls), len(pages.saved)) == (1, 1)


async def test_a_state_is_over_after_ten_minutes(pages, redis):
    state, cookie = await pages.begin()
    [place] = [name async for name in redis.scan_iter("ticket:*")]
    assert 595 <= await redis.ttl(place) <= 600
    await redis.pexpire(place, 0)
    assert (await pages.finish(cookie, state=state, code="c")).status == 400


async def test_another_browser_cannot_finish_and_the_state_is_used_up(pages, slack):
    state, cookie = await pages.begin()
    _, other = await pages.begin()
    for stranger in (other, None):
        assert (await pages.finish(stranger, state=state, code="c")).status == 400
        state, cookie = await pages.begin()
    assert (slack.calls, pages.saved) == ([], [])
    assert (await pages.finish(cookie, state=state, code="c")).status == 200


async def test_a_ticket_of_a_widgets_socket_is_no_state(pages, redis):
    _, cookie = await pages.begin()
    claims = {"tenant": str(TENANT), "browser": "x"}
    ticket = await Tickets(redis).issue(TENANT, claims)
    assert (await pages.finish(cookie, state=ticket, code="c")).status == 400


async def test_who_declines_is_told_that_nothing_was_installed(pages, slack):
    state, cookie = await pages.begin()
    answer = await pages.finish(cookie, state=state, error="access_denied")
    assert (answer.status, "Nothing was installed" in await text_of(answer)) == (200, True)
    assert (slack.calls, pages.saved) == ([], [])
    assert (await pages.finish(cookie, state=state, code="c")).status == 400


async def test_an_error_of_slacks_is_not_repeated_on_the_page(pages):
    state, cookie = await pages.begin()
    answer = await pages.finish(cookie, state=state, error="<b>invalid_scope</b>", error_description="<i>x")
    text = await text_of(answer)
    assert answer.status == 502
    assert "invalid_scope" not in text
    assert "<i>" not in text


async def test_who_declines_without_a_state_is_not_believed_either(pages):
    assert (await pages.finish(error="access_denied")).status == 400


@pytest.mark.parametrize("code", [None, "", "a b", "é", "c" * 1001])
async def test_without_a_code_slack_is_not_asked(pages, slack, code):
    state, cookie = await pages.begin()
    answer = await pages.finish(cookie, state=state, **({} if code is None else {"code": code}))
    assert (answer.status, "sent no code" in await text_of(answer)) == (400, True)
    assert slack.calls == []


@pytest.mark.parametrize(
    "answered",
    [
        {"ok": False, "error": "invalid_code"},
        {"ok": False, "error": "bad_client_secret"},
        grant(team=None),
        cut,
    ],
)
async def test_what_slack_does_not_confirm_is_not_installed(pages, slack, answered):
    slack.answer(ACCESS, answered)
    state, cookie = await pages.begin()
    answer = await pages.finish(cookie, state=state, code="secret-code")
    text = await text_of(answer)
    assert (answer.status, pages.saved) == (502, [])
    assert "secret-code" not in text
    assert CLIENT_SECRET not in text


@pytest.mark.parametrize(
    ("failure", "status", "said"),
    [
        (Conflict("the slack account 'A1/T1' has a channel already"), 409, "another bot of this server"),
        (NotFound("no tenant"), 400, "new link"),
        (Invalid("no id"), 400, "new link"),
        (Unavailable("Postgres is away", retry_after=7), 503, "cannot be done at the moment"),
    ],
)
async def test_what_cannot_be_kept_says_so_without_our_words(pages, failure, status, said):
    pages.failure = failure
    state, cookie = await pages.begin()
    answer = await pages.finish(cookie, state=state, code="c")
    text = await text_of(answer)
    assert (answer.status, said in text, str(failure) in text) == (status, True, False)
    assert answer.headers.get("Retry-After") == ("7" if status == 503 else None)


async def test_without_redis_nothing_is_begun_or_finished(slack, http, clock, tmp_path):
    nobody = connect(f"unix://{tmp_path}/nobody.sock")
    async with browser_of(slack, nobody, http, clock) as pages:
        token = parse_qs(urlsplit(pages.links.url("", TENANT)[0]).query)["tenant"][0]
        begun = await pages.get("/slack/install", tenant=token)
        finished = await pages.finish(f"{NAME}={'a' * 43}", state="A" * 64, code="c")
        for answer in (begun, finished):
            assert answer.status == 503
            assert "cannot be done at the moment" in await text_of(answer)
            assert int(answer.headers["Retry-After"]) >= 1
            assert "Location" not in answer.headers
        assert (slack.calls, pages.saved) == ([], [])
    await nobody.aclose()


async def test_a_process_without_an_app_says_so(slack, redis, http, clock):
    async with browser_of(slack, redis, http, clock, app=False) as pages:
        for path in ("/slack/install", "/slack/oauth_redirect"):
            answer = await pages.get(path)
            assert (answer.status, "no Slack app" in await text_of(answer)) == (404, True)


@pytest.mark.parametrize("method", ["POST", "HEAD", "PUT"])
async def test_only_a_get_does_anything(pages, method):
    async with pages.http.request(method, f"{pages.url}/slack/install") as answer:
        assert answer.status == 405


async def test_what_a_request_says_of_our_address_is_not_believed(pages, slack):
    token = parse_qs(urlsplit(pages.links.url("", TENANT)[0]).query)["tenant"][0]
    forged = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http", "Host": "evil.example"}
    async with pages.http.get(
        f"{pages.url}/slack/install?tenant={token}", headers=forged, allow_redirects=False
    ) as answer:
        assert "evil" not in answer.headers["Location"]
        assert "Secure" in answer.headers["Set-Cookie"]
