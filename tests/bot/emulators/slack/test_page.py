"""The page in a real browser, with a plain app on the other side."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect
from slack_end import SlackEnd
from slack_sdk.web.async_client import AsyncWebClient

from bot.emulators.slack.server import SlackEmulator

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
)
HOSTILE = "<img src=x onerror=\"document.title='hit'\"><script>document.title='hit'</script>"


def text(said: str) -> dict[str, str]:
    return {"type": "plain_text", "text": said}


def a_button(label: str, action_id: str, **more: Any) -> dict[str, Any]:
    return {"type": "button", "text": text(label), "action_id": action_id, **more}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield chromium
        await chromium.close()


@pytest_asyncio.fixture(loop_scope="module")
async def end() -> AsyncIterator[SlackEnd]:
    async with SlackEnd() as end:
        yield end


@pytest_asyncio.fixture(loop_scope="module")
async def slack(end: SlackEnd) -> AsyncIterator[SlackEmulator]:
    async with SlackEmulator(app_url=end.url) as slack:
        yield slack


@pytest.fixture
def client(slack: SlackEmulator) -> AsyncWebClient:
    return AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, slack: SlackEmulator) -> AsyncIterator[Page]:
    """The page; whatever it complains of, or fetches elsewhere, fails the test."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    page = await context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if "Security Policy" in said.text else None)
    page.on("request", lambda request: complaints.append(request.url) if elsewhere(request.url) else None)

    def elsewhere(url: str) -> bool:
        return not url.startswith((slack.url, "data:"))

    await page.goto(slack.url)
    await page.wait_for_selector("html[data-ready]")
    yield page
    await context.close()
    assert complaints == []


def message(page: Page, said: str, where: str = "#timeline") -> Any:
    return page.locator(f"{where} .message", has_text=said)


async def write(page: Page, said: str, label: str = "Write a message") -> None:
    field = page.get_by_label(label, exact=True)
    await field.fill(said)
    await field.press("Enter")


async def test_a_person_writes_and_the_app_answers(page, slack, end, client):
    await write(page, "What is my balance?")
    await expect(message(page, "What is my balance?")).to_have_count(1)
    await end.arrived(1)
    event = end.received[0].event
    assert (event["text"], event["channel_type"]) == ("What is my balance?", "im")
    await client.chat_postMessage(channel=event["channel"], text="*Four* <https://bank.example/|euros>")
    answer = message(page, "Four euros")
    await expect(answer.locator("strong", has_text="Four")).to_have_count(1)
    await expect(answer.locator(".badge")).to_have_text("APP")
    assert await answer.locator("a").get_attribute("href") == "https://bank.example/"


async def test_a_thread_in_a_channel(page, slack, end, client):
    await page.get_by_role("button", name="# general").click()
    await write(page, "@Parley what is new?")
    await end.arrived(2)
    asked = end.events("app_mention")[0].event
    await client.chat_postMessage(channel=asked["channel"], thread_ts=asked["ts"], text="Nothing")
    await page.get_by_role("button", name="1 reply").click()
    await expect(message(page, "Nothing", "#replies")).to_have_count(1)
    await write(page, "Really?", "Reply")
    await expect(message(page, "Really?", "#replies")).to_have_count(1)
    await expect(message(page, "Really?")).to_have_count(0)
    assert slack.messages[-1].thread_ts == asked["ts"]
    await page.get_by_label("Close the thread").click()
    await expect(page.locator("#thread")).to_be_hidden()


