"""A flow that comes another way when it is run again is found, with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from written_tests import bot_from, script_of

from flows.checking.repeating import Unsteady, check

HEAD = """
import random
from flows import Chat, Flow

main = Flow("main", phrases=["go"])
COUNT = iter(range(1_000_000))

async def send(number): return number

@main
async def be_main(chat: Chat) -> None:
"""
TALK = "{name: x, given: {calls: {send: 1, other: 2}}, talk: [user: go, user: one, user: two, user: three]}"


async def unsteady(folder: Path, body: str) -> list[Unsteady]:
    source = HEAD + "\n".join(f"    {line}" for line in body.strip().splitlines())
    return await check(bot_from(folder, source), script_of(TALK))


@pytest.mark.parametrize(
    ("body", "verb", "difference"),
    [
        (
            """
await chat.ask("a", "A?")
if chat.now.day == 1:
    await chat.say("The first!")
await chat.ask("b", "B?")
""",
            "say",
            "say (line 14) in one run, ask 'b' (line 15) in another",
        ),
        (
            """
await chat.ask("a", "A?")
await chat.ask(f"b{next(COUNT)}", "B?")
""",
            "ask",
            "ask 'b",
        ),
        (
            """
await chat.ask("a", "A?")
await chat.call(send, next(COUNT))
await chat.ask("b", "B?")
""",
            "call",
            "its arguments differ from run to run",
        ),
    ],
)
async def test_a_flow_that_comes_another_way_is_found(
    tmp_path: Path, body: str, verb: str, difference: str
) -> None:
    [found] = await unsteady(tmp_path, body)
    assert (found.flow, found.verb, found.grave) == ("main", verb, True)
    assert found.difference.startswith(difference)
    assert found.place.startswith(str(tmp_path / "written.py:"))


async def test_words_that_differ_are_a_note_only(tmp_path: Path) -> None:
    [found] = await unsteady(tmp_path, 'await chat.say(f"It is {chat.now}.")\nawait chat.ask("a", "A?")')
    assert not found.grave
    assert found.difference.startswith("its words differ from run to run: 'It is 2026-03-01")


async def test_what_is_kept_by_memo_or_used_after_the_record_is_no_difference(tmp_path: Path) -> None:
    body = """
lucky = await chat.memo("lucky", lambda: random.randint(1, 10**9))
await chat.say(f"Your number is {lucky}.")
await chat.ask("a", "A?", lambda text: chat.now)
await chat.call(send, lucky)
await chat.ask("b", "B?")
await chat.say(f"It is {random.random()}.")
"""
    assert await unsteady(tmp_path, body) == []


async def test_calls_side_by_side_are_no_difference_unless_their_arguments_are(tmp_path: Path) -> None:
    body = """
await chat.ask("a", "A?")
await chat.gather(chat.call(send, 1), chat.call(send, 2, name="other"))
await chat.ask("b", "B?")
"""
    assert await unsteady(tmp_path, body) == []
    [found] = await unsteady(tmp_path, body.replace("call(send, 1)", "call(send, next(COUNT))"))
    assert (found.verb, found.grave) == ("call", True)
    assert found.place.startswith(str(tmp_path / "written.py:"))


async def test_nothing_is_called_or_said_while_it_is_checked(tmp_path: Path) -> None:
    source = HEAD.replace("return number", "MADE.append(number)").replace("COUNT =", "MADE = []\nCOUNT =") + (
        "    await chat.ask('a', 'A?')\n    await chat.call(send, 1)\n    await chat.ask('b', 'B?')\n"
        "    await chat.say(str(len(MADE)))\n"
    )
    bot = bot_from(tmp_path, source)
    assert await check(bot, script_of(TALK.replace("calls: {send: 1, other: 2}", "run: [send]"))) == []
    flow = bot.registry.newest("main")
    assert flow is not None
    assert flow.script.__globals__["MADE"] == [1]


@pytest.mark.parametrize(
    ("line", "difference"),
    [
        ('await chat.ask("a", "A?", reminder="Well?")', "ask a: reminder= is said after half of timeout="),
        (
            'await chat.ask("a", "A?", validators.several_of(["x"], least=2))',
            "several_of: least=2 of 1 options",
        ),
        ('await chat.ask("a", "A?", choices="ab")', "ask a: choices= is a list"),
        ('await chat.say("A?", choices="ab")', "say: choices= is a list"),
    ],
)
async def test_a_mistake_that_a_test_comes_to_is_found_with_its_line(
    tmp_path: Path, line: str, difference: str
) -> None:
    found = await unsteady(tmp_path, f"from flows import validators\n{line}")
    assert [(each.flow, each.place, each.mistake) for each in found] == [
        ("main", f"{tmp_path / 'written.py'}:13", True)
    ]
    assert found[0].difference.startswith(difference)
