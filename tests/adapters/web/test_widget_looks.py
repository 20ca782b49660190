"""The widget is readable, reachable and whole, whatever the colour and the size."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, expect
from rehearsal import Rehearsal
from rehearsed_bot import answer, write

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def rehearsal() -> Rehearsal:
    return Rehearsal(answer)


CONTRASTS = """() => {
  const root = document.querySelector("parley-chat").shadowRoot;
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const parts = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (rgb) => rgb.slice(0, 3).map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const rgb = parts(getComputedStyle(at).backgroundColor);
      if (rgb[3] === 255) return luminance(rgb);
    }
    return 1;
  };
  const poor = [];
  for (const node of root.querySelectorAll("*")) {
    const says = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
    if (!says || !node.checkVisibility() || node.closest(".hidden, button:disabled")) continue;
    const ink = luminance(parts(getComputedStyle(node).color));
    const [high, low] = [ink, behind(node)].sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < 4.5) poor.push([node.className || node.tagName, ratio.toFixed(2)]);
  }
  return poor; }"""

SMALL = """() => [...document.querySelector("parley-chat").shadowRoot.querySelectorAll("button, textarea")]
  .filter((node) => node.checkVisibility())
  .map((node) => [node.className || node.tagName, node.getBoundingClientRect()])
  .filter(([, box]) => box.width < 44 || box.height < 44).map(([name]) => name)"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("colour", ["#ffd400", "#000000", "#e91e63"])
async def test_whatever_the_accent_everything_is_readable_and_large_enough(
    browser: Browser, server: TestServer, rehearsal: Rehearsal, scheme: Any, colour: str
) -> None:
    rehearsal.face = replace(rehearsal.face, colour=colour)
    context = await browser.new_context(color_scheme=scheme, reduced_motion="reduce")
    page = await context.new_page()
    await page.goto(str(server.make_url("/")))
    await expect(page.locator("parley-chat .panel")).to_be_visible()
    assert await page.evaluate(CONTRASTS) == []
    await write(page, "markup")
    await expect(page.locator("parley-chat .bot strong")).to_be_visible()
    await write(page, "cite")
    await page.locator("parley-chat .citations summary").click(position={"x": 2, "y": 8})
    await write(page, "choose")
    await expect(page.locator("parley-chat .choices")).to_be_visible()
    assert await page.evaluate(CONTRASTS) == []
    assert await page.evaluate(SMALL) == []
    await context.close()


@pytest.mark.parametrize(("width", "height"), [(390, 844), (320, 256), (1280, 800)])
async def test_nothing_is_cut_off_at_any_size(
    browser: Browser, server: TestServer, width: int, height: int
) -> None:
    context = await browser.new_context(viewport={"width": width, "height": height})
    page = await context.new_page()
    await page.goto(str(server.make_url("/")))
    await page.locator("parley-chat .launcher").wait_for()
    await page.evaluate("Parley.open()")
    await write(page, "a-very-long-word-" * 30)
    await expect(page.locator("parley-chat .finished .bot")).to_have_count(2)
    wide = "[...document.querySelector('parley-chat').shadowRoot.querySelectorAll('.panel, .log, .bubble')]"
    assert await page.evaluate(f"{wide}.filter((n) => n.scrollWidth > n.clientWidth + 1).length") == 0
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    box = await page.locator("parley-chat .composer").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["y"] + box["height"] <= height
    await context.close()