async def test_buttons_menus_and_feedback_reach_the_app(page, slack, end, client):
    options = [{"text": text(name), "value": name.lower()} for name in ("Savings", "Current")]
    feedback = {
        "type": "feedback_buttons",
        "action_id": "rate",
        "positive_button": {"text": text("Good"), "value": "good"},
        "negative_button": {"text": text("Bad"), "value": "bad"},
    }
    elements = [
        a_button("Pay", "pay", value="7", style="primary"),
        {
            "type": "static_select",
            "action_id": "account",
            "placeholder": text("Which account?"),
            "options": options,
        },
    ]
    blocks = [
        {"type": "actions", "block_id": "b", "elements": elements},
        {"type": "context_actions", "elements": [feedback]},
    ]
    await client.chat_postMessage(channel=slack.person("Ada").dm.id, text="x", blocks=blocks)
    await page.get_by_label("Which account?").select_option(label="Savings")
    await end.arrived(2)
    assert end.received[-1].payload["actions"][0]["selected_option"]["value"] == "savings"
    await page.get_by_role("button", name="Pay").click()
    await end.arrived(3)
    payload = end.received[-1].payload
    assert payload["actions"][0]["value"] == "7"
    assert payload["state"]["values"]["b"]["account"]["selected_option"]["value"] == "savings"
    await page.get_by_role("button", name="Bad").click()
    await end.arrived(4)
    assert end.received[-1].payload["actions"][0]["value"] == "bad"
    end.answers.append(500)
    await page.get_by_role("button", name="Pay").click()
    await expect(page.get_by_role("alert")).to_contain_text("http_error")


async def test_everything_that_blocks_say_is_seen(page, slack, client):
    cells = [
        [{"type": "raw_text", "text": value} for value in row] for row in (("Name", "Sum"), ("Ada", "7"))
    ]
    blocks = [
        {"type": "header", "text": text("A header")},
        {
            "type": "section",
            "text": {"type": "mrkdwn", "text": "A *section*"},
            "fields": [{"type": "mrkdwn", "text": "A field"}],
            "accessory": a_button("Beside", "beside"),
        },
        {
            "type": "markdown",
            "text": "## Heading\n\n- one\n- two\n\n```\ncode <b>\n```\n\n|a|b|\n|-|-|\n|1|2|",
        },
        {"type": "image", "image_url": "https://elsewhere.example/a.png", "alt_text": "A picture"},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "A _context_"}]},
        {"type": "divider"},
    ]
    await client.chat_postMessage(channel=slack.person("Ada").dm.id, text="x", blocks=blocks)
    await client.chat_postMessage(
        channel=slack.person("Ada").dm.id, text="x", blocks=[{"type": "table", "rows": cells}]
    )
    said = page.locator("#timeline .message").first
    await expect(said.locator("h3")).to_have_text("A header")
    await expect(said.locator(".section strong")).to_have_text("section")
    await expect(said.locator(".fields")).to_have_text("A field")
    await expect(said.locator("li")).to_have_text(["one", "two"])
    await expect(said.locator("pre")).to_have_text("code <b>")
    await expect(said.locator("td")).to_have_text(["1", "2"])
    await expect(said.locator("figure a")).to_have_attribute("href", "https://elsewhere.example/a.png")
    await expect(said.locator("em")).to_have_text("context")
    table = page.locator("#timeline .message").nth(1)
    await expect(table.locator("th")).to_have_text(["Name", "Sum"])
    await expect(table.locator("td")).to_have_text(["Ada", "7"])


async def test_a_stream_is_seen_growing_and_stopped(page, slack, end, client):
    await write(page, "Tell me")
    await end.arrived(1)
    about = {"channel_id": end.received[0].event["channel"], "thread_ts": end.received[0].event["ts"]}
    await client.assistant_threads_setStatus(**about, status="is thinking…")
    await expect(page.locator("#under-timeline .status")).to_have_text("Parley is thinking…")
    await client.agents_sessions_setStatus(**about, status="processing")
    stream = await client.chat_startStream(
        channel=about["channel_id"], thread_ts=about["thread_ts"], markdown_text="**Half"
    )
    await page.get_by_role("button", name="1 reply").click()
    streaming = page.locator("#replies .streaming")
    await expect(streaming).to_have_text("**Half")
    await client.chat_appendStream(channel=about["channel_id"], ts=stream["ts"], markdown_text=" an** answer")
    await expect(streaming.locator("strong")).to_have_text("Half an")
    await page.locator("#under-replies").get_by_role("button", name="Stop").click()
    await expect(streaming).to_have_count(0)
    await slack.idle()
    assert end.events("agent_session_stopped")[0].event["streaming_message_ts"] == [stream["ts"]]
    await client.agents_sessions_setStatus(**about, status="active")
    await expect(page.get_by_role("button", name="Stop")).to_have_count(0)


