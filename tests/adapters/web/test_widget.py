"""The widget in a real browser, against the rehearsal."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, expect
from rehearsal import DEMO, Rehearsal, file_url
from rehearsed_bot import answer, bubble, write

from storage.records import Sender, UploadedFile

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def rehearsal() -> Rehearsal:
    return Rehearsal(answer)


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, server: TestServer) -> AsyncIterator[Page]:
    """The demo page; anything the page complains of, or fetches elsewhere, fails the test."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    page = await context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if "Security Policy" in said.text else None)
    page.on("request", lambda request: complaints.append(request.url) if elsewhere(request.url) else None)

    def elsewhere(url: str) -> bool:
        return not url.startswith((str(server.make_url("/")), "data:"))

    await page.goto(str(server.make_url("/")))
    await expect(page.locator("parley-chat .panel")).to_be_visible()
    yield page
    await context.close()
    assert complaints == []


async def test_a_conversation_by_button_and_by_word(page: Page, rehearsal: Rehearsal) -> None:
    assert not rehearsal.talks
    assert await page.evaluate("localStorage.length") == 0
    await page.locator("parley-chat .suggestions .choice").first.click()
    await expect(bubble(page, "You said: What is my balance?")).to_have_count(1)
    await write(page, "choose")
    choice = page.locator("parley-chat .choices .choice", has_text="Savings")
    await choice.click()
    await expect(bubble(page, "Pressed ask:Savings")).to_have_count(1)
    await expect(choice).to_be_disabled()
    await expect(bubble(page, "Savings")).to_have_count(1)
    await expect(page.locator("parley-chat .message.user .icon-check").first).to_be_attached()


async def test_a_reload_brings_the_conversation_back_once(page: Page) -> None:
    await write(page, "first")
    await expect(bubble(page, "You said: first")).to_have_count(1)
    await page.reload()
    await expect(bubble(page, "You said: first")).to_have_count(1)
    await write(page, "second")
    await expect(bubble(page, "You said: second")).to_have_count(1)
    await expect(page.locator("parley-chat .message.user")).to_have_count(2)


async def test_markup_is_text_and_only_safe_links_are_links(page: Page) -> None:
    await write(page, "<b>mine</b>")
    await expect(bubble(page, "<b>mine</b>")).to_have_count(1)
    await write(page, "markup")
    await expect(page.locator("parley-chat .bot strong")).to_have_text("bold")
    links = page.locator("parley-chat .finished a")
    await expect(links).to_have_count(1)
    assert await links.get_attribute("href") == "https://good.example/"
    assert await links.get_attribute("rel") == "noopener noreferrer nofollow"
    await expect(page.locator("parley-chat .bubble img")).to_have_count(0)


async def test_an_answer_shows_its_sources_with_what_they_say(page: Page) -> None:
    await write(page, "cite")
    sources = page.locator("parley-chat .citations li")
    await expect(sources).to_have_count(2)
    assert await sources.nth(0).locator("a").get_attribute("href") == "https://bank.example/fees"
    await expect(sources.nth(0).locator("blockquote")).to_be_hidden()
    await sources.nth(0).locator("summary").click(position={"x": 2, "y": 8})
    await expect(sources.nth(0).locator("blockquote")).to_have_text("A card <b>costs</b> five.")
    # An address that is none is no link.
    await expect(sources.nth(1)).to_have_text("Notes")
    await expect(sources.nth(1).locator("a")).to_have_count(0)


async def test_the_files_of_a_message_are_links_with_their_names_as_text(
    page: Page, rehearsal: Rehearsal, server: TestServer
) -> None:
    await write(page, "hello")
    await expect(bubble(page, "You said: hello")).to_have_count(1)
    file = UploadedFile(uuid4(), "<b>passport</b>.jpg", "image/jpeg", 7)
    rehearsal.say(rehearsal.talks[0], "Here", sender=Sender.USER, attachments=(file,))
    shown = page.locator("parley-chat .message.user .file")
    await expect(shown).to_have_text("<b>passport</b>.jpg")
    address = file_url(DEMO.tenant_id, file.id)
    assert await shown.get_attribute("href") == str(server.make_url(address))
    await page.reload()
    await expect(shown).to_have_count(1)


