"""Replies on their way to Slack: posted in order, once, whatever goes wrong on the way."""

from __future__ import annotations

from dataclasses import replace

import pytest
from aiohttp import ClientSession, ClientTimeout
from slack_sending import sending
from structlog.testing import capture_logs

from adapters.errors import CannotLookUp, DeliveryFailed
from adapters.slack.adapter import SlackAdapter
from adapters.slack.calling import SlackCalls
from adapters.slack.pacing import Pacer
from adapters.slack.receipts import stamps_of
from adapters.slack.uploads import Uploads
from bot.emulators.slack.server import SlackEmulator

LONG = "\n\n".join(f"Paragraph {n}. " + "word " * 400 for n in range(12))
PDF = {"url": "https://files.example/terms.pdf", "name": "terms.pdf", "type": "application/pdf"}
PICTURE = {"url": "https://files.example/cat.png", "alt": "A cat"}


@pytest.fixture
async def post():
    async with SlackEmulator() as slack, sending(slack) as post:
        yield post


def texts(post):
    return [message.text for message in post.slack.said()]


def parts(post):
    return [message.metadata["event_payload"]["part"] for message in post.slack.said()]


async def failing(adapter, delivery) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as caught:
        await adapter.send(delivery)
    return caught.value


async def test_a_reply_is_posted_with_what_it_is_known_by(post):
    receipt = await post.adapter.send(post.delivery("Hello & welcome"))
    [message] = post.slack.said()
    assert (receipt.external_id, message.text) == (message.ts, "Hello &amp; welcome")
    assert (message.channel, message.thread_ts) == (post.slack.person("Ada").dm.id, None)
    assert message.metadata == {
        "event_type": "parley_reply",
        "event_payload": {"delivery": post.delivery().id, "part": 0},
    }


async def test_a_reply_in_a_thread_goes_there(post):
    asked = post.slack.person("Ada").writes("Help", channel=post.slack.general)
    await post.adapter.send(post.delivery(thread_key=f"{post.slack.general.id}:{asked.ts}"))
    [message] = post.slack.said()
    assert (message.channel, message.thread_ts) == (post.slack.general.id, asked.ts)


@pytest.mark.parametrize("written", ["{}", "T0OTHER/{}"])
async def test_what_goes_to_a_person_alone_goes_into_their_direct_message(post, written):
    ada = post.slack.person("Ada")
    for n in range(2):
        await post.adapter.send(post.delivery(id=str(n), address=written.format(ada.id), thread_key=""))
    assert {message.channel for message in post.slack.said()} == {ada.dm.id}
    assert post.methods() == ["conversations.open", "chat.postMessage", "chat.postMessage"]


async def test_a_long_reply_is_posted_in_parts_and_in_order(post):
    receipt = await post.adapter.send(post.delivery(LONG))
    said = post.slack.said()
    assert len(said) == 3
    assert parts(post) == [0, 1, 2]
    assert list(stamps_of(receipt.external_id)) == [message.ts for message in said]


async def test_when_a_part_fails_only_the_missing_ones_follow(post):
    post.slack.fault("slow", "chat.postMessage", seconds=0)
    post.slack.fault("ratelimited", "chat.postMessage", seconds=7)
    failure = await failing(post.adapter, post.delivery(LONG))
    assert (failure.permanent, failure.unsure, failure.retry_after) == (False, True, 7)
    assert "part 2 of 3" in failure.reason
    post.watch.now += 7
    # All answers were learned, so nothing needs to be looked up.
    assert await post.adapter.find(post.delivery(LONG, attempt=2)) is None
    await post.adapter.send(post.delivery(LONG, attempt=2))
    assert parts(post) == [0, 1, 2]
    assert "conversations.history" not in post.methods()


async def test_another_process_reads_which_parts_are_there_and_posts_the_others(post):
    post.slack.fault("slow", "chat.postMessage", seconds=0)
    post.slack.fault("ratelimited", "chat.postMessage", seconds=1)
    await failing(post.adapter, post.delivery(LONG))
    post.watch.now += 1
    other = post.restarted()
    assert await other.find(post.delivery(LONG, attempt=2)) is None
    await other.send(post.delivery(LONG, attempt=2))
    assert parts(post) == [0, 1, 2]
    assert post.methods().count("conversations.history") == 1


