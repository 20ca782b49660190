"""The guide to conversation tests: its tests pass, its drawing is what is drawn, its transcript what is shown."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from guides import ROOT, Block, blocks
from recorded_talk import RecordedTalk
from written_tests import bot_from

from flows.bot import Bot
from flows.drawing.mermaid import mermaid
from flows.drawing.tracing import trace
from flows.rehearsal.playing import play
from flows.rehearsal.reading import read_text
from flows.rehearsal.replaying import replay
from flows.rehearsal.transcript import lines_of, told

GUIDE = blocks(ROOT / "docs" / "testing-flows.md")
FILE = Path("config/tenants/museum/tests/visit.yaml")


def only(language: str, part: str = "") -> Block:
    [block] = [block for block in GUIDE if block.language == language and part in block.text]
    return block


@pytest.fixture
def museum(tmp_path: Path) -> Bot:
    return bot_from(tmp_path, only("python").text)


async def test_the_tests_of_the_guide_pass(museum: Bot) -> None:
    for script in read_text(only("yaml").text, FILE):
        transcript = await play(museum, script)
        assert not transcript.differs, "\n".join(told(transcript))


async def test_the_transcript_of_the_guide_is_what_is_shown(museum: Bot) -> None:
    text = only("yaml").text.replace(
        "  - bot: Our till does not answer. Please try again later.", "  - bot: Our till is closed."
    )
    _, script = read_text(text, FILE)
    shown = "\n".join(told(await play(museum, script)))
    assert shown in only("console", "parley flows test --tenant museum\n✗").text


async def test_the_replay_of_the_guide_is_what_is_shown(museum: Bot, tmp_path: Path) -> None:
    recorded = RecordedTalk(museum)
    await recorded.type("book a visit")
    await recorded.press("Friday")
    await recorded.type("2", after=timedelta(days=3))
    await recorded.type("yes")
    (tmp_path / "now").mkdir()
    now = bot_from(tmp_path / "now", only("python").text.replace("Which day?", "What day?"))
    shown = "\n".join(lines_of(await replay(now, recorded.talk)))
    assert shown in only("console", "parley replay").text


def test_the_drawing_of_the_guide_is_what_is_drawn(museum: Bot) -> None:
    flow = museum.registry.newest("visit")
    assert flow is not None
    assert mermaid([trace(flow)]) in only("console", "flowchart").text


async def test_the_test_of_the_readme_passes(tmp_path: Path) -> None:
    [flow], [test] = (
        [block.text for block in blocks(ROOT / "README.md") if block.language == language]
        for language in ("python", "yaml")
    )
    bot = bot_from(tmp_path, flow)
    for script in read_text(test, FILE):
        transcript = await play(bot, script)
        assert not transcript.differs, "\n".join(told(transcript))
