"""What a turn shows while it writes: under the ids that its replies will have, in every attempt."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from flow_services import Conversation, bot_that

from flows import Chat
from storage.ids import sibling, uuid7


async def told(*pieces: str) -> AsyncIterator[str]:
    for piece in pieces:
        yield piece


async def paid() -> str:
    return "paid"


async def speak(chat: Chat) -> None:
    await chat.say("One")
    await chat.say(stream=told("T", "wo"))
    await chat.call(paid)
    await chat.say(stream=told("Th", "ree"))


@pytest.mark.parametrize("reply_id", [None, UUID(int=99)])
@pytest.mark.parametrize("kill_at", [{1}, {2}, {1, 2}])
async def test_every_attempt_says_it_under_the_same_ids(reply_id: UUID | None, kill_at: set[int]) -> None:
    undisturbed, disturbed = Conversation(bot_that(speak)), Conversation(bot_that(speak))
    disturbed.services.kill_at = set(kill_at)
    ids: list[Any] = []
    for talk in (undisturbed, disturbed):
        assert await talk.say("go", reply_id=reply_id) == ["One", "Two", "Three"]
        assert talk.outcome is not None
        ids.append([message.id for message in talk.outcome.replies])
        assert {message_id for message_id, *_ in talk.services.deltas} == set(ids[-1][1:])
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 3
    assert reply_id in (None, ids[0][0])
    assert {attempt for _, attempt, *_ in disturbed.services.deltas} > {1}


async def test_other_turns_have_other_ids() -> None:
    talk = Conversation(bot_that(speak))
    seen: set[UUID] = set()
    for _ in range(3):
        await talk.say("go")
        assert talk.outcome is not None
        seen |= {message.id for message in talk.outcome.replies}
    assert len(seen) == 9


@pytest.mark.parametrize("sensitive", [True, False])
async def test_whoever_shows_it_is_told_that_it_is_sensitive(sensitive: bool) -> None:
    async def script(chat: Chat) -> None:
        await chat.say(stream=told("a", "b"), sensitive=sensitive)

    talk = Conversation(bot_that(script))
    await talk.say("go")
    assert talk.services.sensitive_deltas == (["a", "b"] if sensitive else [])


def test_a_sibling_is_always_the_same_uuid7_and_as_old_as_the_first() -> None:
    first, other = uuid7(), uuid7()
    made = {sibling(first, number) for number in range(1_000)} | {sibling(other, 0)}
    assert len(made) == 1_001
    assert first not in made
    assert sibling(first, 7) == sibling(UUID(str(first)), 7)
    for each in (UUID(str(one)) for one in made):
        assert (each.version, each.variant) == (7, first.variant)
    assert {each.bytes[:6] for each in made} <= {first.bytes[:6], other.bytes[:6]}