async def test_suggested_prompts_are_one_press_away(page, slack, end, client):
    await page.get_by_role("button", name="Open as agent").click()
    await end.arrived(1)
    assert end.received[0].event["tab"] == "messages"
    prompts = [{"title": "Balance", "message": "What is my balance?"}]
    await client.assistant_threads_setSuggestedPrompts(channel_id=slack.person("Ada").dm.id, prompts=prompts)
    await page.get_by_role("button", name="Balance").click()
    await expect(message(page, "What is my balance?")).to_have_count(1)


async def test_a_modal_is_filled_in_refused_and_sent(page, slack, end, client):
    await write(page, "/parley transfer")
    await end.arrived(1)
    form = end.received[0].payload
    assert (form["command"], form["text"]) == ("/parley", "transfer")
    amount = {"type": "plain_text_input", "action_id": "value", "placeholder": text("How much?")}
    blocks = [{"type": "input", "block_id": "amount", "label": text("Amount"), "element": amount}]
    view = {"type": "modal", "title": text("Transfer"), "submit": text("Send"), "blocks": blocks}
    await client.views_open(trigger_id=form["trigger_id"], view=view)
    await page.get_by_label("How much?").fill("1000")
    end.answers.append({"response_action": "errors", "errors": {"amount": "Too much"}})
    await page.get_by_role("button", name="Send", exact=True).last.click()
    await expect(page.locator("dialog .fault", has_text="Too much")).to_be_visible()
    await expect(page.get_by_label("How much?")).to_have_value("1000")
    await page.get_by_label("How much?").fill("10")
    await page.locator("dialog").get_by_role("button", name="Send").click()
    await expect(page.locator("dialog")).to_be_hidden()
    values = end.received[-1].payload["view"]["state"]["values"]
    assert values["amount"]["value"]["value"] == "10"


async def test_own_messages_are_edited_deleted_and_reacted_to(page, slack, end):
    await write(page, "Helo")
    await message(page, "Helo").hover()
    await page.get_by_role("button", name="Edit").click()
    await page.get_by_label("Edit the message").fill("Hello & <welcome>")
    await page.get_by_role("button", name="Save").click()
    await expect(message(page, "Hello & <welcome>")).to_contain_text("(edited)")
    await message(page, "Hello").hover()
    await page.get_by_label("React with +1").click()
    await page.get_by_role("button", name="👍 1").click()
    await expect(page.get_by_role("button", name="👍 1")).to_have_count(0)
    await message(page, "Hello").hover()
    await page.get_by_role("button", name="Delete").click()
    await expect(page.locator("#timeline .message")).to_have_count(0)
    await slack.idle()
    assert len(end.events("reaction_removed")) == 1
    assert slack.messages == ()


async def test_a_file_is_attached(page, slack, end, tmp_path: Path):
    note = tmp_path / "note.txt"
    note.write_text("Dear bot")
    await page.get_by_label("Attach a file").first.set_input_files(note)
    await write(page, "Look")
    await expect(message(page, "Look")).to_contain_text("note.txt (8 bytes)")
    await end.arrived(1)
    assert end.received[0].event["subtype"] == "file_share"


