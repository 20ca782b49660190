"""What becomes of each kind of event, on recorded payloads."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from slack_arrivals import Inbox, installed

from adapters.errors import PlatformFailed
from adapters.slack.errands import Errands
from adapters.slack.marks import choice_value
from storage.errors import NotFound, Unavailable
from storage.records import EntryKind
from storage.slack_messages import ShownMessage

SHOWN = ShownMessage(UUID(int=9), "U061F7AUR", UUID(int=8), "C024BE7LR:1766458026.240810", "Which account?")
PRESSED = ("C024BE7LR", "1548261231.000200")


@pytest.fixture
async def inbox(channel):
    async with Errands() as errands:
        yield Inbox(channel, errands)


class TestMessages:
    @pytest.mark.parametrize(
        "name", ["message_im", "app_mention", "message_channel_mention", "message_file_share"]
    )
    async def test_what_is_for_us_is_accepted_with_a_place_for_its_reply(self, inbox, payload, name):
        assert await inbox.take(payload(name)) == "accepted"
        [inbound] = inbox.runtime.inbounds
        assert (inbound.kind, inbound.wants_reply, len(inbound.dedupe_keys)) == (EntryKind.MESSAGE, True, 2)
        assert inbox.runtime.asked == []

    async def test_a_reply_without_a_mention_is_accepted_where_the_bot_is_engaged(self, inbox, payload):
        reply = payload("message_thread_reply")
        assert await inbox.take(reply) == "not_ours"
        [(thread, _)] = inbox.runtime.asked
        inbox.runtime.engaged.add(thread)
        assert await inbox.take(reply) == "accepted"

    @pytest.mark.parametrize(
        "name",
        [
            "message_bot",
            "message_own",
            "message_own_changed",
            "message_channel_join",
            "message_changed_by_preview",
            "app_home_opened_home",
            "app_context_changed",
            "assistant_thread_context_changed",
            "block_actions_link",
            "view_closed",
        ],
    )
    async def test_what_is_nothing_to_us_leaves_nothing(self, inbox, payload, name):
        assert await inbox.take(payload(name)) == "ignored"
        assert (inbox.runtime.inbounds, inbox.runtime.rewritten, inbox.slack.calls) == ([], [], [])

    async def test_files_are_named_for_their_turn(self, inbox, payload):
        await inbox.take(payload("message_file_share"))
        [inbound] = inbox.runtime.inbounds
        file = inbound.payload["slack_files"][0]
        assert file["url"].startswith("https://files.slack.com/")
        assert (inbound.attachments, "url" in str(inbound.raw_payload)) == ((), False)

    async def test_the_person_is_asked_about_once_and_named_in_the_next_message(self, inbox, payload):
        await inbox.take(payload("message_im"))
        assert inbox.runtime.inbounds[0].user.profile == {}
        assert inbox.runtime.known[0].profile == {"name": "Ada L", "tz": "Europe/Berlin"}
        await inbox.take(payload("message_im"))
        assert inbox.runtime.inbounds[1].user.profile == {"name": "Ada L", "tz": "Europe/Berlin"}
        assert inbox.slack.methods() == ["users.info"]

    async def test_a_person_who_cannot_be_asked_about_is_heard_all_the_same(self, inbox, payload):
        inbox.slack.failing["users.info"] = PlatformFailed("users.info", "missing_scope", permanent=True)
        assert await inbox.take(payload("message_im")) == "accepted"

    @pytest.mark.parametrize("name", ["message_changed", "message_deleted", "message_tombstone"])
    async def test_edits_and_deletions_are_followed_and_no_turn(self, inbox, payload, name):
        assert await inbox.take(payload(name)) == "changed"
        [rewriting] = inbox.runtime.rewritten
        assert (rewriting.text is None) == (name != "message_changed")
        assert rewriting.at is not None
        assert inbox.runtime.inbounds == []


class TestPresses:
    async def test_the_askers_press_is_an_action_of_the_session_that_asked(self, inbox, payload):
        inbox.runtime.messages[PRESSED] = replace(SHOWN, thread_key="C024BE7LR:1.1")
        assert await inbox.take(payload("block_actions_button")) == "accepted"
        [inbound] = inbox.runtime.inbounds
        assert (inbound.kind, inbound.payload, inbound.content) == (
            EntryKind.ACTION,
            "ask:1:current",
            "Current",
        )
        assert (inbound.thread_key, inbound.wants_reply) == ("C024BE7LR:1.1", True)
        assert inbox.retired == [(*PRESSED, "Current")]

    async def test_a_repeated_press_does_not_touch_the_buttons_again(self, inbox, payload):
        inbox.runtime.messages[PRESSED] = SHOWN
        inbox.runtime.duplicate = True
        assert await inbox.take(payload("block_actions_button")) == "accepted"
        assert inbox.retired == []

    async def test_somebody_elses_press_is_told_whose_question_it_is(self, inbox, payload):
        inbox.runtime.messages[PRESSED] = replace(SHOWN, asked="T9/U0OTHER")
        assert await inbox.take(payload("block_actions_button")) == "not_theirs"
        url = "https://hooks.slack.com/actions/T123ABC456/1/abc"
        assert inbox.whispered == [(url, "This question is for <@U0OTHER>.")]
        assert (inbox.runtime.inbounds, inbox.retired) == ([], [])

    async def test_where_it_is_not_known_whose_it_is_an_open_session_decides(self, inbox, payload):
        assert await inbox.take(payload("block_actions_button")) == "not_theirs"
        inbox.runtime.open.add(("C024BE7LR:1766458026.240810", "U061F7AUR"))
        assert await inbox.take(payload("block_actions_button")) == "accepted"

    async def test_a_long_payload_is_found_again_by_its_digest(self, inbox, payload):
        long = "ask:" + "x" * 3_000
        content = f'{{"choices": [{{"label": "L", "payload": "{long}"}}]}}'
        press = payload("block_actions_button")
        press["actions"][0]["value"] = choice_value(long, 2_000)
        inbox.runtime.messages[PRESSED] = replace(SHOWN, content=None)
        assert await inbox.take(press) == "ignored"
        inbox.runtime.messages[PRESSED] = replace(SHOWN, content=content)
        assert await inbox.take(press) == "accepted"
        assert inbox.runtime.inbounds[0].payload == long

    @pytest.mark.parametrize("name", ["block_actions_view", "block_actions_ephemeral"])
    async def test_a_press_in_no_conversation_is_nothing(self, inbox, payload, name):
        press = payload(name)
        press.get("container", {}).pop("message_ts", None)
        assert await inbox.take(press) in ("ignored", "not_theirs")
        assert inbox.runtime.inbounds == []

    async def test_a_form_goes_to_the_open_session_that_its_metadata_names(self, inbox, payload):
        sent = payload("view_submission")
        assert await inbox.take(sent) == "ignored"
        inbox.runtime.open.add(("shh", "U061F7AUR"))
        assert await inbox.take(sent) == "accepted"
        [inbound] = inbox.runtime.inbounds
        assert (inbound.kind, inbound.thread_key) == (EntryKind.ACTION, "shh")
        assert inbound.payload["answers"]["colours/pick"] == ["red", "blue"]
        assert inbox.answer is None


class TestCommands:
    async def test_a_command_is_answered_in_the_direct_message_and_says_so(self, inbox, payload):
        assert await inbox.take(payload("slash_command")) == "accepted"
        assert inbox.runtime.inbounds[0].thread_key == "D0OURS"
        assert inbox.answer == {"response_type": "ephemeral", "text": "I answer in our direct message."}
        await inbox.take(payload("slash_command"))
        assert inbox.slack.methods().count("conversations.open") == 1

    async def test_given_there_it_needs_no_word(self, inbox, payload):
        command = payload("slash_command") | {"channel_id": "D0OURS", "channel_name": "directmessage"}
        assert await inbox.take(command) == "accepted"
        assert inbox.answer is None

    async def test_without_a_direct_message_nothing_is_stored_and_the_person_is_told(self, inbox, payload):
        inbox.slack.failing["conversations.open"] = PlatformFailed("it", "ratelimited", permanent=False)
        assert await inbox.take(payload("slash_command")) == "not_now"
        assert "try again" in inbox.answer["text"]
        assert inbox.runtime.inbounds == []

    async def test_one_that_cannot_be_told_from_its_repeat_is_ignored(self, inbox, payload):
        assert await inbox.take(payload("slash_command") | {"trigger_id": None}) == "ignored"


class TestFeedback:
    async def test_buttons_rate_the_message_that_they_name(self, inbox, payload):
        assert await inbox.take(payload("block_actions_feedback")) == "rated"
        assert inbox.runtime.rated == [("U061F7AUR", UUID("019a2b3c-0000-7000-8000-000000000001"), -1)]

    async def test_a_name_that_is_no_id_rates_nothing(self, inbox, payload):
        rating = payload("block_actions_feedback")
        rating["actions"][0]["value"] = "+1/all"
        assert await inbox.take(rating) == "ignored"

    @pytest.mark.parametrize(("name", "value"), [("reaction_added", 1), ("reaction_removed", 0)])
    async def test_a_reaction_of_whom_it_was_said_to_counts(self, inbox, payload, name, value):
        reaction = payload(name)
        item = reaction["event"]["item"]
        assert await inbox.take(reaction) == "ignored"
        mine = replace(SHOWN, asked=reaction["event"]["user"])
        inbox.runtime.messages[item["channel"], item["ts"]] = mine
        assert await inbox.take(reaction) == "rated"
        assert inbox.runtime.rated == [(mine.asked, mine.id, value)]
        inbox.runtime.messages[item["channel"], item["ts"]] = replace(mine, asked="U0OTHER")
        assert await inbox.take(reaction) == "ignored"


class TestAgentView:
    @pytest.mark.parametrize("name", ["app_home_opened_messages", "assistant_thread_started"])
    async def test_opening_it_shows_what_may_be_asked(self, inbox, payload, name):
        assert await inbox.take(payload(name)) == "noted"
        [(method, given)] = inbox.slack.calls
        assert method == "assistant.threads.setSuggestedPrompts"
        assert given["title"] == "Hello."
        assert given["prompts"] == [{"title": "What is new?", "message": "What is new?"}]

    @pytest.mark.parametrize("error", ["unknown_method", "missing_scope"])
    async def test_a_workspace_without_it_is_no_trouble(self, inbox, payload, error):
        inbox.slack.failing["assistant.threads.setSuggestedPrompts"] = PlatformFailed(
            "it", error, permanent=True
        )
        assert await inbox.take(payload("app_home_opened_messages")) == "noted"

    async def test_stop_ends_the_persons_turns_there_and_is_confirmed(self, inbox, payload):
        assert await inbox.take(payload("agent_session_stopped")) == "stopped"
        threads = ("D0123ABC456", "D0123ABC456:1782234671.392669")
        assert inbox.runtime.stopped == [("U061F7AUR", threads)]
        [(method, given)] = inbox.slack.calls
        assert (method, given["status"]) == ("agents.sessions.setStatus", "active")

    async def test_in_a_channel_only_the_thread_is_meant(self, inbox, payload):
        stop = payload("agent_session_stopped")
        stop["event"]["channel"] = "C1"
        await inbox.take(stop)
        assert inbox.runtime.stopped == [("U061F7AUR", ("C1:1782234671.392669",))]

    async def test_a_changed_profile_is_kept(self, inbox, payload):
        assert await inbox.take(payload("user_change")) == "noted"
        assert len(inbox.runtime.known) == 1


class TestTheEnd:
    @pytest.mark.parametrize("name", ["app_uninstalled", "tokens_revoked"])
    async def test_the_installation_ends_as_of_when_slack_says(self, inbox, payload, name):
        assert await inbox.take(payload(name)) == "ended"
        [told_at] = inbox.runtime.revoked
        assert told_at.replace(microsecond=0) == datetime.fromtimestamp(1766458026, UTC)

    @pytest.mark.parametrize("bots", [[], ["U0OTHERBOT"]])
    async def test_other_tokens_are_none_of_ours(self, inbox, payload, bots):
        event = payload("tokens_revoked")
        event["event"]["tokens"]["bot"] = bots
        assert await inbox.take(event) == "ignored"
        assert inbox.runtime.revoked == []

    async def test_one_workspace_does_not_end_the_whole_organisations_installation(self, inbox, payload):
        inbox.installation = installed(team_id=None, enterprise_id="E1")
        assert await inbox.take(payload("app_uninstalled")) == "ignored"
        event = payload("app_uninstalled")
        event["authorizations"] = [{"enterprise_id": "E1", "team_id": None, "is_enterprise_install": True}]
        assert await inbox.take(event) == "ended"

    @pytest.mark.parametrize("odd", [None, "1", -1, 2**60, 1.5, True])
    async def test_an_odd_time_is_none(self, inbox, payload, odd):
        assert await inbox.take(payload("app_uninstalled") | {"event_time": odd}) == "ended"
        assert inbox.runtime.revoked == [None]

    async def test_dropped_events_are_counted(self, inbox, payload):
        assert await inbox.take(payload("app_rate_limited")) == "rate_limited"


class TestErrors:
    """What Slack is to send again, and what is a defect of ours."""

    @pytest.mark.parametrize(
        ("error", "status"),
        [(Unavailable("Postgres is away"), 503), (NotFound("gone"), 503), (ValueError("secret words"), 500)],
    )
    async def test_a_failed_insert_is_not_acknowledged(self, inbox, payload, error, status, capsys):
        inbox.runtime.error = error
        answer = await inbox.bolt.deliver(inbox.channel, payload("message_im"))
        assert (answer.status, answer.body, inbox.outcomes) == (status, None, [])

    @pytest.mark.parametrize(
        "odd",
        [
            {},
            {"type": None},
            {"type": []},
            {"type": "event_callback"},
            {"type": "event_callback", "event": None},
            {"type": "event_callback", "event": [], "authorizations": "x"},
            {"type": "event_callback", "event": {"type": {}}, "authorizations": [None]},
            {"type": "block_actions", "user": "U1", "team": [], "actions": {}},
            {"type": "block_actions", "response_urls": ["x"], "response_url": 7},
            {"type": "view_submission", "view": [], "enterprise": 1},
            {"type": "ssl_check"},
            {"type": "url_verification"},
            {"type": "function_executed"},
            {"type": "event_callback", "event": {"type": "function_executed", "inputs": None}},
            {"command": ["/x"], "team": True},
            {"type": "event_callback", "event": {"type": "app_uninstalled"}, "event_time": {}},
        ],
    )
    async def test_no_shape_of_a_payload_is_an_error(self, inbox, odd):
        answer = await inbox.bolt.deliver(inbox.channel, odd)
        assert answer.status == 200
        assert inbox.runtime.inbounds == []