async def test_a_stream_grows_can_be_stopped_and_becomes_the_message(
    page: Page, rehearsal: Rehearsal
) -> None:
    await write(page, "wait")
    await expect(page.locator("parley-chat .typing")).to_be_visible()
    talk = rehearsal.talks[0]
    reply_id = next(iter(rehearsal.replies))
    rehearsal.deltas(talk, reply_id, ["lost ", "attempt"], attempt=1)
    rehearsal.deltas(talk, reply_id, ["Half ", "an answer"], attempt=2)
    rehearsal.deltas(talk, reply_id, ["late"], attempt=1)
    streaming = page.locator("parley-chat .open .streaming .bubble")
    await expect(streaming).to_have_text("Half an answer")
    await expect(page.locator("parley-chat .finished .bot")).to_have_count(1)
    await page.locator("parley-chat .send.stop").click()
    rehearsal.say(talk, "Half an answer (stopped)", message_id=reply_id)
    await expect(bubble(page, "Half an answer (stopped)")).to_have_count(1)
    await expect(page.locator("parley-chat .streaming")).to_have_count(0)
    await expect(page.locator("parley-chat .send.stop")).to_be_hidden()
    assert rehearsal.stopped == [talk.external_id]


async def test_without_sockets_it_polls(page: Page, rehearsal: Rehearsal) -> None:
    rehearsal.down |= {"tickets", "listen"}
    await write(page, "hello")
    await expect(bubble(page, "You said: hello")).to_have_count(1)
    await write(page, "choose")
    await page.locator("parley-chat .choices .choice").first.click()
    await expect(bubble(page, "Pressed ask:Current")).to_have_count(1)
    await expect(page.locator("parley-chat .message.user")).to_have_count(3)


async def test_what_is_written_offline_is_sent_once_when_the_network_is_back(
    page: Page, rehearsal: Rehearsal
) -> None:
    await write(page, "before")
    await expect(bubble(page, "You said: before")).to_have_count(1)
    await page.context.set_offline(True)
    await expect(page.locator("parley-chat .status")).to_have_text(re.compile("Waiting|Connecting"))
    await write(page, "one")
    await write(page, "two")
    rehearsal.say(rehearsal.talks[0], "Said while you were away")
    await expect(page.locator("parley-chat .message.waiting")).to_have_count(2)
    await page.context.set_offline(False)
    await expect(bubble(page, "You said: two")).to_have_count(1, timeout=15_000)
    await expect(bubble(page, "Said while you were away")).to_have_count(1)
    await expect(page.locator("parley-chat .message.waiting")).to_have_count(0)
    said = [message.content for message in rehearsal.talks[0].messages.values()]
    assert [text for text in said if text in ("before", "one", "two")] == ["before", "one", "two"]


async def test_a_refused_message_is_marked_and_can_be_tried_again(page: Page, rehearsal: Rehearsal) -> None:
    await write(page, "hello")
    await expect(bubble(page, "You said: hello")).to_have_count(1)
    await page.evaluate(
        "document.querySelector('parley-chat').shadowRoot.querySelector('textarea').removeAttribute('maxlength')"
    )
    await write(page, "x" * 8001)
    retry = page.locator("parley-chat .message.failed .retry")
    await retry.click()
    await expect(page.locator("parley-chat .message.failed")).to_have_count(1)
    await expect(page.locator("parley-chat .message.user")).to_have_count(2)


async def test_an_expired_visitor_begins_anew_without_losing_the_message(
    page: Page, rehearsal: Rehearsal, server: TestServer
) -> None:
    await write(page, "hello")
    await expect(bubble(page, "You said: hello")).to_have_count(1)
    await page.evaluate(
        """() => { for (const key of Object.keys(localStorage))
        if (key.endsWith(":token")) localStorage[key] = '"x.y.z"'; }"""
    )
    await page.reload()
    await write(page, "as somebody new")
    await expect(bubble(page, "You said: as somebody new")).to_have_count(1)
    assert len({talk.external_id for talk in rehearsal.talks}) == 2