async def test_what_another_process_sent_meanwhile_is_not_forgotten(post):
    """The first remembers one part; the second posts more, and its answer is lost; the first comes again."""
    post.slack.fault("slow", "chat.postMessage", seconds=0)
    post.slack.fault("ratelimited", "chat.postMessage", seconds=1)
    await failing(post.adapter, post.delivery(LONG))
    post.watch.now += 1
    other = post.restarted()
    post.slack.fault("slow", "chat.postMessage", seconds=0)
    post.slack.fault("cut_after", "chat.postMessage")
    assert await other.find(post.delivery(LONG, attempt=2)) is None
    await failing(other, post.delivery(LONG, attempt=2))
    found = await post.adapter.find(post.delivery(LONG, attempt=3))
    assert found is not None
    assert list(stamps_of(found.external_id)) == [message.ts for message in post.slack.said()]
    assert parts(post) == [0, 1, 2]


@pytest.mark.parametrize(
    ("fault", "posted"), [("cut", 1), ("cut_after", 1), ("error", 1), ("error_after", 1)]
)
@pytest.mark.parametrize("in_thread", [False, True])
async def test_an_answer_that_was_lost_is_looked_up_and_the_reply_is_there_once(
    post, fault, posted, in_thread
):
    key = post.slack.person("Ada").dm.id
    if in_thread:
        asked = post.slack.person("Ada").writes("Help", channel=post.slack.general)
        key = f"{post.slack.general.id}:{asked.ts}"
    post.slack.fault(fault, "chat.postMessage")
    failure = await failing(post.adapter, post.delivery(thread_key=key))
    assert (failure.permanent, failure.unsure, failure.retry_after) == (False, True, None)
    again = post.delivery(thread_key=key, attempt=2)
    found = await post.adapter.find(again)
    assert (found is not None) is fault.endswith("_after")
    receipt = found or await post.adapter.send(again)
    assert [message.ts for message in post.slack.said()] == [receipt.external_id]
    assert len(texts(post)) == posted


async def test_an_answer_that_never_comes_leaves_open_whether_it_was_sent(post):
    async with ClientSession(timeout=ClientTimeout(total=0.2)) as impatient:
        calls = SlackCalls(post.tokens, Pacer(), http=impatient, api_base_url=post.slack.api_url)

        async def nothing(*_):
            return None

        adapter = SlackAdapter(calls, Uploads(calls, nothing))
        post.slack.fault("slow", "chat.postMessage", seconds=1)
        failure = await failing(adapter, post.delivery())
    assert (failure.permanent, failure.unsure) == (False, True)


async def test_where_nobody_listens_nothing_was_sent(post):
    calls = SlackCalls(post.tokens, Pacer(), api_base_url="http://127.0.0.1:1/api/")
    failure = await failing(SlackAdapter(calls, Uploads(calls, None)), post.delivery())
    assert (failure.permanent, failure.unsure) == (False, False)
    assert "unreachable" in failure.reason


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("channel_not_found", "the conversation is gone"),
        ("not_in_channel", "invite it again"),
        ("is_archived", "archived"),
        ("thread_not_found", "the thread is gone"),
        ("account_inactive", "uninstalled"),
        ("token_revoked", "uninstalled"),
        ("invalid_auth", "connect the workspace again"),
        ("missing_scope", "parley slack manifest"),
        ("restricted_action", "does not let the bot post"),
        ("restricted_action_read_only_channel", "does not let the bot post"),
        ("user_not_found", "no such user"),
        ("cannot_dm_bot", "bots cannot be written to"),
        ("messages_tab_disabled", "App Home"),
        ("an_error_of_tomorrow", "chat.postMessage"),
    ],
)
async def test_an_error_that_is_final_says_what_it_means(post, error, said):
    post.slack.fault("refused", "chat.postMessage", error=error)
    failure = await failing(post.adapter, post.delivery())
    assert failure.permanent
    assert error in failure.reason
    assert said in failure.reason


