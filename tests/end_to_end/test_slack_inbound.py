"""Slack's events from the emulator to the transcript and back, on real Postgres and Redis."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import aiohttp
import pytest
from samples import SAMPLES
from slack_house import slack_house

from bot.emulators.slack.posting import signed
from bot.slack.connecting import GivenTokens

PNG = SAMPLES["image/png"]


@pytest.fixture
async def place(database, redis_url, tmp_path, clock):
    async with slack_house(database, redis_url, tmp_path, clock) as place:
        yield place


async def post(place, payload, *, secret=None, **headers):
    """A signed event, as Slack would post it; the status."""
    body = json.dumps(payload).encode()
    stamp = int(place.clock().timestamp())
    given = {
        "Content-Type": "application/json",
        **signed(secret or place.slack.app.signing_secret, body, stamp),
    }
    url = place.slack.app.events_url
    async with aiohttp.ClientSession() as http, http.post(url, data=body, headers=given | headers) as answer:
        return answer.status


def told(place, kind):
    """The payload of the last event of a type that people caused."""
    found = [each.notice.payload for each in place.slack.deliveries if each.notice.name == kind]
    return [each for each in found if "bot_id" not in each["event"]][-1]


class TestMessages:
    async def test_a_direct_message_is_answered(self, place):
        place.ada.writes("hello")
        await place.settled()
        assert place.said() == ["You said hello"]

    async def test_a_mention_comes_as_two_events_and_is_answered_once_in_its_thread(self, place):
        message = place.ada.mentions("hello", place.slack.general)
        await place.settled()
        names = [each.notice.name for each in place.slack.deliveries]
        assert (names.count("app_mention"), names.count("message") >= 1) == (1, True)
        [answer] = place.slack.said()
        assert (answer.text, answer.thread_ts) == ("You said hello", message.ts)
        assert await place.all_of("select count(*) from messages where sender_type = 'user'") == [(1,)]

    async def test_what_is_said_in_a_channel_without_a_mention_leaves_nothing(self, place):
        place.ada.writes("lunch?", place.slack.general)
        await place.settled()
        assert place.said() == []
        assert await place.all_of("select count(*) from inbound_keys") == [(0,)]
        assert await place.all_of("select count(*) from users") == [(0,)]

    async def test_fifty_repeats_at_once_are_one_message(self, place):
        place.ada.writes("hello")
        await place.settled()
        payload = told(place, "message") | {"event_id": "Ev0FIFTY"}
        payload["event"] = payload["event"] | {"ts": "1772442000.000900", "text": "again"}
        statuses = await asyncio.gather(*(post(place, payload) for _ in range(50)))
        await place.settled()
        assert set(statuses) == {200}
        assert place.said() == ["You said hello", "You said again"]

    async def test_a_failed_insert_is_sent_again_by_slack_and_answered(self, place):
        await place.owner.execute(
            """
            create sequence failures;
            grant usage on sequence failures to public;
            create function fail_twice() returns trigger language plpgsql as $$
            begin
                if nextval('failures') <= 2 then
                    raise exception using errcode = '40001', message = 'try again';
                end if;
                return new;
            end $$;
            create trigger fail_twice before insert on inbox for each row execute function fail_twice();
            """
        )
        place.ada.writes("hello")
        await place.settled()
        [delivery] = [
            each for each in place.slack.deliveries if each.notice.payload["event"].get("text") == "hello"
        ]
        assert [attempt.failure for attempt in delivery.attempts] == ["http_error", "http_error", None]
        assert place.said() == ["You said hello"]

    async def test_the_bots_own_messages_are_not_heard(self, place):
        place.ada.writes("hello")
        await place.settled()
        await place.settled()
        assert place.said() == ["You said hello"]

    async def test_the_persons_name_zone_and_locale_are_asked_once_and_kept(self, place):
        for text in ("one", "two", "three"):
            place.ada.writes(text)
            await place.settled()
        assert [call.method for call in place.slack.calls].count("users.info") == 1
        [(locale, profile)] = await place.all_of("select locale, profile from users")
        assert (locale, json.loads(profile)) == ("en-US", {"name": "Ada", "tz": "Europe/Berlin"})

    async def test_an_event_for_another_workspace_than_was_signed_for_goes_to_nobody(self, place):
        place.ada.writes("hello")
        await place.settled()
        payload = told(place, "message")
        other = json.loads(json.dumps(payload).replace(place.slack.workspace.id, "T0OTHER"))
        assert await post(place, other | {"event_id": "Ev0OTHER"}) == 401
        assert await place.all_of("select count(*) from messages where sender_type = 'user'") == [(1,)]

    async def test_a_replay_within_the_window_is_taken_and_changes_nothing(self, place):
        place.ada.writes("hello")
        await place.settled()
        assert await post(place, told(place, "message")) == 200
        await place.settled()
        assert place.said() == ["You said hello"]


class TestThreads:
    async def test_a_reply_in_an_engaged_thread_needs_no_mention(self, place):
        root = place.ada.mentions("colour", place.slack.general)
        await place.settled()
        place.ada.writes("Red", place.slack.general, thread=root)
        await place.settled()
        assert place.said()[-1] == "You like Red."

    async def test_a_reply_in_any_other_thread_is_not_heard(self, place):
        root = place.ada.writes("lunch?", place.slack.general)
        place.ben.writes("yes", place.slack.general, thread=root)
        await place.settled()
        assert place.said() == []

    async def test_another_person_in_the_thread_cannot_answer_the_askers_question(self, place):
        root = place.ada.mentions("colour", place.slack.general)
        await place.settled()
        place.ben.writes("Blue", place.slack.general, thread=root)
        await place.settled()
        assert place.said()[-1] == "You said Blue"
        place.ada.writes("Red", place.slack.general, thread=root)
        await place.settled()
        assert place.said()[-1] == "You like Red."

    async def test_who_talked_there_before_is_heard_again_after_a_long_silence(self, place):
        root = place.ada.mentions("hello", place.slack.general)
        await place.settled()
        place.clock.advance(timedelta(hours=2))
        acme = (await place.runtime.tenants.find("acme")).id
        assert await place.runtime.sessions.close_silent(acme) == 1
        place.ben.writes("hm", place.slack.general, thread=root)
        await place.settled()
        assert place.said() == ["You said hello"]
        place.ada.writes("still there?", place.slack.general, thread=root)
        await place.settled()
        assert place.said()[-1] == "You said still there?"


class TestButtons:
    async def test_a_press_answers_and_the_buttons_go(self, place):
        place.ada.writes("colour")
        await place.settled()
        await place.ada.presses(place.last(), "Red")
        await place.settled()
        asked, answered = place.slack.said()
        assert answered.text == "You like Red."
        assert "actions" not in {block["type"] for block in asked.blocks}
        assert "✓ Red" in json.dumps(asked.blocks, ensure_ascii=False)

    async def test_somebody_elses_press_changes_nothing_and_they_are_told(self, place):
        place.ada.mentions("colour", place.slack.general)
        await place.settled()
        question = place.last()
        before = await place.all_of("select id, last_seq, done_position from sessions")
        await place.ben.presses(question, "Blue")
        await place.settled()
        assert await place.all_of("select id, last_seq, done_position from sessions") == before
        assert "actions" in {block["type"] for block in place.slack.said()[0].blocks}
        note = next(each for each in place.slack.messages if each.ephemeral_to == place.ben.id)
        assert note.text == f"This question is for <@{place.ada.id}>."
        await place.ada.presses(question, "Red")
        await place.settled()
        assert place.said()[-1] == "You like Red."

    async def test_a_press_repeated_over_and_over_counts_once(self, place):
        place.ada.writes("colour")
        await place.settled()
        question = place.last()
        await asyncio.gather(*(place.ada.presses(question, "Red") for _ in range(5)), return_exceptions=True)
        await place.settled()
        assert place.said().count("You like Red.") == 1

    async def test_a_press_after_the_session_ended_is_told_that_it_expired(self, place):
        place.ada.writes("colour")
        await place.settled()
        question = place.last()
        place.clock.advance(timedelta(days=8))
        acme = (await place.runtime.tenants.find("acme")).id
        await place.runtime.sessions.close_silent(acme)
        await place.ada.presses(question, "Red")
        await place.settled()
        assert "You like Red." not in place.said()
        assert len(place.said()) == 2


class TestTranscript:
    async def test_an_edit_is_followed_and_starts_no_turn(self, place):
        message = place.ada.writes("helo")
        await place.settled()
        place.ada.edits(message, "hello")
        await place.settled()
        assert await place.transcript() == [("user", "hello"), ("bot", "You said helo")]
        assert await place.all_of(
            "select change > created_change from messages where sender_type = 'user'"
        ) == [(True,)]

    async def test_an_edit_that_comes_late_does_not_undo_a_later_one(self, place):
        message = place.ada.writes("one")
        await place.settled()
        place.ada.edits(message, "two")
        await place.settled()
        first = [each.notice.payload for each in place.slack.deliveries][-1]
        message = place.ada.edits(place.ada.now(message), "three")
        await place.settled()
        assert await post(place, first) == 200
        assert (await place.transcript())[0] == ("user", "three")

    async def test_a_deleted_message_is_empty(self, place):
        message = place.ada.writes("my secret plan")
        await place.settled()
        place.ada.deletes(message)
        await place.settled()
        assert (await place.transcript())[0] == ("user", "[deleted]")
        assert await place.all_of("select raw_payload, sealed from messages where sender_type = 'user'") == [
            (None, None)
        ]

    async def test_a_message_edited_before_its_turn_is_answered_as_edited(self, place):
        async with place.lane_held():
            message = place.ada.writes("helo")
            await place.slack.idle()
            place.ada.edits(message, "hello")
            await place.slack.idle()
        await place.settled()
        assert place.said() == ["You said hello"]

    async def test_a_message_deleted_before_its_turn_is_not_answered(self, place):
        async with place.lane_held():
            message = place.ada.writes("forget it")
            await place.slack.idle()
            place.ada.deletes(message)
            await place.slack.idle()
        await place.settled()
        assert place.said() == []
        assert await place.all_of("select count(*) from inbox") == [(0,)]
        place.ada.writes("hello")
        await place.settled()
        assert place.said() == ["You said hello"]

    async def test_what_is_sealed_stays_sealed_and_what_was_taken_gets_no_new_words(self, place):
        place.ada.writes("pin")
        await place.settled()
        secret = place.ada.writes("4711")
        await place.settled()
        place.ada.edits(secret, "4712")
        await place.settled()
        said = {content: sender for sender, content in await place.transcript()}
        assert "[sensitive]" in said
        rows = await place.all_of("select content, sealed, raw_payload from messages")
        assert "471" not in repr(rows)

    async def test_an_edit_of_a_message_whose_keys_are_forgotten_is_followed(self, place):
        message = place.ada.writes("helo")
        await place.settled()
        await place.owner.execute("delete from inbound_keys")
        place.ada.edits(message, "hello")
        await place.settled()
        assert (await place.transcript())[0] == ("user", "hello")


class TestFeedback:
    async def test_a_thumb_of_whom_it_was_said_to_is_kept_and_taken_back(self, place):
        place.ada.writes("hello")
        await place.settled()
        place.ada.reacts(place.last(), "+1")
        await place.settled()
        assert await place.all_of("select value from feedback") == [(1,)]
        place.ada.unreacts(place.last(), "+1")
        await place.settled()
        assert await place.all_of("select value from feedback") == [(0,)]

    async def test_a_thumb_of_somebody_else_is_talk(self, place):
        place.ada.mentions("hello", place.slack.general)
        await place.settled()
        place.ben.reacts(place.last(), "-1")
        await place.settled()
        assert await place.all_of("select count(*) from feedback") == [(0,)]


class TestCommands:
    async def test_a_command_in_a_channel_is_answered_in_the_direct_message(self, place):
        answer = await place.ada.commands("hello", place.slack.general)
        await place.settled()
        assert answer.body == {"response_type": "ephemeral", "text": "I answer in our direct message."}
        assert place.said(place.ada.dm) == ["You said hello"]

    async def test_a_question_that_a_command_led_to_can_be_answered(self, place):
        await place.ada.commands("colour")
        await place.settled()
        place.ada.writes("Blue")
        await place.settled()
        assert place.said(place.ada.dm)[-1] == "You like Blue."

    async def test_while_slack_cannot_be_asked_for_the_direct_message_the_person_is_told(self, place):
        place.slack.fault("error", "conversations.open")
        answer = await place.ada.commands("hello", place.slack.general)
        assert answer.body["text"].startswith("This cannot be done right now")
        await place.ada.commands("hello", place.slack.general)
        await place.settled()
        assert place.said(place.ada.dm) == ["You said hello"]


class TestAgentView:
    async def test_who_opens_it_sees_what_may_be_asked(self, place):
        place.ada.agent.opens()
        await place.settled()
        assert place.slack.platform.surface.of(place.ada.dm.id, None).prompts == (
            {"title": "colour", "message": "colour"},
            {"title": "photo", "message": "photo"},
        )

    async def test_where_slack_lacks_it_nothing_happens(self, place):
        place.slack.forget_method("assistant.threads.setSuggestedPrompts")
        place.ada.agent.opens()
        place.ada.writes("hello")
        await place.settled()
        assert place.said() == ["You said hello"]


class TestStop:
    @pytest.mark.parametrize("who", ["ada", "ben"])
    async def test_stop_ends_the_persons_own_turn_with_what_was_said_so_far(self, place, who):
        message = place.ada.mentions("story", place.slack.general)
        await place.slack.idle()
        stop = {"type": "agent_session_stopped", "channel": place.slack.general.id, "thread_ts": message.ts}
        place.slack.send_event(stop | {"user": getattr(place, who).id, "event_ts": message.ts})
        await place.slack.idle()
        if who == "ben":
            assert await place.all_of("select cancel_seq from sessions") == [(0,)]
            place.slack.send_event(stop | {"user": place.ada.id, "event_ts": message.ts})
        async with asyncio.timeout(15):
            await place.settled()
        [(content,)] = await place.all_of("select content from messages where sender_type = 'bot'")
        assert content.count("and so on") < 600


class TestFiles:
    async def test_a_shared_file_answers_the_question(self, place):
        place.ada.writes("photo")
        await place.settled()
        place.ada.shares("cat.png", PNG)
        await place.settled()
        assert place.said()[-1] == f"Got cat.png, {len(PNG)} bytes."
        assert await place.all_of("select file_name, status, message_id is not null from attachments") == [
            ("cat.png", "ready", True)
        ]

    async def test_a_file_that_may_not_be_read_is_left_out_and_the_message_is_answered(self, place):
        async with place.lane_held():
            place.ada.shares("cat.png", PNG, "look")
            await place.slack.idle()
            files = place.slack.platform.files
            for id_, file in list(files.items()):
                files[id_] = replace(file, deleted=True)
        await place.settled()
        assert place.said() == ["You said look"]
        assert await place.all_of("select count(*) from attachments") == [(0,)]

    async def test_a_file_of_a_type_that_is_not_taken_is_left_out(self, place):
        place.ada.shares("run.exe", b"MZ" + bytes(100), "look")
        await place.settled()
        assert place.said() == ["You said look"]


class TestTheEnd:
    async def test_an_uninstalled_app_hears_nothing_and_has_no_token(self, place):
        place.ada.writes("hello")
        await place.settled()
        payload = told(place, "message")
        place.ada.uninstalls()
        await place.settled()
        assert await place.all_of("select credentials, revoked_at is not null from slack_installations") == [
            (None, True)
        ]
        late = payload | {"event_id": "Ev0LATE", "event": payload["event"] | {"ts": "1772442001.000900"}}
        assert await post(place, late) == 200
        await place.settled()
        assert await place.all_of("select count(*) from messages where sender_type = 'user'") == [(1,)]

    async def test_what_waits_to_be_sent_then_fails_for_good(self, place):
        async with place.lane_held():
            place.ada.writes("hello")
            await place.slack.idle()
            place.ada.uninstalls()
            await place.slack.idle()
        await place.settled()
        [(status, error)] = await place.all_of("select status, error from outbox")
        assert (status, "uninstalled" in error) == ("failed", True)

    async def test_tokens_of_people_are_none_of_ours(self, place):
        place.slack.send_event({"type": "tokens_revoked", "tokens": {"oauth": ["U1"], "bot": []}})
        await place.settled()
        assert await place.all_of("select revoked_at from slack_installations") == [(None,)]

    async def test_an_old_uninstallation_does_not_end_a_newer_installation(self, place):
        payload = place.slack.platform.announcer.envelope(
            place.slack.installation, {"type": "app_uninstalled"}, None
        )
        payload["event_time"] -= 60
        assert await post(place, payload) == 200
        assert await place.all_of("select revoked_at from slack_installations") == [(None,)]

    async def test_dropped_events_are_counted(self, place):
        place.slack.rate_limit_app()
        await place.settled()
        assert b'parley_slack_events_total{outcome="rate_limited"} 1.0' in await place.runtime.metrics.text()


class TestOrganisation:
    async def test_an_org_wide_installation_hears_all_its_workspaces_and_nobody_elses(self, place):
        slack, runtime = place.slack, place.runtime
        org = slack.add_enterprise("Org")
        one, two = slack.add_workspace("One", org), slack.add_workspace("Two", org)
        eve, dan = slack.add_person(one, "Eve Adams"), slack.add_person(two, "Dan Brown")
        tenant = await runtime.tenants.create("org")
        bots = runtime.bots._bots_dir
        (bots / "org").symlink_to(bots / "acme")
        installed = slack.install(slack.app, org)
        await runtime.slack.connector.connect(tenant.id, GivenTokens(slack.token(installed)))
        eve.writes("hello")
        dan.writes("hi")
        place.ada.writes("good day")
        await place.settled()
        assert (place.said(eve.dm), place.said(dan.dm)) == (["You said hello"], ["You said hi"])
        assert await place.all_of(
            "select tenant_id, count(*) from messages where sender_type = 'user' group by 1 order by 2"
        ) == [(place.channel.tenant_id, 1), (tenant.id, 2)]


class TestAddress:
    async def test_slack_can_check_the_address(self, place):
        assert await place.slack.verify_url()

    async def test_an_unsigned_check_is_not_answered(self, place):
        payload = {"type": "url_verification", "challenge": "c", "token": "t"}
        assert await post(place, payload, secret="wrong") == 401
