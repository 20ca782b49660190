"""A flow whose code changed under a conversation: it fits, is migrated, or begins again politely."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from flow_services import Conversation

from flows import Chat, Flow
from flows.bot import Bot
from flows.engine import run_turn
from storage.records import Turn

Script: TypeAlias = Callable[[Chat], Awaitable[Any]]
made: list[str] = []


async def book(what: str) -> str:
    made.append(what)
    return f"booked {what}"


def version(number: str, script: Script, **migrations: Callable[[dict[str, Any]], dict[str, Any]]) -> Flow:
    flow = Flow("trip", phrases=["go"], version=number)
    flow(script)
    for old, function in migrations.items():
        flow.migrate(old.removeprefix("v"))(function)
    return flow


async def first(chat: Chat) -> None:
    await chat.say("Welcome.")
    place = await chat.ask("place", "Where?")
    await chat.call(book, place)
    days = await chat.ask("days", "How long?", int)
    await chat.say(f"{days} days in {place}")


async def parked(talk: Conversation) -> None:
    made.clear()
    await talk.say("go")
    assert await talk.say("Rome") == ["How long?"]


async def test_texts_and_later_steps_may_change() -> None:
    async def changed(chat: Chat) -> None:
        await chat.say("Hello there, welcome!")
        await chat.say("A new line before, never heard.")
        place = await chat.ask("place", "Which place, please?")
        await chat.call(book, place)
        days = await chat.ask("days", "For how long?", int)
        await chat.memo("new", lambda: 1)
        await chat.say(f"new: {days} days in {place}")

    talk = Conversation(Bot([version("1", first)]))
    await parked(talk)
    talk.bot = Bot([version("1", changed)])
    assert await talk.say("3") == ["new: 3 days in Rome"]


async def test_an_entry_that_the_code_no_longer_uses_is_ignored() -> None:
    async def shorter(chat: Chat) -> None:
        days = await chat.ask("days", "How long?", int)
        await chat.say(f"just {days}")

    talk = Conversation(Bot([version("1", first)]))
    await parked(talk)
    talk.bot = Bot([version("1", shorter)])
    assert await talk.say("3") == ["just 3"]


async def with_budget(chat: Chat) -> None:
    await chat.say("Welcome.")
    place = await chat.ask("place", "Where?")
    budget = await chat.ask("budget", "How much?", int)
    await chat.call(book, place)
    days = await chat.ask("days", "How long?", int)
    await chat.say(f"{days} days in {place} for {budget}")


async def test_a_new_question_before_the_pending_one_restarts_politely_and_keeps_the_answers() -> None:
    talk = Conversation(Bot([version("1", first)]))
    await parked(talk)
    talk.bot = Bot([version("1", with_budget)])
    assert await talk.say("3") == [talk.bot.texts.restarted, "Welcome.", "How much?"]
    assert await talk.say("500") == ["How long?"]
    assert made == ["Rome"]
    assert await talk.say("3") == ["3 days in Rome for 500"]


async def test_an_answer_of_another_type_is_asked_again_after_a_restart() -> None:
    async def by_number(chat: Chat) -> None:
        await chat.ask("budget", "How much?", int)
        place = await chat.ask("place", "Which number?", int)
        await chat.say(f"place {place}")

    talk = Conversation(Bot([version("1", first)]))
    await parked(talk)
    talk.bot = Bot([version("1", by_number)])
    await talk.say("3")
    assert await talk.say("500") == ["Which number?"]


async def test_a_kept_choice_that_is_no_longer_offered_is_asked_again() -> None:
    def script(*choices: str, extra: bool) -> Script:
        async def run(chat: Chat) -> None:
            if extra:
                await chat.ask("new", "New?", int)
            await chat.say("chose " + await chat.ask("what", "What?", choices=choices))
            await chat.ask("more", "More?")

        return run

    talk = Conversation(Bot([version("1", script("A", "B", extra=False))]))
    await talk.say("go")
    await talk.say("B")
    talk.bot = Bot([version("1", script("A", "C", extra=True))])
    await talk.say("x")
    assert await talk.say("1") == ["What?"]


async def test_the_message_answers_the_pending_question_if_it_comes_first_after_the_restart() -> None:
    async def other_call(chat: Chat) -> None:
        place = await chat.ask("place", "Where?")
        await chat.call(book, place, name="reserve")
        days = await chat.ask("days", "How long?", int)
        await chat.say(f"{days} days")

    talk = Conversation(Bot([version("1", first)]))
    await parked(talk)
    talk.bot = Bot([version("1", other_call)])
    assert await talk.say("3") == [talk.bot.texts.restarted, "3 days"]


async def test_an_older_version_that_is_still_registered_finishes_its_conversations() -> None:
    talk = Conversation(Bot([version("1", first)]))
    await parked(talk)
    talk.bot = Bot([version("2", with_budget), version("1", first)])
    assert await talk.say("3") == ["3 days in Rome"]
    assert await talk.say("go") == ["Welcome.", "Where?"]
    assert talk.state.flow_version == "2"


async def test_a_version_that_is_gone_goes_on_in_the_newest_that_fits() -> None:
    talk = Conversation(Bot([version("1", first)]))
    await parked(talk)
    talk.bot = Bot([version("3", with_budget), version("2", first)])
    assert await talk.say("3") == ["3 days in Rome"]


async def test_a_migration_turns_the_answers_and_goes_on_without_repeating_what_was_said() -> None:
    def migrate(answers: dict[str, Any]) -> dict[str, Any]:
        return {"place": answers["place"].upper(), "budget": 900}

    talk = Conversation(Bot([version("1", first)]))
    await parked(talk)
    talk.bot = Bot([version("2", with_budget, v1=migrate)])
    assert await talk.say("3") == ["3 days in ROME for 900"]
    assert talk.state.flow is None


async def test_code_that_ends_or_fails_before_the_pending_question_does_not_fit() -> None:
    async def ends(chat: Chat) -> None:
        await chat.say("nothing to ask any more")

    async def fails(chat: Chat) -> None:
        if (await chat.ask("place", "Where?")) == "Rome":
            raise ZeroDivisionError

    talk = Conversation(Bot([version("1", first)]))
    await parked(talk)
    talk.bot = Bot([version("1", ends)])
    assert await talk.say("3") == [talk.bot.texts.restarted, "nothing to ask any more"]

    talk = Conversation(Bot([version("1", first)]))
    await parked(talk)
    talk.bot = Bot([version("1", fails)])
    assert await talk.say("3") == [talk.bot.texts.apology]
    assert talk.state.flow is None, "a flow that cannot go on must not catch the next message too"


async def test_a_pending_verb_of_another_kind_does_not_fit() -> None:
    async def code(chat: Chat) -> None:
        place = await chat.ask("place", "Where?")
        await chat.call(book, place)
        await chat.memo("days", lambda: 1)
        await chat.ask("more", "More?")

    talk = Conversation(Bot([version("1", first)]))
    await parked(talk)
    talk.bot = Bot([version("1", code)])
    assert await talk.say("3") == [talk.bot.texts.restarted, "More?"]


async def test_a_flow_that_was_removed_is_dropped_and_the_message_is_routed_anew() -> None:
    other = Flow("other", phrases=["hello"])

    @other
    async def greet(chat: Chat) -> None:
        await chat.say("hi")

    talk = Conversation(Bot([version("1", first)]))
    await parked(talk)
    talk.bot = Bot([other])
    assert await talk.say("hello") == [talk.bot.texts.retired, "hi"]


async def test_a_crash_in_a_restarted_flow_tells_everything_once() -> None:
    for kill in (1, 2):
        talk = Conversation(Bot([version("1", first)]))
        await parked(talk)
        talk.bot = Bot([version("1", with_other_call)])
        talk.services.kill_at = {kill}
        assert await talk.say("3") == [talk.bot.texts.restarted, "Welcome.", "3 days in Rome"]


async def with_other_call(chat: Chat) -> None:
    await chat.say("Welcome.")
    place = await chat.ask("place", "Where?")
    await chat.call(book, place, name="reserve")
    days = await chat.ask("days", "How long?", int)
    await chat.say(f"{days} days in {place}")


async def test_a_secret_typed_to_a_question_that_is_gone_is_still_redacted() -> None:
    async def secret(chat: Chat) -> None:
        await chat.ask("number", "Number?", int, sensitive=True)

    async def changed(chat: Chat) -> None:
        await chat.ask("other", "Other?")

    for flows in ([version("1", changed)], []):
        talk = Conversation(Bot([version("1", secret)]))
        await talk.say("go")
        talk.bot = Bot(flows)
        await talk.say("12345678")
        assert talk.outcome is not None
        assert talk.outcome.redact_input


async def test_a_flow_that_fails_after_a_restart_does_not_catch_the_next_message_too() -> None:
    async def fails(chat: Chat) -> None:
        await chat.call(book, "Paris", name="other")
        raise ZeroDivisionError

    for kill in (set[int](), {2}):
        talk = Conversation(Bot([version("1", first)]))
        await parked(talk)
        talk.bot = Bot([version("1", fails)])
        talk.services.kill_at = kill
        assert await talk.say("3") == [talk.bot.texts.apology]
        assert talk.state.flow is None


async def test_the_message_does_not_answer_a_question_of_another_type_after_a_restart() -> None:
    async def retyped(chat: Chat) -> None:
        await chat.call(book, "x", name="new")
        days = await chat.ask("days", "Which days?")
        await chat.say(days)

    talk = Conversation(Bot([version("1", first)]))
    await parked(talk)
    talk.bot = Bot([version("1", retyped)])
    assert await talk.say("3") == [talk.bot.texts.restarted, "Which days?"]


async def test_a_crash_in_a_migrated_flow_loses_nothing_that_was_said_after_the_call() -> None:
    async def longer(chat: Chat) -> None:
        await chat.say("Welcome.")
        place = await chat.ask("place", "Where?")
        await chat.call(book, f"{place} hotel", name="hotel")
        await chat.say("Hotel booked.")
        await chat.ask("nights", "Nights?", int)

    for kill in (set[int](), {1}, {2}):
        talk = Conversation(Bot([version("1", first)]))
        await parked(talk)
        talk.bot = Bot([version("2", longer, v1=lambda answers: answers)])
        talk.services.kill_at = kill
        assert await talk.say("3") == ["Hotel booked.", "Nights?"]


async def test_an_answer_kept_over_a_restart_can_be_changed_by_going_back() -> None:
    talk = Conversation(Bot([version("1", first)]))
    await parked(talk)
    talk.bot = Bot([version("1", with_budget)])
    await talk.say("3")
    assert await talk.say("back") == ["Where?"]
    assert await talk.say("Oslo") == ["How much?"]


async def test_calls_stay_made_over_a_restart_and_a_second_one() -> None:
    talk = Conversation(Bot([version("1", first)]))
    await parked(talk)
    talk.bot = Bot([version("1", with_budget)])
    await talk.say("3")

    async def again(chat: Chat) -> None:
        await chat.ask("colour", "Colour?")
        await with_budget(chat)

    talk.bot = Bot([version("1", again)])
    await talk.say("500")
    await talk.say("red")
    await talk.say("500")
    assert made == ["Rome"]


async def test_the_version_that_fits_is_the_one_the_conversation_goes_on_with() -> None:
    talk = Conversation(Bot([version("1", first)]))
    await parked(talk)
    talk.bot = Bot([version("2", first)])
    await talk.say("help")
    assert talk.state.flow_version == "2"


async def test_what_follows_the_first_new_question_of_a_migrated_flow_is_heard() -> None:
    async def longer(chat: Chat) -> None:
        await chat.say("Welcome.")
        await chat.ask("place", "Where?")
        budget = await chat.ask("budget", "How much?", int)
        await chat.say(f"{budget} it is.")
        await chat.ask("days", "How long?", int)

    talk = Conversation(Bot([version("1", first)]))
    await parked(talk)
    talk.bot = Bot([version("2", longer, v1=lambda answers: answers)])
    assert await talk.say("3") == ["How much?"]
    assert await talk.say("500") == ["500 it is.", "How long?"]


async def test_a_checkpoint_with_the_replies_of_a_secret_flow_that_ended_is_sealed() -> None:
    secret = Flow("secret", phrases=["secret"], sensitive=True)

    @secret
    async def tell(chat: Chat) -> None:
        await chat.ask("sure", "Sure?", bool)
        await chat.say("the secret")

    async def changed(chat: Chat) -> None:
        await chat.call(book, "x", name="new")
        await chat.ask("days", "How long?", int)

    talk = Conversation(Bot([version("1", first), secret]))
    await parked(talk)
    await talk.say("secret")
    talk.bot = Bot([version("1", changed), secret])
    turn = Turn(talk.session, 1, talk.entry("yes"), talk.state, 0)
    await run_turn(talk.bot, turn, talk.services)
    last = talk.services.checkpoints[-1]
    assert "the secret" in str(last.data)
    assert [frame["flow"] for frame in last.data["frames"]] == ["trip"]
    assert last.sensitive
