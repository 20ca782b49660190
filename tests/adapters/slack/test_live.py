"""Replies in Slack while they are written, and in the end: one message, or as many as it takes, that says all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from slack_blocks import seen
from slack_sending import Sending, sending

from adapters.contract import Delivery
from adapters.errors import CannotLookUp, DeliveryFailed
from adapters.slack.live import ROTATE_S
from bot.emulators.slack.methods.streams import end_stream
from bot.emulators.slack.records import Message
from bot.emulators.slack.server import SlackEmulator

WHOLE = "A new card costs **five euros**. It comes within a week, and the old one is blocked at once."
BEGIN, MIDDLE = WHOLE[:30], WHOLE[:60]
CITED = {"text": WHOLE, "citations": [{"title": "Fees", "url": "https://acme.example/fees"}]}
LONG = "\n\n".join(f"Paragraph {n}. " + "word " * 400 for n in range(12))


@pytest.fixture
async def post():
    async with SlackEmulator() as slack, sending(slack) as post:
        yield post


@pytest.fixture
def threaded(post: Sending) -> Delivery:
    """A reply in a thread of a channel, of which nothing is written yet."""
    asked = post.slack.person("Ada").writes("What is a card?", channel=post.slack.general)
    return post.delivery("", thread_key=f"{post.slack.general.id}:{asked.ts}")


async def opened(post: Sending, delivery: Delivery, text: str = BEGIN) -> Delivery:
    """The delivery with its first message open."""
    external_id = await post.adapter.open_stream(replace(delivery, content=text))
    return replace(delivery, external_id=external_id)


async def grow(post: Sending, delivery: Delivery, text: str) -> bool:
    return await post.adapter.append_stream(replace(delivery, content=text))


async def finish(post: Sending, delivery: Delivery, content: Any = WHOLE, **more: Any) -> str | None:
    done = post.delivery(content)
    done = replace(delivery, content=done.content, content_type=done.content_type, attempt=1, **more)
    return (await post.adapter.send(done)).external_id


def said(post: Sending) -> list[Message]:
    return post.slack.said()


def shown(post: Sending) -> list[str]:
    """What each message says: the text of one that was only streamed, and else the blocks'."""
    return [seen([message]) or message.text for message in said(post)]


def part_of(message: Message) -> tuple[str, int]:
    assert message.metadata is not None
    return message.metadata["event_type"], message.metadata["event_payload"]["part"]


async def test_in_a_thread_it_is_a_stream_that_ends_with_all_that_goes_below(post, threaded) -> None:
    delivery = await opened(post, threaded)
    assert said(post)[0].streaming_state == "in_progress"
    assert await grow(post, delivery, MIDDLE)
    assert await finish(post, delivery, CITED) == said(post)[0].ts
    [message] = said(post)
    assert (message.text, message.streaming_state) == (WHOLE, "completed")
    assert "Fees" in str(message.blocks)
    assert "feedback_buttons" in str(message.blocks)
    assert part_of(message) == ("parley_reply", 0)
    assert post.methods() == ["chat.startStream", "chat.appendStream", "chat.stopStream"]


async def test_in_a_channel_slack_is_told_who_sees_it_grow(post, threaded) -> None:
    await opened(post, threaded)
    given = post.slack.calls[-1].arguments
    ada = post.slack.person("Ada")
    assert (given["recipient_user_id"], given["recipient_team_id"]) == (ada.id, post.slack.workspace.id)


async def test_whose_team_is_not_known_gets_a_draft(post, threaded) -> None:
    post.channel = replace(post.channel, account=f"{post.slack.app.id}/E123")
    delivery = await opened(post, replace(threaded, channel=post.channel))
    await finish(post, delivery)
    assert post.methods() == ["chat.postMessage", "chat.update"]


async def test_in_a_direct_messages_thread_nobody_needs_to_be_named(post) -> None:
    ada = post.slack.person("Ada")
    asked = ada.writes("Hello")
    delivery = await opened(post, post.delivery("", thread_key=f"{ada.dm.id}:{asked.ts}"))
    assert "recipient_user_id" not in post.slack.calls[-1].arguments
    await finish(post, delivery)
    assert [message.text for message in said(post)] == [WHOLE]


