"""The conversation tests of the bots that come with Parley pass, and no file of them is loaded as a flow."""

from __future__ import annotations

from pathlib import Path

import pytest
from written_tests import Settings

import config
from flows.bot import Bot
from flows.checking.repeating import check
from flows.load import load_bot
from flows.rehearsal.playing import play
from flows.rehearsal.reading import read_file
from flows.rehearsal.script import Script
from flows.rehearsal.transcript import told

DEMO = Path(config.__file__).parent / "tenants" / "demo"
SCRIPTS = [script for path in sorted((DEMO / "tests").glob("*.yaml")) for script in read_file(path)]


@pytest.fixture(scope="module")
def demo() -> Bot:
    return load_bot(DEMO / "flows", Settings())


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
async def test_a_sample_conversation_goes_as_it_is_written(demo: Bot, script: Script) -> None:
    transcript = await play(demo, script)
    assert not transcript.differs, "\n" + "\n".join(told(transcript))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
async def test_a_sample_flow_comes_the_same_way_each_time(demo: Bot, script: Script) -> None:
    assert await check(demo, script) == []
