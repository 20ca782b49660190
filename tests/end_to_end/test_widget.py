"""A person in a browser talks to the real `parley run`, reloads the page, and the server is killed meanwhile."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest
from fleet import until
from playwright.async_api import Page, async_playwright, expect
from real_run import RealRun, real_run

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
)


@pytest.fixture
async def parley() -> AsyncIterator[RealRun]:
    async with real_run() as run:
        yield run


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield await chromium.new_page(viewport={"width": 1280, "height": 900})
        await chromium.close()


async def write(page: Page, text: str) -> None:
    field = page.locator("parley-chat textarea")
    await field.fill(text)
    await field.press("Enter")


async def sees(page: Page, text: str, count: int = 1) -> None:
    """Exactly so many messages of the conversation hold the text."""
    messages = page.locator("parley-chat .finished .message", has_text=text)
    await expect(messages).to_have_count(count, timeout=30_000)


async def next_code(parley: RealRun, count: int) -> str:
    async def shown() -> list[str] | None:
        # Its closing line says that the delivery is settled too: killed before, the lane would wait for its lease.
        codes, settled = parley.codes(), parley.log.count('"event":"delivery"')
        return codes if len(codes) >= count and settled >= count else None

    return str((await until(shown, "the code on the console"))[-1])


async def test_a_conversation_goes_on_over_a_reload_and_a_server_that_was_killed(
    parley: RealRun, page: Page
) -> None:
    await page.goto(parley.url)
    await write(page, "What is my balance?")
    await sees(page, "Which account?")

    await page.reload()
    await sees(page, "What is my balance?")
    await sees(page, "Which account?")
    await page.locator("parley-chat .choice", has_text="Savings").click()
    await sees(page, "I have sent a code to")
    code = await next_code(parley, 1)

    parley.kill()
    # Written while nobody is there: it waits in the page, with its id.
    await write(page, "what is this")
    await expect(page.locator("parley-chat .message.user.waiting")).to_have_count(1)
    await parley.start()
    await sees(page, "Please enter the code that I sent you")
    await expect(page.locator("parley-chat .message.user.waiting")).to_have_count(0)
    await sees(page, "what is this")

    # The servers are new too: Redis has forgotten the code, so it opens nothing and another is sent.
    await write(page, code)
    await sees(page, "That code has expired")
    await write(page, await next_code(parley, 2))
    await sees(page, "Your savings account holds €18,300.00.")

    await page.reload()
    await sees(page, "Your savings account holds €18,300.00.")
    await sees(page, "Which account?")
    await sees(page, "[sensitive]", 2)