async def test_another_person_sees_what_is_for_them(page, slack, client):
    ada, ben = slack.person("Ada"), slack.person("Ben")
    await client.chat_postEphemeral(channel=slack.general.id, user=ada.id, text="For Ada only")
    await client.chat_postMessage(channel=slack.general.id, text=f"For <@{ben.id}> and all")
    await page.get_by_role("button", name="# general").click()
    await expect(message(page, "For Ada only")).to_contain_text("Only visible to you")
    await page.get_by_label("You are").select_option(label="Ben Okri (Acme)")
    await page.get_by_role("button", name="# general").click()
    await expect(message(page, "For @Ben Okri and all")).to_have_count(1)
    await expect(message(page, "For Ada only")).to_have_count(0)
    await write(page, "It is Ben")
    await expect(message(page, "It is Ben")).to_contain_text("Ben Okri")


async def test_the_home_tab_is_shown_and_used(page, slack, end, client):
    ada = slack.person("Ada")
    home = {"type": "home", "blocks": [{"type": "actions", "elements": [a_button("Start", "start")]}]}
    await client.views_publish(user_id=ada.id, view=home)
    await page.get_by_role("button", name="Home").click()
    await page.get_by_role("button", name="Start").click()
    await end.arrived(2)
    assert end.received[-1].payload["view"]["type"] == "home"


async def test_the_app_is_uninstalled_and_comes_back(page, slack, end, client):
    await page.get_by_role("button", name="Uninstall").click()
    await expect(page.get_by_text("The app is not installed.")).to_be_visible()
    assert await page.get_by_role("link", name="Install").get_attribute("href") == f"{end.url}/slack/install"
    await slack.idle()
    assert end.events("app_uninstalled")
    await page.get_by_role("button", name="Install without asking").click()
    await expect(page.get_by_role("button", name="Uninstall")).to_be_visible()
    assert (await client.auth_test())["ok"] is True


async def test_hostile_text_is_text(page, slack, client):
    ada = slack.person("Ada")
    await write(page, HOSTILE)
    blocks = [
        {"type": "header", "text": text(HOSTILE[:150])},
        {"type": "section", "text": {"type": "mrkdwn", "text": f"{HOSTILE} <javascript:alert(1)|press>"}},
        {"type": "markdown", "text": f"{HOSTILE} [press](javascript:alert(1)) [safe](https://safe.example/)"},
        {"type": "actions", "elements": [a_button(HOSTILE[:75], "x", url="javascript:alert(1)")]},
        {"type": "image", "image_url": "javascript:alert(1)", "alt_text": HOSTILE},
    ]
    await client.chat_postMessage(channel=ada.dm.id, text=HOSTILE, blocks=blocks)
    await client.chat_postMessage(channel=ada.dm.id, text=HOSTILE)
    await client.chat_postMessage(channel=ada.dm.id, text=HOSTILE.replace("<", "&lt;").replace(">", "&gt;"))
    messages = page.locator("#timeline .message")
    await expect(messages).to_have_count(4)
    await expect(messages.first).to_contain_text(HOSTILE)
    await expect(messages.last).to_contain_text("<script>")
    assert await page.title() == "Slack emulator"
    assert await page.locator("#timeline img, #timeline script").count() == 0
    links = await page.locator("#timeline a").evaluate_all("links => links.map(link => link.href)")
    assert links == ["https://safe.example/"]


async def test_the_page_takes_only_what_it_says_itself(page, slack):
    answer = await page.request.post(f"{slack.url}/page/do", form={"do": "uninstall", "user": "U0EMU00001"})
    assert answer.status == 415
    for given, status in (({}, 400), ({"do": "write", "user": "U0NOBODY"}, 400)):
        answer = await page.request.post(f"{slack.url}/page/do", data=given)
        assert answer.status == status
    answer = await page.request.post(f"{slack.url}/page/do", data={"do": "odd", "user": "U0EMU00001"})
    assert (await answer.json())["error"] == "unknown_deed"
    policy = (await page.request.get(slack.url)).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


async def test_changes_come_without_asking(page, slack, client):
    await asyncio.gather(
        *(client.chat_postMessage(channel=slack.person("Ada").dm.id, text=str(n)) for n in range(20))
    )
    await expect(page.locator("#timeline .message")).to_have_count(20)