async def test_outside_of_threads_it_is_a_draft_that_becomes_the_reply(post) -> None:
    delivery = await opened(post, post.delivery(""))
    assert part_of(said(post)[0]) == ("parley_draft", 0)
    assert await grow(post, delivery, MIDDLE)
    assert "within a w" in shown(post)[0]
    await finish(post, delivery, CITED)
    [message] = said(post)
    assert part_of(message) == ("parley_reply", 0)
    assert "blocked at once" in str(message.blocks)
    assert "Fees" in str(message.blocks)


async def test_where_there_are_too_many_streams_there_is_a_draft(post, threaded) -> None:
    post.slack.fault("ratelimited", "chat.startStream", seconds=30)
    delivery = await opened(post, threaded)
    assert part_of(said(post)[0]) == ("parley_draft", 0)
    await finish(post, delivery)
    assert len(said(post)) == 1


async def test_where_there_are_no_streams_nobody_asks_for_them_again(post, threaded) -> None:
    post.slack.forget_method("chat.startStream")
    for number in (1, 2):
        delivery = await opened(post, replace(threaded, id=f"d{number}"))
        await finish(post, delivery)
    assert post.methods().count("chat.startStream") == 1
    assert len(said(post)) == 2


@pytest.mark.parametrize("fault", ["cut", "cut_after", "error_after"])
async def test_a_start_of_which_nobody_knows_is_not_followed_by_another(post, threaded, fault: str) -> None:
    post.slack.fault(fault, "chat.startStream")
    with pytest.raises(DeliveryFailed) as failed:
        await opened(post, threaded)
    assert failed.value.unsure
    assert post.methods() == ["chat.startStream"]


async def test_a_draft_that_is_refused_is_no_message(post) -> None:
    post.slack.fault("refused", "chat.postMessage", error="is_archived")
    with pytest.raises(DeliveryFailed) as failed:
        await opened(post, post.delivery(""))
    assert (failed.value.permanent, failed.value.unsure) == (True, False)


async def test_a_stream_that_dies_goes_on_as_a_message_that_is_updated(post, threaded) -> None:
    delivery = await opened(post, threaded)
    post.slack.platform.stream_seconds = 0.0
    assert await grow(post, delivery, MIDDLE)
    assert "within a w" in shown(post)[0]
    await finish(post, delivery)
    assert [message.ts for message in said(post)] == [delivery.external_id]
    assert "blocked at once" in str(said(post)[0].blocks)


async def test_a_stream_that_died_before_its_end_is_updated_at_the_end(post, threaded) -> None:
    delivery = await opened(post, threaded)
    post.slack.platform.stream_seconds = 0.0
    await finish(post, delivery, CITED)
    [message] = said(post)
    assert "blocked at once" in str(message.blocks)
    assert part_of(message) == ("parley_reply", 0)


async def test_what_a_person_stopped_is_not_written_on_and_says_in_the_end_what_was_committed(
    post, threaded
) -> None:
    delivery = await opened(post, threaded)
    end_stream(post.slack.platform, said(post)[0])
    with pytest.raises(DeliveryFailed) as failed:
        await grow(post, delivery, MIDDLE)
    assert failed.value.permanent
    await finish(post, delivery, f"{BEGIN} …(stopped)")
    [message] = said(post)
    assert "stopped" in str(message.blocks)


async def test_before_a_stream_dies_another_goes_on(post, threaded) -> None:
    begin = "Some code:\n\n```python\nprint(1)\n"
    delivery = await opened(post, threaded, begin)
    post.watch.now += ROTATE_S
    more = begin + "print(2)\n"
    assert not await grow(post, delivery, more)
    delivery = await opened(post, delivery, more)
    assert await grow(post, delivery, more + "print(3)\n```\n")
    await finish(post, delivery, more + "print(3)\n```\n\nDone.")
    first, second = said(post)
    assert delivery.external_id == f"{first.ts},{second.ts}"
    assert first.text == "Some code:\n\n```python\nprint(1)\n\n```"
    assert second.text == "```python\nprint(2)\nprint(3)\n```\n\nDone."
    assert [message.streaming_state for message in (first, second)] == ["completed", "completed"]