@pytest.mark.parametrize("error", ["internal_error", "fatal_error", "service_unavailable", "request_timeout"])
async def test_an_error_that_passes_may_have_come_after_the_post(post, error):
    post.slack.fault("refused", "chat.postMessage", error=error)
    failure = await failing(post.adapter, post.delivery())
    assert (failure.permanent, failure.unsure) == (False, True)


async def test_too_many_calls_are_put_off_for_as_long_as_slack_says(post):
    post.slack.fault("ratelimited", "chat.postMessage", seconds=30)
    failure = await failing(post.adapter, post.delivery())
    assert (failure.permanent, failure.unsure, failure.retry_after) == (False, False, 30)
    # Nobody asks again before: not this one, and none for the same conversation.
    for again in (post.delivery(attempt=2), post.delivery(id="other")):
        failure = await failing(post.adapter, again)
        assert (failure.unsure, failure.retry_after) == (False, 30)
    assert post.methods() == ["chat.postMessage"]
    post.watch.now += 30
    await post.adapter.send(post.delivery(attempt=2))
    assert len(texts(post)) == 1


async def test_other_conversations_go_on_until_a_second_one_had_too_much(post):
    ada, ben, general = post.slack.person("Ada").dm.id, post.slack.person("Ben").dm.id, post.slack.general.id
    post.slack.fault("ratelimited", "chat.postMessage", seconds=30)
    await failing(post.adapter, post.delivery(thread_key=ada))
    await post.adapter.send(post.delivery(id="b", thread_key=ben))
    post.slack.fault("ratelimited", "chat.postMessage", seconds=30)
    await failing(post.adapter, post.delivery(id="c", thread_key=ben))
    # Two at once are no matter of a conversation any more.
    assert (await failing(post.adapter, post.delivery(id="d", thread_key=general))).retry_after == 30
    elsewhere = replace(post.channel, id=post.channel.tenant_id)
    await post.adapter.send(post.delivery(id="e", thread_key=general, channel=elsewhere))


async def test_a_picture_that_slack_cannot_fetch_becomes_a_link(post):
    post.slack.fault("refused", "chat.postMessage", error="invalid_blocks")
    with capture_logs() as logs:
        await post.adapter.send(post.delivery({"text": "Look", "image": PICTURE}))
    [message] = post.slack.said()
    assert [block["type"] for block in message.blocks] == ["rich_text", "context"]
    assert PICTURE["url"] in message.blocks[1]["elements"][0]["text"]
    assert [each["log_level"] for each in logs if each["event"] == "slack_blocks_refused"] == ["info"]


async def test_blocks_that_slack_does_not_take_become_words_and_a_defect_in_the_log(post):
    post.slack.fault("refused", "chat.postMessage", error="invalid_blocks", times=2)
    content = {"text": "Look", "image": PICTURE, "choices": [{"label": "Yes", "payload": "y"}]}
    with capture_logs() as logs:
        await post.adapter.send(post.delivery(content))
    [message] = post.slack.said()
    assert message.blocks == ()
    assert message.text.startswith("Look\n")
    assert message.text.endswith("Yes")
    assert [each["log_level"] for each in logs if each["event"] == "slack_blocks_refused"] == [
        "info",
        "error",
    ]


async def test_words_that_slack_does_not_take_either_are_final(post):
    post.slack.fault("refused", "chat.postMessage", error="invalid_blocks", times=9)
    assert (await failing(post.adapter, post.delivery())).permanent
    assert post.methods() == ["chat.postMessage"] * 2


async def test_an_error_between_two_forms_is_that_error(post):
    post.slack.fault("refused", "chat.postMessage", error="invalid_blocks")
    post.slack.fault("refused", "chat.postMessage", error="is_archived")
    assert "archived" in (await failing(post.adapter, post.delivery())).reason


async def test_a_reply_that_names_its_sources_asks_for_feedback(post):
    citations = [{"title": "Fees", "url": "https://docs.example/fees", "quote": "None."}]
    await post.adapter.send(post.delivery({"text": "None [1]", "citations": citations}))
    [message] = post.slack.said()
    [buttons] = [block for block in message.blocks if block["type"] == "context_actions"]
    assert buttons["elements"][0]["positive_button"]["value"] == f"+1/{post.delivery().id}"