async def test_keyboard_only(page: Page) -> None:
    launcher = page.locator("parley-chat .launcher")
    await launcher.click()
    await expect(page.locator("parley-chat .panel")).to_be_hidden()
    await launcher.press("Enter")
    focused = "document.querySelector('parley-chat').shadowRoot.activeElement"
    assert await page.evaluate(f"{focused}.tagName") == "TEXTAREA"
    names = set()
    for _ in range(12):
        await page.keyboard.press("Tab")
        assert await page.evaluate(f"{focused} !== null && {focused}.closest('.panel') !== null")
        names.add(await page.evaluate(f"{focused}.className + {focused}.tagName"))
    assert len(names) >= 4
    await page.keyboard.press("Escape")
    await expect(page.locator("parley-chat .panel")).to_be_hidden()
    assert await page.evaluate(f"{focused}.className") == "launcher"


async def test_what_is_said_to_a_closed_chat_is_counted(page: Page, rehearsal: Rehearsal) -> None:
    await write(page, "hello")
    await expect(bubble(page, "You said: hello")).to_have_count(1)
    await page.evaluate("Parley.close()")
    await expect(page.locator("parley-chat .panel")).to_be_hidden()
    rehearsal.say(rehearsal.talks[0], "Are you there?")
    rehearsal.say(rehearsal.talks[0], "Hello?")
    await expect(page.locator("parley-chat .badge")).to_have_text(re.compile("^2"))
    await page.evaluate("Parley.open()")
    await expect(page.locator("parley-chat .badge")).to_be_hidden()


async def test_the_pages_script_may_drive_it_and_hears_of_it(page: Page) -> None:
    await page.evaluate(
        """() => { window.heard = [];
        for (const name of ['opened', 'closed', 'message'])
          Parley.on(name, (event) => heard.push([name, event.detail.text])); }"""
    )
    await page.evaluate("Parley.toggle()")
    await page.evaluate("Parley.push(['open'])")
    await write(page, "hello")
    await expect(bubble(page, "You said: hello")).to_have_count(1)
    assert await page.evaluate("heard") == [
        ["closed", None],
        ["opened", None],
        ["message", "You said: hello"],
    ]
    await page.evaluate("Parley.reset()")
    await expect(page.locator("parley-chat .message")).to_have_count(1)
    assert (
        await page.evaluate("Object.keys(localStorage).filter((key) => /token|cursor/.test(key)).length") == 0
    )


async def test_the_log_speaks_finished_messages_only(page: Page, rehearsal: Rehearsal) -> None:
    await write(page, "wait")
    await expect(page.locator("parley-chat .typing")).to_be_visible()
    rehearsal.deltas(rehearsal.talks[0], next(iter(rehearsal.replies)), ["Half"])
    await expect(page.locator("parley-chat .streaming")).to_be_visible()
    log = page.locator("parley-chat [role=log]")
    assert await log.get_attribute("aria-live") == "polite"
    await expect(log.locator(".streaming")).to_have_count(0)


Serve = Callable[[str], Any]


@pytest_asyncio.fixture(loop_scope="module")
async def host_page(rehearsal: Rehearsal) -> AsyncIterator[Serve]:
    """Another site's page, with the strictest policy that lets the widget in."""
    running: list[TestServer] = []

    async def serve(widget_host: str) -> TestServer:
        policy = (
            f"default-src 'none'; script-src {widget_host}; "
            f"connect-src {widget_host} {widget_host.replace('http', 'ws')}"
        )
        line = f'<script src="{widget_host}/widget.js" data-site="demo" async></script>'

        async def show(_: web.Request) -> web.Response:
            headers = {"Content-Security-Policy": policy}
            return web.Response(text=f"<!doctype html>{line}", content_type="text/html", headers=headers)

        app = web.Application()
        app.router.add_get("/", show)
        server = TestServer(app)
        await server.start_server()
        running.append(server)
        return server

    yield serve
    await asyncio.gather(*(server.close() for server in running))


async def test_another_sites_page_with_a_strict_policy(
    browser: Browser, server: TestServer, rehearsal: Rehearsal, host_page: Serve
) -> None:
    host = await host_page(str(server.make_url("/")).rstrip("/"))
    origin = str(host.make_url("/")).rstrip("/")
    rehearsal.channels["demo"] = replace(DEMO, settings={"allowed_origins": [origin]})
    context = await browser.new_context()
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if "policy" in said.text.lower() else None)
    await page.goto(origin)
    await page.locator("parley-chat .launcher").click()
    await write(page, "from another site")
    await expect(bubble(page, "You said: from another site")).to_have_count(1)
    assert complaints == []
    await context.close()
