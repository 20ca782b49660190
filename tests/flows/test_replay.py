"""Replay: the same record gives the same turn, and costs next to nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flow_services import Conversation, bot_that
from hypothesis import given, settings
from hypothesis import strategies as st

from flows import Chat, Flow
from flows.bot import Bot
from flows.engine import run_turn
from storage.outcomes import Outcome
from storage.records import Turn

utterances = st.sampled_from(
    ["go", "other", "back", "cancel", "help", "start over", "1", "2", "yes", "nonsense", "Savings", "/other"]
)


def busy() -> Bot:
    main, other, child = (
        Flow("main", phrases=["go"]),
        Flow("other", phrases=["other"], command="other"),
        Flow("child"),
    )

    async def double(number: int) -> int:
        return number * 2

    @main
    async def script(chat: Chat) -> None:
        await chat.say("main in")
        number = await chat.ask("number", "Number?", int)
        doubled = await chat.call(double, number)
        account = await chat.ask("account", f"Which of {doubled}?", choices=["Current", "Savings"])
        word = await chat.enter(child)
        await chat.say(f"{account} {word}")
        if await chat.ask("sure", "Sure?", bool):
            await chat.call(double, doubled, final=True)
        await chat.ask("last", "Last?")
        await chat.say("main out")

    @other
    async def digress(chat: Chat) -> None:
        await chat.say(f"other {await chat.ask('sure', 'Other?', bool, ephemeral=True)}")

    @child
    async def inner(chat: Chat) -> Any:
        await chat.say("child in")
        return await chat.ask("word", "Word?", ephemeral=True)

    return Bot([main, other, child])


def visible(outcome: Outcome) -> tuple[Any, ...]:
    replies = [(message.content, message.content_type) for message in outcome.replies]
    return replies, outcome.state, outcome.redact_input, outcome.parked_for


@settings(deadline=None, max_examples=80)
@given(st.lists(utterances, max_size=14))
async def test_two_passes_over_the_same_record_agree(said: list[str]) -> None:
    talk = Conversation(busy())
    for text in said:
        entry = talk.entry(text)
        turn = Turn(talk.session, 1, entry, talk.state, 0)
        before, ephemeral = talk.services.ids, dict(talk.services.ephemeral)
        first = await run_turn(talk.bot, turn, talk.services)
        talk.services.ids, talk.services.ephemeral = before, ephemeral
        assert visible(await run_turn(talk.bot, turn, talk.services)) == visible(first)
        talk.commit(first)


@settings(deadline=None, max_examples=80)
@given(st.lists(utterances, max_size=14), st.sets(st.integers(0, 13)), st.sets(st.integers(1, 4), min_size=1))
async def test_a_long_conversation_with_crashes_says_the_same(
    said: list[str], crashing: set[int], kills: set[int]
) -> None:
    transcripts = []
    for dies in (False, True):
        talk = Conversation(busy())
        for position, text in enumerate(said):
            talk.services.kill_at = set(kills) if dies and position in crashing else set()
            await talk.say(text)
        transcripts.append(talk.transcript)
    assert transcripts[0] == transcripts[1]


@settings(deadline=None, max_examples=80)
@given(st.lists(utterances, max_size=14))
async def test_no_conversation_makes_a_turn_fail_or_leaves_a_question_open_unasked(said: list[str]) -> None:
    talk = Conversation(busy())
    for text in said:
        assert await talk.say(text), text
        assert talk.failure is None
        waiting = bool(talk.state.data)
        assert waiting == (talk.state.state_name is not None)


async def test_an_answer_three_days_later_goes_on() -> None:
    async def script(chat: Chat) -> None:
        began = await chat.memo("began", lambda: chat.now)
        await chat.ask("name", "Name?")
        await chat.say(str((chat.now - began).days))

    talk = Conversation(bot_that(script))
    await talk.say("go")
    talk.pass_time(timedelta(days=3))
    assert await talk.say("Ada") == ["3"]


async def test_an_ordinary_turn_writes_no_checkpoint() -> None:
    talk = Conversation(busy())
    entry = talk.entry("go")
    await run_turn(talk.bot, Turn(talk.session, 1, entry, talk.state, 0), talk.services)
    assert talk.services.checkpoints == []