async def test_a_token_that_has_ended_is_replaced_and_the_call_made_again(post):
    post.tokens.others = {"xoxb-old": post.tokens.token}
    post.tokens.token = "xoxb-old"
    await post.adapter.send(post.delivery())
    assert post.tokens.refused == [("xoxb-old", "invalid_auth")]
    assert len(texts(post)) == 1


async def test_a_reply_of_very_many_parts_goes_on_in_the_next_attempt(post):
    content = "\n\n".join("word " * 2000 for _ in range(30))
    failure = await failing(post.adapter, post.delivery(content))
    assert (failure.permanent, failure.unsure, failure.retry_after) == (False, True, 0.0)
    sent = len(texts(post))
    assert 10 < sent < 30
    assert await post.adapter.find(post.delivery(content, attempt=2)) is None
    await post.adapter.send(post.delivery(content, attempt=2))
    assert parts(post) == list(range(len(texts(post))))
    assert "conversations.history" not in post.methods()
    # Posts into a conversation are about a second apart.
    assert post.watch.now - 1000 >= len(texts(post)) - 2


class TestLookingUp:
    async def test_what_another_app_copied_is_not_ours(self, post):
        copycat = post.slack.add_app("Copycat")
        post.slack.install(copycat, post.slack.workspace)
        metadata = {
            "event_type": "parley_reply",
            "event_payload": {"delivery": post.delivery().id, "part": 0},
        }
        installed = post.slack.platform.directory.installations[-1]
        url = f"{post.slack.api_url}chat.postMessage"
        bearer = {"Authorization": f"Bearer {post.slack.token(installed)}"}
        body = {"channel": post.slack.general.id, "text": "x", "metadata": metadata}
        async with ClientSession() as http, http.post(url, json=body, headers=bearer) as answer:
            assert (await answer.json())["ok"]
        assert await post.adapter.find(post.delivery(thread_key=post.slack.general.id, attempt=2)) is None

    async def test_a_page_is_read_after_the_other(self, post):
        post.slack.platform.history_most = 2
        receipt = await post.adapter.send(post.delivery())
        for n in range(7):
            post.slack.person("Ada").writes(f"More {n}")
        found = await post.restarted().find(post.delivery(attempt=2))
        assert found == receipt

    async def test_where_there_is_too_much_to_read_it_cannot_be_known(self, post):
        post.slack.platform.history_most = 2
        await post.adapter.send(post.delivery())
        for n in range(15):
            post.slack.person("Ada").writes(f"More {n}")
        with pytest.raises(CannotLookUp):
            await post.restarted().find(post.delivery(attempt=2))

    async def test_without_the_permission_to_read_it_cannot_be_known(self, post):
        post.slack.fault("refused", "conversations.history", error="missing_scope")
        with pytest.raises(CannotLookUp, match="missing_scope"):
            await post.adapter.find(post.delivery(attempt=2))

    async def test_a_look_up_that_fails_for_now_is_made_later_and_nothing_is_posted(self, post):
        post.slack.fault("ratelimited", "conversations.history", seconds=60)
        with pytest.raises(DeliveryFailed) as caught:
            await post.adapter.find(post.delivery(attempt=2))
        assert (caught.value.permanent, caught.value.unsure, caught.value.retry_after) == (False, False, 60)
        assert texts(post) == []

    async def test_what_was_said_long_before_is_not_read(self, post):
        await post.adapter.find(post.delivery(attempt=2))
        [call] = [call for call in post.slack.calls if call.method == "conversations.history"]
        assert float(call.arguments["oldest"]) < post.delivery().created_at.timestamp() - 600
        await post.restarted().find(post.delivery(attempt=2, created_at=None))
        assert "oldest" not in post.slack.calls[-1].arguments

    async def test_a_person_who_cannot_be_written_to_is_final_also_then(self, post):
        with pytest.raises(DeliveryFailed) as caught:
            await post.adapter.find(post.delivery(attempt=2, thread_key="", address="U0NOBODY"))
        assert caught.value.permanent
        assert "no such user" in caught.value.reason


