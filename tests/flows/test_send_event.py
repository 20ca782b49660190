"""`send_event`: another session is told once, whatever happens to the turn."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from flow_services import Conversation, bot_that

from flows import Chat

ELSEWHERE = UUID(int=99)


async def number() -> int:
    return 7


async def test_another_session_is_told_by_the_commit_once() -> None:
    async def script(chat: Chat) -> None:
        await chat.send_event(ELSEWHERE, "ready", date(2026, 1, 2))
        await chat.ask("more", "More?")

    talk = Conversation(bot_that(script))
    await talk.say("go")
    assert talk.outcome is not None
    [told] = talk.outcome.events
    assert (told.session_id, told.name) == (ELSEWHERE, "ready")
    await talk.say("yes")
    assert talk.outcome.events == ()


async def test_a_turn_that_is_lost_after_its_checkpoint_still_tells_once() -> None:
    async def script(chat: Chat) -> None:
        await chat.send_event(ELSEWHERE, "first")
        await chat.call(number)
        await chat.send_event(ELSEWHERE, "second")

    talk = Conversation(bot_that(script))
    talk.services.kill_at = {2}
    await talk.say("go")
    assert talk.outcome is not None
    assert [told.name for told in talk.outcome.events] == ["first", "second"]
    assert len({told.key for told in talk.outcome.events}) == 2


async def test_a_turn_that_fails_tells_nothing() -> None:
    async def script(chat: Chat) -> None:
        await chat.send_event(ELSEWHERE, "ready")
        raise RuntimeError

    talk = Conversation(bot_that(script))
    await talk.say("go")
    assert talk.outcome is not None
    assert talk.outcome.events == ()
