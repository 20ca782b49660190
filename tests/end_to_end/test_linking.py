"""One person with two chats: linked by a code, a form begun in one is finished in the other, and parted again."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiohttp import ClientSession
from clocks import MovableClock
from databases import DatabaseUrls
from fleet import until
from house import House, open_house
from people import Visitor

from adapters.terminal.adapter import TerminalAdapter
from bot.demo import ensure_demo

DEMO_BOTS = Path(__file__).parents[2] / "config" / "tenants"
CODE = re.compile(r"[2-9A-Z]{4}-[2-9A-Z]{4}")
QUESTION = "You have this under way on the web, since today: Loan. Go on with that here?"


@pytest.fixture
def console() -> list[str]:
    """What the demo's console shows: the one-time codes."""
    return []


@pytest.fixture
async def bank(
    database: DatabaseUrls, redis_url: str, clock: MovableClock, console: list[str]
) -> AsyncIterator[House]:
    terminal = {"terminal": TerminalAdapter(console.append)}
    async with open_house(database, redis_url, DEMO_BOTS, terminal, clock) as house:
        await ensure_demo(house.runtime)
        yield house


async def enter(http: ClientSession, bank: House) -> Visitor:
    return await Visitor.enter(http, bank.url, "demo")


async def linked(one: Visitor, other: Visitor) -> None:
    """Type the one chat's code in the other, say yes, and wait until the first has heard of it."""
    [shown] = await one.say("link my chats")
    [code] = CODE.findall(shown)
    await other.say("/link")
    [sure] = await other.say(code)
    assert sure.startswith("This code is from the web (…")
    [done] = await other.say("yes")
    assert done.startswith("Done: you are the same person here and on web")

    async def has_heard() -> bool:
        return (await one.transcript())[-1][1].startswith("Done: you are the same person")

    await until(has_heard, "the chat whose code was used to be told")


async def test_a_loan_begun_in_one_chat_is_finished_in_the_other(
    bank: House, console: list[str], http: ClientSession, owner: asyncpg.Connection[Any]
) -> None:
    laptop, phone = await enter(http, bank), await enter(http, bank)
    for text in ("apply for a loan", "A car", "10000", "48", "Employed", "4000"):
        said = await laptop.say(text)
    assert said == ["Step 6/7: What do you pay back for other loans each month?"]
    await linked_beside(laptop, phone)
    assert await phone.say("apply for a loan") == [QUESTION]
    assert await phone.say("yes") == ["All right, we go on here.", said[0]]
    sealed = await owner.fetch("select flow, sealed, data from conversation_state where flow = 'loan'")
    assert [(row["flow"], row["data"]) for row in sealed] == [("loan", "{}")]
    assert sealed[0]["sealed"] is not None
    assert (await laptop.transcript())[-1] == ("system", "Continued on the web.")
    assert await phone.say("0") == ["Step 7/7: What is your full name?"]
    assert await phone.say("Ada Lovelace") == ["This is our offer:", "Do you accept it?"]
    await phone.say("yes")
    assert bank.runtime.deliveries is not None
    await bank.runtime.deliveries.settle()
    [done] = await phone.say(re.findall(r"\d{6}", console[-1])[0])
    assert done.startswith("Done, Ada Lovelace. Your application L-")
    assert await laptop.say("cancel") == ["There is nothing to cancel."]


async def linked_beside(one: Visitor, other: Visitor) -> None:
    """The same in the middle of a form: the flow that links is a digression upon it."""
    [shown] = await one.say("link my chats")
    [code] = CODE.findall(shown)
    await other.say("/link")
    [sure] = await other.say(code)
    assert "what is under way there: Loan, since today" in sure
    await other.say("Yes, join them")

    async def goes_on() -> bool:
        return (await one.transcript())[-1][1].startswith("Step 6/7")

    await until(goes_on, "the form to go on where the link was asked for")


async def test_after_parting_nothing_is_offered_and_continue_is_a_word_like_any(
    bank: House, http: ClientSession
) -> None:
    laptop, phone = await enter(http, bank), await enter(http, bank)
    await linked(laptop, phone)
    await laptop.say("apply for a loan")
    assert await phone.say("continue") == [QUESTION]
    assert await phone.say("no") == ["All right, it stays there."]
    [sure] = await laptop.say("unlink my chats")
    assert sure.startswith("This chat is joined with the web (…")
    assert (await laptop.say("yes"))[0] == "Done. Each chat is by itself again."
    assert (await phone.say("apply for a loan"))[0].startswith("Let us see what we can do.")


async def test_a_yes_writes_one_link_with_its_proof(
    bank: House, http: ClientSession, owner: asyncpg.Connection[Any]
) -> None:
    laptop, phone = await enter(http, bank), await enter(http, bank)
    await linked(laptop, phone)
    rows = await owner.fetch(
        "select user_id, linked_user_id, proof from identity_links where ended_at is null"
    )
    assert [row["proof"] for row in rows] == ["one_time_code"]
    assert await owner.fetchval("select count(*) from users where linked") == 2


async def test_a_code_works_once_and_not_in_its_own_chat(bank: House, http: ClientSession) -> None:
    laptop, phone, thief = [await enter(http, bank) for _ in range(3)]
    [shown] = await laptop.say("link my chats")
    [code] = CODE.findall(shown)
    assert (await laptop.say(code))[0].startswith("That is the code of this chat")
    await phone.say("/link")
    await phone.say(code)
    await thief.say("/link")
    assert (await thief.say(code))[0].startswith("That code is not right")
    transcripts = [await each.transcript() for each in (phone, thief)]
    assert all(("user", "[sensitive]") in transcript for transcript in transcripts)
    assert all(code not in text for transcript in transcripts for _, text in transcript)


async def test_two_chats_that_go_on_with_the_same_form_at_once_have_it_once(
    bank: House, http: ClientSession, owner: asyncpg.Connection[Any]
) -> None:
    laptop, phone, tablet = [await enter(http, bank) for _ in range(3)]
    await linked(laptop, phone)
    await linked(laptop, tablet)
    await laptop.say("apply for a loan")
    for each in (phone, tablet):
        assert await each.say("continue") == [QUESTION]
    said = await asyncio.gather(phone.say("yes"), tablet.say("yes"))
    assert sorted(said, key=len) == [
        ["That has gone on elsewhere meanwhile."],
        ["All right, we go on here.", "Step 1/7: What is the loan for?"],
    ]
    assert await owner.fetchval("select count(*) from conversation_state where flow = 'loan'") == 1