async def test_a_text_too_long_for_one_message_goes_on_in_the_next(post, threaded) -> None:
    delivery = await opened(post, threaded, LONG[:20_000])
    while not await grow(post, delivery, LONG):
        delivery = await opened(post, delivery, LONG)
    receipt = await finish(post, delivery, LONG)
    assert receipt == ",".join(message.ts for message in said(post))
    assert len(said(post)) > 1
    words = " ".join(message.text for message in said(post)).split()
    assert words == LONG.split()


async def test_a_long_draft_goes_on_in_the_next_message(post) -> None:
    delivery = await opened(post, post.delivery(""), LONG[:8_000])
    assert not await grow(post, delivery, LONG[:20_000])
    delivery = await opened(post, delivery, LONG[:20_000])
    await finish(post, delivery, LONG)
    assert " ".join(shown(post)).split() == LONG.split()
    assert [part_of(message) for message in said(post)] == [
        ("parley_reply", number) for number in range(len(said(post)))
    ]


async def test_a_later_attempt_that_says_the_same_goes_on_where_the_earlier_one_was(post, threaded) -> None:
    delivery = await opened(post, threaded, MIDDLE)
    assert await grow(post, delivery, BEGIN)
    assert await grow(post, delivery, WHOLE)
    await finish(post, delivery)
    assert [message.text for message in said(post)] == [WHOLE]
    assert post.methods() == ["chat.startStream", "chat.appendStream", "chat.stopStream"]


async def test_a_later_attempt_that_says_something_else_says_it_in_the_same_message(post, threaded) -> None:
    delivery = await opened(post, threaded)
    assert await grow(post, delivery, "Something else is said.")
    assert shown(post) == ["Something else is said."]
    await finish(post, delivery, "Something else is said, all of it.")
    assert shown(post) == ["Something else is said, all of it."]


async def test_another_process_goes_on_with_the_message_of_the_one_before(post, threaded) -> None:
    delivery = await opened(post, threaded)
    post.adapter = post.restarted()
    assert await grow(post, delivery, MIDDLE)
    assert len(said(post)) == 1
    post.adapter = post.restarted()
    await finish(post, delivery)
    assert [message.ts for message in said(post)] == [delivery.external_id]
    assert "blocked at once" in str(said(post)[0].blocks)


@pytest.mark.parametrize("fault", ["cut", "cut_after"])
async def test_an_end_whose_answer_was_lost_is_said_once(post, threaded, fault: str) -> None:
    delivery = await opened(post, threaded)
    post.slack.fault(fault, "chat.stopStream")
    with pytest.raises(DeliveryFailed) as failed:
        await finish(post, delivery)
    assert failed.value.unsure
    again = replace(delivery, content=WHOLE, attempt=2)
    found = await post.adapter.find(again)
    assert (found is not None) == (fault == "cut_after")
    if found is None:
        await post.adapter.send(again)
    [message] = said(post)
    assert "blocked at once" in f"{message.text}{message.blocks}"


async def test_an_end_for_which_there_is_no_room_now_comes_later(post, threaded) -> None:
    delivery = await opened(post, threaded)
    post.slack.fault("ratelimited", "chat.stopStream", seconds=30)
    with pytest.raises(DeliveryFailed) as failed:
        await finish(post, delivery)
    assert failed.value.retry_after is not None
    post.watch.now += 60
    await finish(post, delivery)
    assert [message.text for message in said(post)] == [WHOLE]


async def test_an_apology_takes_the_place_of_what_was_shown(post, threaded) -> None:
    delivery = await opened(post, threaded)
    await finish(post, delivery, "Something went wrong.")
    assert shown(post) == ["Something went wrong."]


async def test_messages_that_are_not_needed_any_more_go(post) -> None:
    delivery = await opened(post, post.delivery(""), LONG[:8_000])
    delivery = await opened(post, delivery, LONG)
    receipt = await finish(post, delivery)
    assert [message.ts for message in said(post)] == [receipt]


