"""A verb without `await` in front of it is a failure of the test, with file and line."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import pytest
from written_tests import bot_from, differences, played, script_of

from flows.checking.repeating import check
from flows.rehearsal.forgotten import UNAWAITED, forgotten

FLOWS = """
from flows import Chat, Flow

main = Flow("main", phrases=["go"])

async def look_up():
    return 1

@main
async def be_main(chat: Chat) -> None:
    {line}
    await chat.ask("name", "Name?")
    await chat.say("Done.")
"""
TALK = "{name: x, talk: [user: go, user: Ada]}"


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ('chat.say("Hello!")', "say"),
        ('chat.ask("age", "Age?", int)', "ask"),
        ('kept = chat.say("Hello!")', "say"),
        ("look_up()", "look_up"),
    ],
)
async def test_a_verb_that_was_not_awaited_fails_the_test_and_the_check_with_its_line(
    tmp_path: Path, line: str, name: str
) -> None:
    bot = bot_from(tmp_path, FLOWS.format(line=line))
    place = f"{tmp_path / 'written.py'}:11"
    assert differences(await played(bot, TALK)) == [f"! {place}: {name}: {UNAWAITED}"]
    [found] = await check(bot, script_of(TALK))
    assert (found.place, found.verb, found.difference, found.mistake) == (place, name, UNAWAITED, True)


async def test_calls_that_are_given_to_gather_are_not_forgotten(tmp_path: Path) -> None:
    bot = bot_from(tmp_path, FLOWS.format(line="await chat.gather(chat.call(look_up), chat.call(look_up))"))
    talk = "{name: x, given: {calls: {look_up: 1}}, talk: [user: go, user: Ada]}"
    assert differences(await played(bot, talk)) == []
    assert await check(bot, script_of(talk)) == []


async def test_a_call_that_was_not_awaited_because_the_flow_failed_is_told_beside_the_failure(
    tmp_path: Path,
) -> None:
    bot = bot_from(tmp_path, FLOWS.format(line="kept = look_up(); 1 / 0"))
    found = differences(await played(bot, "{name: x, talk: [user: go]}"))
    assert [each.partition(":")[0] for each in found] == ["! the flow failed", f"! {tmp_path / 'written.py'}"]


def test_other_warnings_go_where_they_went_and_python_is_left_as_it_was() -> None:
    depth = sys.get_coroutine_origin_tracking_depth()
    with pytest.warns(UserWarning, match="something else"), forgotten() as found:
        warnings.warn("something else", UserWarning, stacklevel=1)
    assert found == []
    assert sys.get_coroutine_origin_tracking_depth() == depth