class TestFiles:
    @pytest.fixture(autouse=True)
    def stored(self, post):
        post.files[PDF["url"]] = b"%PDF-1.7"

    async def test_a_file_is_uploaded_into_the_thread_after_what_is_said(self, post):
        asked = post.slack.person("Ada").writes("Terms?", channel=post.slack.general)
        key = f"{post.slack.general.id}:{asked.ts}"
        receipt = await post.adapter.send(post.delivery({"text": "Here:", "file": PDF}, thread_key=key))
        said, shared = post.slack.said()
        assert [message.thread_ts for message in (said, shared)] == [asked.ts, asked.ts]
        file = post.slack.platform.files[shared.files[0]]
        assert (file.name, file.title, file.content) == ("terms.pdf", "terms.pdf", b"%PDF-1.7")
        assert list(stamps_of(receipt.external_id)) == [said.ts, shared.ts]
        # What is uploaded needs no link.
        assert "https://files.example" not in str(said.blocks)

    async def test_a_file_alone_is_one_message(self, post):
        await post.adapter.send(post.delivery({"file": PDF}))
        [shared] = post.slack.said()
        assert shared.subtype == "file_share"

    @pytest.mark.parametrize(
        ("method", "fault"),
        [
            ("files.getUploadURLExternal", {"kind": "refused", "error": "missing_scope"}),
            ("files.getUploadURLExternal", {"kind": "cut"}),
            ("files.completeUploadExternal", {"kind": "refused", "error": "file_uploads_disabled"}),
        ],
    )
    async def test_a_file_that_cannot_be_uploaded_is_linked(self, post, method, fault):
        post.slack.fault(fault.pop("kind"), method, **fault)
        await post.adapter.send(post.delivery({"text": "Here:", "file": PDF}))
        _, linked = post.slack.said()
        assert PDF["url"] in str(linked.blocks)
        assert linked.metadata["event_payload"]["part"] == 1

    async def test_a_file_that_cannot_be_read_is_linked(self, post):
        post.files.clear()
        await post.adapter.send(post.delivery({"text": "Here:", "file": PDF}))
        assert PDF["url"] in str(post.slack.said()[-1].blocks)
        assert "files.getUploadURLExternal" not in post.methods()

    @pytest.mark.parametrize("method", ["files.getUploadURLExternal", "files.completeUploadExternal"])
    async def test_an_upload_that_must_wait_waits(self, post, method):
        post.slack.fault("ratelimited", method, seconds=5)
        failure = await failing(post.adapter, post.delivery({"text": "Here:", "file": PDF}))
        assert (failure.retry_after, failure.unsure) == (5, True)  # the words are there
        post.watch.now += 5
        again = post.delivery({"text": "Here:", "file": PDF}, attempt=2)
        assert await post.adapter.find(again) is None
        await post.adapter.send(again)
        assert [message.subtype for message in post.slack.said()] == [None, "file_share"]

    async def test_a_shared_file_whose_answer_was_lost_is_found_by_its_name(self, post):
        post.slack.fault("cut_after", "files.completeUploadExternal")
        content = {"text": "Here:", "file": PDF}
        failure = await failing(post.adapter, post.delivery(content))
        assert failure.unsure
        found = await post.restarted().find(post.delivery(content, attempt=2))
        assert found is not None
        assert list(stamps_of(found.external_id)) == [message.ts for message in post.slack.said()]

    async def test_the_same_file_of_an_earlier_reply_is_not_taken_for_it(self, post):
        content = {"text": "Here:", "file": PDF}
        await post.adapter.send(post.delivery(content, id="earlier"))
        post.slack.fault("cut", "files.completeUploadExternal")
        await failing(post.adapter, post.delivery(content))
        again = post.delivery(content, attempt=2)
        adapter = post.restarted()
        assert await adapter.find(again) is None
        await adapter.send(again)
        assert [message.subtype for message in post.slack.said()] == [None, "file_share"] * 2