async def test_a_message_that_somebody_deleted_meanwhile_is_said_anew(post) -> None:
    delivery = await opened(post, post.delivery(""))
    post.slack.platform.delete(said(post)[0])
    await finish(post, delivery)
    [message] = said(post)
    assert message.ts != delivery.external_id


async def test_a_file_is_a_message_of_its_own_behind_what_was_shown(post) -> None:
    pdf = {"url": "https://files.example/terms.pdf", "name": "terms.pdf", "type": "application/pdf"}
    post.files[pdf["url"]] = b"%PDF"
    delivery = await opened(post, post.delivery(""))
    await finish(post, delivery, {"text": WHOLE, "file": pdf})
    text, file = said(post)
    assert text.ts == delivery.external_id
    assert file.files


@pytest.mark.parametrize("is_stream", [True, False])
async def test_what_came_to_nothing_is_taken_away_and_may_be_twice(post, threaded, is_stream: bool) -> None:
    delivery = await opened(post, threaded if is_stream else post.delivery(""))
    assert (said(post)[0].streaming_state is not None) == is_stream
    await post.adapter.retract(delivery)
    assert said(post) == []
    await post.adapter.retract(delivery)


async def test_of_an_opening_that_was_lost_the_draft_is_found_and_taken_up(post) -> None:
    post.slack.fault("cut_after", "chat.postMessage")
    with pytest.raises(DeliveryFailed):
        await opened(post, post.delivery(""))
    delivery = post.delivery(WHOLE, opening=True)
    assert await post.adapter.find(delivery) is None
    await post.adapter.send(delivery)
    [message] = said(post)
    assert part_of(message) == ("parley_reply", 0)


async def test_of_an_opening_that_was_lost_a_stream_cannot_be_known(post, threaded) -> None:
    post.slack.fault("cut_after", "chat.startStream")
    with pytest.raises(DeliveryFailed):
        await opened(post, threaded)
    with pytest.raises(CannotLookUp):
        await post.adapter.find(replace(threaded, content=WHOLE, opening=True))


async def test_of_an_opening_that_never_arrived_nothing_is_found(post, threaded) -> None:
    assert await post.adapter.find(replace(threaded, content=WHOLE, opening=True)) is None


async def test_what_was_lost_of_a_reply_that_came_to_nothing_goes_too(post) -> None:
    post.slack.fault("cut_after", "chat.postMessage")
    with pytest.raises(DeliveryFailed):
        await opened(post, post.delivery(""))
    await post.adapter.retract(post.delivery("", opening=True))
    assert said(post) == []


async def test_drafts_leave_room_for_what_must_be_updated(post) -> None:
    delivery = await opened(post, post.delivery(""))
    for number in range(30):
        await grow(post, delivery, f"Text number {number}")
    with pytest.raises(DeliveryFailed) as failed:
        await grow(post, delivery, "One too many")
    assert post.methods().count("chat.update") == 30
    assert failed.value.retry_after is not None
    assert not failed.value.permanent
    await finish(post, delivery)
    assert len(said(post)) == 1


async def test_nobody_is_mentioned_by_what_a_model_writes(post, threaded) -> None:
    delivery = await opened(post, threaded, "Ask <!here> or <@U123> now")
    await finish(post, delivery, "Ask <!here> or <@U123> now")
    [message] = said(post)
    assert "<!here>" not in message.text
    assert "<@U123>" not in message.text


async def test_a_long_text_that_slack_takes_only_without_blocks_is_said_in_a_new_message(post) -> None:
    delivery = await opened(post, post.delivery(""))
    text = "word " * 1_200
    post.slack.fault("refused", "chat.update", error="invalid_blocks")
    await finish(post, delivery, text)
    [message] = said(post)
    assert message.ts != delivery.external_id
    assert message.text.split() == text.split()


async def test_what_slack_refuses_of_the_end_is_said_by_a_change(post, threaded) -> None:
    delivery = await opened(post, threaded)
    post.slack.fault("refused", "chat.stopStream", error="invalid_blocks")
    await finish(post, delivery, CITED)
    [message] = said(post)
    assert "blocked at once" in seen([message])
    assert "Fees" in str(message.blocks)
