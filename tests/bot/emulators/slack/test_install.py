"""Installing an app by OAuth, and tokens that rotate."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, quote, urlsplit

import aiohttp
import pytest
from slack_sdk.oauth import AuthorizeUrlGenerator
from slack_sdk.web.async_client import AsyncWebClient

# slack_sdk 3.47 hands client id and secret to aiohttp in a way that aiohttp 3.14 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")

STATE = "s t/a&te"
SCOPES = ["chat:write", "im:history"]


@pytest.fixture
async def http(slack):
    async with aiohttp.ClientSession(slack.url) as http:
        yield http


@pytest.fixture
def where(slack):
    """The address that an app sends people to, as slack_sdk makes it."""

    def make(**changed):
        generator = AuthorizeUrlGenerator(
            client_id=changed.get("client_id", slack.app.client_id),
            scopes=changed.get("scopes", SCOPES),
            redirect_uri=changed.get("redirect_uri", slack.app.redirect_urls[0]),
            authorization_url=f"{slack.url}/oauth/v2/authorize",
        )
        return generator.generate(quote(STATE), team=changed.get("team"))

    return make


async def consent(http, url, tenant, allow="1"):
    """What the app gets back when somebody has decided."""
    async with http.get(url) as page:
        text = await page.text()
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', text))
    fields = {name: value.replace("&amp;", "&") for name, value in fields.items()}
    form = {**fields, "tenant": tenant.id, "allow": allow}
    async with http.post("/oauth/v2/authorize", data=form, allow_redirects=False) as answer:
        assert answer.status == 302
        back = urlsplit(answer.headers["Location"])
    return f"{back.scheme}://{back.netloc}{back.path}", {
        name: value[0] for name, value in parse_qs(back.query).items()
    }


def access(slack, **more):
    client = AsyncWebClient(base_url=slack.api_url)
    secrets = {"client_id": slack.app.client_id, "client_secret": slack.app.client_secret}
    return client.oauth_v2_access(**{**secrets, **more})


async def test_a_person_allows_and_the_code_becomes_a_token(slack, end, http, where):
    other = slack.add_workspace("Globex")
    eve = slack.add_person(other, "Eve Ek")
    back, query = await consent(http, where(), other)
    assert back == f"{end.url}/slack/oauth_redirect"
    assert query["state"] == STATE
    answer = await access(slack, code=query["code"], redirect_uri=slack.app.redirect_urls[0])
    assert answer["team"] == {"id": other.id, "name": "Globex"}
    assert (answer["enterprise"], answer["is_enterprise_install"]) == (None, False)
    assert (answer["app_id"], answer["token_type"]) == (slack.app.id, "bot")
    assert (answer["authed_user"]["id"], answer["scope"]) == (eve.id, ",".join(SCOPES))
    assert "refresh_token" not in answer.data
    client = AsyncWebClient(token=answer["access_token"], base_url=slack.api_url)
    assert (await client.auth_test())["user_id"] == answer["bot_user_id"]
    eve.writes("Hello")
    await slack.idle()
    assert end.received[-1].payload["team_id"] == other.id


async def test_an_organisation_installs_once(slack, http, where):
    org = slack.add_enterprise("Initech")
    slack.add_person(slack.add_workspace("North", org), "Cem Can")
    _, query = await consent(http, where(), org)
    answer = await access(slack, code=query["code"])
    assert (answer["team"], answer["is_enterprise_install"]) == (None, True)
    assert answer["enterprise"] == {"id": org.id, "name": "Initech"}


async def test_a_person_cancels(slack, http, where):
    _, query = await consent(http, where(), slack.workspace, allow="0")
    assert query == {"error": "access_denied", "state": STATE}


async def test_a_code_is_good_once_and_for_ten_minutes(slack, seconds, http, where, refused):
    _, query = await consent(http, where(), slack.workspace)
    with refused("bad_redirect_uri"):
        await access(slack, code=query["code"], redirect_uri="https://other.example/")
    await access(slack, code=query["code"])
    with refused("invalid_code"):
        await access(slack, code=query["code"])
    _, query = await consent(http, where(), slack.workspace)
    seconds.move(601)
    with refused("invalid_code"):
        await access(slack, code=query["code"])


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"client_id": "1.2"}, "invalid_client_id"),
        ({"client_secret": "x"}, "bad_client_secret"),
        ({"code": "x"}, "invalid_code"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_refresh_token"),
        ({"grant_type": "odd"}, "invalid_grant_type"),
    ],
)
async def test_what_is_not_right_gets_no_token(slack, refused, given, error):
    with refused(error):
        await access(slack, **given)


async def test_the_secrets_may_come_in_the_form(slack, http, where):
    _, query = await consent(http, where(), slack.workspace)
    form = {"client_id": slack.app.client_id, "client_secret": slack.app.client_secret, "code": query["code"]}
    async with http.post("/api/oauth.v2.access", data=form) as answer:
        assert (await answer.json())["ok"] is True
    logged = repr([call.arguments for call in slack.calls])
    assert slack.app.client_secret not in logged
    assert query["code"] not in logged


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"client_id": "1.2"}, "Invalid client_id"),
        ({"redirect_uri": "https://evil.example/"}, "redirect_uri did not match"),
        ({"scopes": ["admin"]}, "Invalid permissions requested: admin"),
        ({"scopes": []}, "No scopes"),
    ],
)
async def test_a_wrong_request_for_consent_shows_why_and_asks_nothing(http, where, changed, said):
    async with http.get(where(**changed)) as page:
        text = await page.text()
        assert "script" not in page.headers["Content-Security-Policy"]
    assert said in text
    assert "<form" not in text


async def test_hostile_values_stay_values(http, where, slack):
    url = where().replace("state=", "state=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    async with http.get(url) as page:
        assert "<script>" not in await page.text()


async def test_rotating_tokens_end_after_twelve_hours_and_are_renewed_once(
    slack, seconds, http, where, refused
):
    slack.configure(rotates_tokens=True)
    _, query = await consent(http, where(), slack.workspace)
    answer = await access(slack, code=query["code"])
    assert answer["expires_in"] == 43_200
    assert answer["access_token"].startswith("xoxe.xoxb-")
    old = AsyncWebClient(token=answer["access_token"], base_url=slack.api_url)
    await old.auth_test()
    renewed = await access(slack, grant_type="refresh_token", refresh_token=answer["refresh_token"])
    with refused("invalid_refresh_token"):
        await access(slack, grant_type="refresh_token", refresh_token=answer["refresh_token"])
    await old.auth_test()
    seconds.move(43_200)
    with refused("token_expired"):
        await old.auth_test()
    again = await access(slack, grant_type="refresh_token", refresh_token=renewed["refresh_token"])
    await AsyncWebClient(token=again["access_token"], base_url=slack.api_url).auth_test()
