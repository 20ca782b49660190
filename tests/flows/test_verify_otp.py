"""`verify_otp`: only the right code goes on; everything else fails closed."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from flow_services import Conversation

from flows import Chat, Flow
from flows.bot import Bot


def guarded(*, branch: bool = True) -> Bot:
    flow = Flow("main", phrases=["go"])

    @flow
    async def script(chat: Chat) -> None:
        await chat.verify_otp()
        await chat.say("the secret")

    if branch:

        @flow.unverified
        async def sorry(chat: Chat) -> None:
            await chat.say("not verified")
            word = await chat.ask("word", "Leave a word?")
            await chat.say(f"noted {word}")

    other = Flow("other", phrases=["hello"])

    @other
    async def greet(chat: Chat) -> None:
        await chat.say("hi")

    return Bot([flow, other])


async def test_the_code_leaves_with_the_question_and_is_nowhere_else() -> None:
    talk = Conversation(guarded())
    [question] = await talk.say("go")
    assert talk.outcome is not None
    [dispatch] = talk.outcome.dispatches
    assert "100001" in dispatch.content
    assert "100001" not in question + str(talk.state.data)
    assert talk.outcome.state is not None
    assert talk.outcome.state.sensitive


@pytest.mark.parametrize("typed", ["100001", " 100 001 ", "100-001", "my code is 100001, thanks"])
async def test_the_right_code_goes_on_and_is_redacted(typed: str) -> None:
    talk = Conversation(guarded())
    await talk.say("go")
    assert await talk.say(typed) == ["the secret"]
    assert talk.outcome is not None
    assert talk.outcome.redact_input


async def test_a_wrong_code_may_be_tried_again_until_it_is_locked() -> None:
    talk = Conversation(guarded())
    await talk.say("go")
    for _ in range(4):
        assert await talk.say("999999") == [talk.bot.texts.otp_wrong]
    assert await talk.say("999999") == [talk.bot.texts.otp_locked, "not verified", "Leave a word?"]
    assert await talk.say("100001") == ["noted 100001"]


async def test_resend_makes_a_new_code_and_the_old_one_is_wrong() -> None:
    talk = Conversation(guarded())
    await talk.say("go")
    [again] = await talk.say("Resend")
    assert again.startswith("I have sent a new code")
    assert talk.outcome is not None
    assert len(talk.outcome.dispatches) == 1
    assert await talk.say("100001") == [talk.bot.texts.otp_wrong]
    assert await talk.say("100002") == ["the secret"]


async def test_an_expired_code_is_replaced() -> None:
    talk = Conversation(guarded())
    await talk.say("go")
    talk.services.codes.clear()
    [again] = await talk.say("100001")
    assert again.startswith("That code has expired. I have sent a new code")
    assert await talk.say("100002") == ["the secret"]


@pytest.mark.parametrize("refusal", ["no_address", "too_many"])
async def test_without_a_code_the_unverified_branch_is_the_only_way(refusal: str) -> None:
    talk = Conversation(guarded())
    talk.services.refusal = refusal
    assert await talk.say("go") == ["not verified", "Leave a word?"]
    assert await talk.say("x") == ["noted x"]


async def test_without_a_branch_the_flow_ends() -> None:
    talk = Conversation(guarded(branch=False))
    talk.services.refusal = "no_address"
    assert await talk.say("go") == [talk.bot.texts.unverified]
    assert talk.state.flow is None


async def test_redis_down_at_the_start_fails_closed() -> None:
    talk = Conversation(guarded(branch=False))
    talk.services.redis_down = True
    assert await talk.say("go") == [talk.bot.texts.otp_down]
    assert talk.state.flow is None


async def test_redis_down_at_the_guess_keeps_waiting() -> None:
    talk = Conversation(guarded())
    await talk.say("go")
    talk.services.redis_down = True
    assert await talk.say("100001") == [talk.bot.texts.otp_down]
    talk.services.redis_down = False
    assert await talk.say("100001") == ["the secret"]


async def test_another_flow_may_interrupt_and_no_second_code_is_sent() -> None:
    talk = Conversation(guarded())
    await talk.say("go")
    assert await talk.say("hello") == ["hi", talk.bot.texts.otp_repeat]
    assert talk.services.purposes == talk.services.purposes[:1]
    assert await talk.say("what?") == [talk.bot.texts.otp_repeat]
    assert await talk.say("100001") == ["the secret"]


async def test_the_purpose_names_flow_run_and_verb() -> None:
    talk = Conversation(guarded())
    await talk.say("go")
    run = talk.state.data["frames"][0]["run"]
    assert talk.services.purposes == [f"main/{run}/otp#0"]


async def test_a_right_code_stays_right_when_the_turn_dies_after_it() -> None:
    talk = Conversation(guarded())
    await talk.say("go")
    talk.services.kill_at = {1}
    assert await talk.say("100001") == ["the secret"]
    assert talk.services.kill_at == set(), "the turn did not die"
    assert talk.outcome is not None
    assert talk.outcome.redact_input


async def test_a_flow_that_catches_everything_gets_nowhere_unverified() -> None:
    flow = Flow("main", phrases=["go"])

    @flow
    async def script(chat: Chat) -> None:
        with suppress(BaseException):
            await chat.verify_otp()
        await chat.say("the secret")

    talk = Conversation(Bot([flow]))
    talk.services.refusal = "no_address"
    assert await talk.say("go") == [talk.bot.texts.unverified]


async def test_a_flow_entered_for_verification_stops_the_one_around_it_when_it_fails() -> None:
    child, parent = Flow("child"), Flow("parent", phrases=["go"])

    @child
    async def check(chat: Chat) -> None:
        await chat.verify_otp()

    @child.unverified
    async def sorry(chat: Chat) -> None:
        await chat.say("child: not verified")

    @parent
    async def outer(chat: Chat) -> None:
        await chat.enter(child)
        await chat.say("the secret")

    talk = Conversation(Bot([child, parent]))
    talk.services.refusal = "no_address"
    assert await talk.say("go") == ["child: not verified"]
    assert talk.state.flow is None


def test_secrets_in_the_code_make_a_flow_sensitive() -> None:
    async def by_code(chat: Chat) -> None:
        await chat.verify_otp()

    async def by_ask(chat: Chat) -> None:
        async def inner() -> None:
            await chat.ask("x", "X?", sensitive=True)

        await inner()

    async def plain(chat: Chat) -> None:
        await chat.ask("x", "X?", help="no secret")

    def flow_of(script: Any, **settings: Any) -> Flow:
        flow = Flow("f", **settings)
        flow(script)
        return flow

    assert flow_of(by_code).sensitive
    assert flow_of(by_ask).sensitive
    assert not flow_of(plain).sensitive
    assert flow_of(plain, sensitive=True).sensitive
    assert not flow_of(by_code, sensitive=False).sensitive
