"""What becomes of a conversation that waits, when the code has changed under it."""

from __future__ import annotations

from pathlib import Path

import pytest
from written_tests import bot_from

from flows.checking.fates import Fate, outlook
from flows.rehearsal.conversation import SESSION, Conversation
from flows.rehearsal.script import NOON
from flows.rehearsal.services import RehearsedServices
from storage.records import State

OLD = """
from flows import Chat, Flow
visit = Flow("visit", phrases=["go"])
hours = Flow("hours", phrases=["hours"])

@visit
async def book(chat: Chat) -> None:
    who = await chat.ask("who", "Who?")
    day = await chat.ask("day", "Which day?")

@hours
async def tell(chat: Chat) -> None:
    await chat.ask("house", "Which house?")
"""
EFFECTS = """
CALLED = []
def look(): CALLED.append(1)
"""


async def waiting(folder: Path, *texts: str) -> State:
    conversation = Conversation(bot_from(folder, OLD), RehearsedServices())
    for text in texts or ("go", "Ada"):
        await conversation.type(text)
    return conversation.state


@pytest.mark.parametrize(
    ("new", "fate", "why"),
    [
        (OLD, Fate.CONTINUES, ""),
        (OLD.replace("Which day?", "On what day?"), Fate.CONTINUES, ""),
        (
            OLD.replace("    day = await", '    await chat.ask("how_many", "How many?")\n    day = await'),
            Fate.RESTARTS,
            "ask how_many#0 is not on record before day#0",
        ),
        (
            OLD.replace('phrases=["go"]', 'phrases=["go"], version="2"').replace(
                '"who", "Who?"', '"name", "Name?"'
            )
            + '\n@visit.migrate("1")\ndef anew(answers): return {"name": answers["who"]}\n',
            Fate.MIGRATES,
            "ask name#0 is not on record before day#0",
        ),
        (OLD.replace('"visit"', '"stay"'), Fate.RETIRED, "there is no such flow any more"),
        (
            OLD.replace("    day = await", "    1 / 0\n    day = await"),
            Fate.RESTARTS,
            "ZeroDivisionError before day#0",
        ),
        (
            EFFECTS + OLD.replace("    day = await", "    await chat.call(look)\n    day = await"),
            Fate.RESTARTS,
            "call look#0 is not on record before day#0",
        ),
        (
            EFFECTS + OLD.replace('"Which day?")', '"Which day?")\n    await chat.call(look)'),
            Fate.CONTINUES,
            "",
        ),
    ],
)
async def test_a_waiting_conversation_meets_the_new_code(
    tmp_path: Path, new: str, fate: Fate, why: str
) -> None:
    state = await waiting(tmp_path / "old")
    bot = bot_from(tmp_path / "new", new)
    look = await outlook(bot, SESSION, state, NOON)
    assert (look.fate, look.flow, look.why) == (fate, "visit", why)
    flow = bot.registry.newest("hours")
    assert flow is not None
    assert flow.script.__globals__.get("CALLED", []) == []


async def test_the_flow_that_fares_worst_tells_for_a_stack_of_them(tmp_path: Path) -> None:
    state = await waiting(tmp_path / "old", "go", "hours")
    assert state.flow == "hours"
    changed = OLD.replace('"who", "Who?"', '"name", "Name?"')
    look = await outlook(bot_from(tmp_path / "new", changed), SESSION, state, NOON)
    assert (look.fate, look.flow) == (Fate.RESTARTS, "visit")


async def test_a_state_that_cannot_be_read_is_damaged(tmp_path: Path) -> None:
    bot = bot_from(tmp_path, OLD)
    look = await outlook(bot, SESSION, State(1, "visit", "1", "day#0", {"format": 99}), NOON)
    assert look.fate is Fate.DAMAGED
    look = await outlook(bot, SESSION, State(1, "visit", damage="cannot be opened"), NOON)
    assert (look.fate, look.why) == (Fate.DAMAGED, "cannot be opened")
