"""What is done beside a reply: buttons go once they are used, and a thread shows that the bot is at work."""

from __future__ import annotations

import pytest
from slack_sending import sending

from adapters.slack.buttons import Buttons
from adapters.slack.message import Message
from adapters.slack.status import SESSION_METHOD, TEXT_METHOD, Statuses
from bot.emulators.slack.server import SlackEmulator

CHOICES = {"text": "Sure?", "choices": [{"label": "Yes", "payload": "y"}, {"label": "No", "payload": "n"}]}


@pytest.fixture
async def post():
    async with SlackEmulator() as slack, sending(slack) as post:
        yield post


class TestButtons:
    @pytest.fixture
    async def asked(self, post):
        await post.adapter.send(post.delivery(CHOICES))
        [message] = post.slack.said()
        return message

    async def test_what_was_chosen_takes_the_place_of_the_buttons(self, post, asked):
        shown = Message(asked.text, tuple(dict(block) for block in asked.blocks))
        assert await Buttons(post.calls).retire(post.channel, asked.channel, asked.ts, shown, "Yes")
        [message] = post.slack.said()
        assert [block["type"] for block in message.blocks] == ["rich_text", "context"]
        assert message.blocks[1]["elements"][0]["text"] == "✓ Yes"
        assert message.metadata == asked.metadata  # it is still known

    @pytest.mark.parametrize("fault", [{"kind": "cut"}, {"kind": "refused", "error": "message_not_found"}])
    async def test_where_slack_refuses_they_stay_and_nobody_is_troubled(self, post, asked, fault):
        post.slack.fault(fault.pop("kind"), "chat.update", **fault)
        shown = Message(asked.text, tuple(dict(block) for block in asked.blocks))
        assert not await Buttons(post.calls).retire(post.channel, asked.channel, asked.ts, shown, None)

    async def test_a_text_too_long_for_an_update_is_left_out_of_it(self, post, asked):
        shown = Message("ä" * 3_000, tuple(dict(block) for block in asked.blocks))
        assert await Buttons(post.calls).retire(post.channel, asked.channel, asked.ts, shown, None)


class TestStatus:
    @pytest.fixture
    def statuses(self, post):
        return Statuses(post.calls)

    @pytest.fixture
    def thread(self, post):
        asked = post.slack.person("Ada").writes("Help", channel=post.slack.general)
        return f"{post.slack.general.id}:{asked.ts}"

    def shown(self, post, thread):
        channel, _, ts = thread.partition(":")
        state = post.slack.platform.surface.of(channel, ts)
        return state.session, state.status

    async def test_a_thread_shows_that_the_bot_is_at_work_until_it_replies(self, post, statuses, thread):
        await statuses.work(post.channel, thread)
        assert self.shown(post, thread) == ("processing", "is thinking…")
        await statuses.rest(post.channel, thread, replies=True)
        await post.adapter.send(post.delivery(thread_key=thread))
        assert self.shown(post, thread) == ("active", "")

    async def test_a_turn_without_a_reply_clears_it_itself(self, post, statuses, thread):
        await statuses.work(post.channel, thread)
        await statuses.rest(post.channel, thread, replies=False)
        assert self.shown(post, thread) == ("active", "")

    async def test_what_was_not_shown_is_not_cleared(self, post, statuses, thread):
        await statuses.rest(post.channel, thread, replies=False)
        assert post.methods() == []

    async def test_outside_of_a_thread_it_is_shown_below_what_the_person_said_or_not_at_all(
        self, post, statuses
    ):
        ada = post.slack.person("Ada")
        await statuses.work(post.channel, ada.dm.id)
        assert post.methods() == []
        asked = ada.writes("Help")
        await statuses.work(post.channel, ada.dm.id, asked.ts)
        assert self.shown(post, f"{ada.dm.id}:{asked.ts}") == ("processing", "is thinking…")
        # The reply goes into the conversation, which does not clear the thread.
        await statuses.rest(post.channel, ada.dm.id, replies=True)
        assert self.shown(post, f"{ada.dm.id}:{asked.ts}") == ("active", "")

    async def test_one_turn_after_another_does_not_ask_each_time(self, post, statuses, thread):
        for _ in range(5):
            await statuses.work(post.channel, thread)
        assert post.methods() == [SESSION_METHOD, TEXT_METHOD]

    async def test_a_method_that_is_not_there_is_not_asked_again(self, post, statuses, thread):
        post.slack.forget_method(SESSION_METHOD)
        await statuses.work(post.channel, thread)
        await statuses.rest(post.channel, thread, replies=False)
        other = post.slack.person("Ben").writes("Help", channel=post.slack.general)
        await statuses.work(post.channel, f"{post.slack.general.id}:{other.ts}")
        assert post.methods().count(SESSION_METHOD) == 1
        assert self.shown(post, f"{post.slack.general.id}:{other.ts}") == (None, "is thinking…")

    async def test_what_one_conversation_refuses_another_may_take(self, post, statuses, thread):
        await statuses.work(post.channel, "C0GONE:1.000001")
        await statuses.work(post.channel, thread)
        assert self.shown(post, thread) == ("processing", "is thinking…")

    @pytest.mark.parametrize("fault", [{"kind": "cut"}, {"kind": "ratelimited"}, {"kind": "error"}])
    async def test_it_never_fails(self, post, statuses, thread, fault):
        post.slack.fault(fault["kind"], "*", times=4)
        await statuses.work(post.channel, thread)
        await statuses.rest(post.channel, thread, replies=False)

    async def test_a_workspace_with_too_many_turns_goes_without(self, post, statuses):
        for n in range(60):
            asked = post.slack.person("Ada").writes(str(n), channel=post.slack.general)
            await statuses.work(post.channel, f"{post.slack.general.id}:{asked.ts}")
        assert post.methods().count(SESSION_METHOD) == 50
        assert post.watch.slept == []
