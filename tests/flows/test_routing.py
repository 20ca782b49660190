"""Where a message goes."""

from __future__ import annotations

from typing import Any

import pytest
from flow_services import Conversation, bot_that

from flows import Chat, Choice, Flow, Rejected
from flows.bot import Bot
from flows.errors import FlowMistake
from flows.triggers import normalise
from storage.records import EntryKind


def saying(name: str, **settings: Any) -> Flow:
    flow = Flow(name, **settings)

    @flow
    async def script(chat: Chat) -> None:
        await chat.say(f"{name}: {chat.opening}")

    return flow


def asking(name: str, *arguments: Any, **settings: Any) -> Flow:
    flow = Flow(name, phrases=[name])

    @flow
    async def script(chat: Chat) -> None:
        first = await chat.ask("first", "First?", *arguments, **settings)
        await chat.say(f"got {first}")

    return flow


weather = saying("weather", phrases=["How's the weather?"], patterns=[r"\brain\b"], command="weather")


@pytest.mark.parametrize(
    "text", ["how's the weather", "HOWS  THE WEATHER!!", "Will it rain?", "/weather", "/weather in Rome"]
)
async def test_a_flow_starts_by_phrase_pattern_and_command(text: str) -> None:
    assert await Conversation(Bot([weather])).say(text) == [f"weather: {text}"]


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("What's my  BALANCE?", "whats my balance"),
        (" /Start ", "/start"),
        ("sign-up", "sign up"),
        ("¿Qué?", "qué"),
    ],
)
def test_case_punctuation_and_spaces_do_not_matter(text: str, normal: str) -> None:
    assert normalise(text) == normal


async def test_without_a_match_the_default_flow_gets_the_message() -> None:
    talk = Conversation(Bot([weather, saying("answer", default=True)]))
    assert await talk.say("who are you?") == ["answer: who are you?"]


async def test_the_declared_default_goes_before_the_marked_one() -> None:
    bot = Bot([saying("one", default=True), saying("two")], default_flow="two")
    assert await Conversation(bot).say("x") == ["two: x"]


async def test_the_built_in_default_lists_the_flows_as_buttons_that_start_them() -> None:
    talk = Conversation(Bot([saying("check_in", description="Checks you in"), weather]))
    [menu] = await talk.show("what?")
    assert menu.labels == ("Check in", "Weather")
    assert "- Check in: Checks you in" in menu.text
    assert await talk.press(menu.payloads[0]) == ["check_in: "]


async def test_a_bot_without_flows_says_so() -> None:
    talk = Conversation(Bot([]))
    assert await talk.say("hello") == [talk.bot.texts.menu_empty]


async def test_a_typed_answer_that_validates_goes_before_a_trigger() -> None:
    talk = Conversation(Bot([weather, asking("go", lambda text: text.upper())]))
    await talk.say("go")
    assert await talk.say("will it rain") == ["got WILL IT RAIN"]


async def test_a_trigger_interrupts_an_ask_that_it_does_not_answer() -> None:
    talk = Conversation(Bot([weather, asking("go", int)]))
    await talk.say("go")
    assert await talk.say("will it rain?") == ["weather: will it rain?", "First?"]
    assert await talk.say("3") == ["got 3"]


@pytest.mark.parametrize(
    ("text", "replies"),
    [
        ("how's the weather?", ["weather: how's the weather?", "First?"]),
        ("/weather", ["weather: /weather", "First?"]),
        ("I like rain", ["got I like rain"]),
        ("/weather in Rome", ["got /weather in Rome"]),
    ],
)
async def test_a_free_text_ask_is_interrupted_by_exact_triggers_only(text: str, replies: list[str]) -> None:
    talk = Conversation(Bot([weather, asking("go")]))
    await talk.say("go")
    assert await talk.say(text) == replies


def capitals(given: str) -> str:
    """Takes everything but a shrug."""
    if given == "meh":
        raise Rejected("Not meh.")
    return given.upper()


async def capitals_later(given: str) -> str:
    return capitals(given)


@pytest.mark.parametrize("settings", [{}, {"choices": ["Nothing"]}])
@pytest.mark.parametrize("type_", [capitals, capitals_later])
@pytest.mark.parametrize(
    ("text", "replies"),
    [
        ("how's the weather?", ["weather: how's the weather?", "First?"]),
        ("/weather", ["weather: /weather", "First?"]),
        ("I like rain", ["got I LIKE RAIN"]),
        ("meh", ["Not meh.\nFirst?"]),
    ],
)
async def test_a_validator_of_ones_own_does_not_swallow_what_starts_another_flow(
    text: str, replies: list[str], type_: Any, settings: dict[str, Any]
) -> None:
    talk = Conversation(Bot([weather, asking("go", type_, **settings)]))
    await talk.say("go")
    assert await talk.say(text) == replies


async def test_after_a_validator_of_ones_own_has_refused_every_trigger_counts() -> None:
    def refuse(given: str) -> str:
        raise Rejected("No.")

    talk = Conversation(Bot([weather, asking("go", refuse)]))
    await talk.say("go")
    assert await talk.say("will it rain?") == ["weather: will it rain?", "First?"]


async def test_an_answer_among_the_choices_is_no_phrase_of_another_flow() -> None:
    talk = Conversation(Bot([saying("rain", phrases=["rain"]), asking("go", str, choices=["Rain", "Sun"])]))
    await talk.say("go")
    assert await talk.say("rain") == ["got Rain"]


async def test_suggestions_beside_free_text_do_not_make_it_swallow_phrases() -> None:
    talk = Conversation(Bot([weather, asking("go", str, choices=["Sun"])]))
    await talk.say("go")
    assert await talk.say("how's the weather") == ["weather: how's the weather", "First?"]


async def test_a_flow_that_is_only_entered_is_not_in_the_menu() -> None:
    part, whole = saying("part"), saying("whole", description="Does it all")
    talk = Conversation(Bot([part, whole]))
    assert await talk.say("hm") == ["I did not understand that. Here is what I can do:\n- Whole: Does it all"]


async def test_a_bot_of_flows_that_are_only_entered_can_do_nothing() -> None:
    assert await Conversation(Bot([saying("part")])).say("hm") == [
        "I cannot do anything yet: no flow has been written for me."
    ]


async def test_a_flow_under_way_is_not_entered_again() -> None:
    talk = Conversation(Bot([asking("go", int)]))
    await talk.say("go")
    assert (await talk.say("go"))[0].endswith("First?")
    assert len(talk.state.data["frames"]) == 1


async def test_digressions_nest_and_each_flow_resumes_where_it_waited() -> None:
    talk = Conversation(Bot([asking("one", int), asking("two", int), asking("three", int)]))
    await talk.say("one")
    assert await talk.say("two") == ["First?"]
    assert await talk.say("three") == ["First?"]
    assert [frame["flow"] for frame in talk.state.data["frames"]] == ["one", "two", "three"]
    assert await talk.say("3") == ["got 3", "First?"]
    assert await talk.say("2") == ["got 2", "First?"]
    assert await talk.say("1") == ["got 1"]


async def test_digressions_have_an_end() -> None:
    names = ["one", "two", "three", "four", "five", "six"]
    talk = Conversation(Bot([asking(name, int) for name in names]))
    for name in names:
        await talk.say(name)
    assert [frame["flow"] for frame in talk.state.data["frames"]] == names[:5]


async def test_a_digression_does_not_count_as_a_wrong_answer() -> None:
    talk = Conversation(Bot([weather, asking("go", int, retries=0)]))
    await talk.say("go")
    await talk.say("rain")
    assert await talk.say("1") == ["got 1"]


async def test_a_sensitive_ask_that_was_interrupted_redacts_nothing() -> None:
    talk = Conversation(Bot([weather, asking("go", int, sensitive=True)]))
    await talk.say("go")
    await talk.say("rain")
    assert talk.outcome is not None
    assert not talk.outcome.redact_input


async def test_a_button_of_a_former_ask_has_expired_and_the_question_comes_again() -> None:
    async def script(chat: Chat) -> None:
        for name in ("one", "two"):
            await chat.say(await chat.ask(name, f"{name}?", choices=["A", "B"]))

    talk = Conversation(bot_that(script))
    [old] = await talk.show("go")
    await talk.say("A")
    assert await talk.press(old.payloads[1]) == ["That button has expired.", "two?"]
    await talk.say("B")
    assert await talk.press(old.payloads[1]) == ["That button has expired."]


async def test_a_button_of_an_earlier_run_has_expired() -> None:
    talk = Conversation(Bot([asking("go", choices=["A"])]))
    [old] = await talk.show("go")
    await talk.say("cancel")
    await talk.say("go")
    assert await talk.press(old.payloads[0]) == ["That button has expired.", "First?"]


async def test_a_button_of_the_flow_below_a_digression_has_expired() -> None:
    talk = Conversation(Bot([asking("one", choices=["A"]), asking("two", int)]))
    [old] = await talk.show("one")
    await talk.say("two")
    assert await talk.press(old.payloads[0]) == ["That button has expired.", "First?"]


@pytest.mark.parametrize(
    "payload", [None, 7, {"a": 1}, "", "ask", "ask::", "flow:nobody", "x" * 5000, "\x00"]
)
async def test_a_button_that_nobody_made_has_expired(payload: Any) -> None:
    talk = Conversation(Bot([weather]))
    assert await talk.press(payload) == ["That button has expired."]


async def test_a_suggestion_is_as_if_typed_and_a_flow_choice_starts_its_flow() -> None:
    async def script(chat: Chat) -> None:
        await chat.say("Try:", choices=["Rain", Choice("Weather", flow="weather")])

    flow = Flow("go", phrases=["go"])
    flow(script)
    talk = Conversation(Bot([flow, weather]))
    [said] = await talk.show("go")
    assert await talk.press(said.payloads[0]) == ["weather: Rain"]
    assert await talk.press(said.payloads[1]) == ["weather: "]


async def test_cancel_ends_the_flow_on_top_and_the_one_below_asks_again() -> None:
    talk = Conversation(Bot([asking("one", int), asking("two", int)]))
    await talk.say("one")
    await talk.say("two")
    assert await talk.say("Cancel!") == [talk.bot.texts.cancelled, "First?"]
    assert await talk.say("cancel") == [talk.bot.texts.cancelled]
    assert await talk.say("cancel") == [talk.bot.texts.nothing_to_cancel]


async def test_start_over_forgets_the_answers_and_makes_another_run() -> None:
    talk = Conversation(Bot([asking("go", int)]))
    await talk.say("go")
    run = talk.state.data["frames"][0]["run"]
    assert await talk.say("start over") == [talk.bot.texts.started_over, "First?"]
    assert talk.state.data["frames"][0]["run"] != run


async def test_help_explains_the_question_or_what_the_bot_can_do() -> None:
    talk = Conversation(Bot([asking("go", int, help="Count.")]))
    assert (await talk.say("help"))[0].startswith(talk.bot.texts.menu)
    await talk.say("go")
    assert await talk.say("help") == ["Count.\nFirst?"]
    assert await talk.say("1") == ["got 1"]


async def test_only_the_exact_word_is_a_command() -> None:
    talk = Conversation(Bot([asking("go")]))
    await talk.say("go")
    assert await talk.say("cancel my card") == ["got cancel my card"]


@pytest.mark.parametrize("kind", [EntryKind.TIMER, EntryKind.EVENT, EntryKind.DECISION, EntryKind.OPERATOR])
async def test_an_entry_that_nothing_waits_for_changes_nothing(kind: EntryKind) -> None:
    talk = Conversation(Bot([asking("go")]))
    await talk.say("go")
    before = talk.state.data
    assert await talk.send(talk.entry("x", kind)) == []
    assert talk.state.data == before
    assert talk.outcome is not None
    assert talk.outcome.reason == "none"


@pytest.mark.parametrize(
    ("flows", "message"),
    [
        ([saying("a"), saying("a")], "'a' version '1' is defined twice"),
        ([saying("a", phrases=["Hi!"]), saying("b", phrases=["hi"])], "both answer to the phrase"),
        ([saying("a", command="x"), saying("b", command="/x")], "both answer to the command"),
        ([saying("a", phrases=["?!"])], "no letters or digits"),
        ([saying("a", default=True), saying("b", default=True)], "both default"),
        ([Flow("a")], "no function"),
    ],
)
def test_flows_that_cannot_stand_together_are_refused_in_one_line(flows: list[Flow], message: str) -> None:
    with pytest.raises(FlowMistake, match=message) as refused:
        Bot(flows)
    assert "\n" not in str(refused.value)


def test_only_the_newest_version_has_triggers() -> None:
    old = saying("a", phrases=["old"], version="9")
    new = saying("a", phrases=["new"], version="10")
    bot = Bot([new, old])
    assert bot.triggers.match("old") is None
    assert bot.triggers.match("new") is new


async def test_the_first_reply_takes_the_placeholder_and_patience_is_told() -> None:
    async def script(chat: Chat) -> None:
        await chat.say("one")
        await chat.ask("two", "Two?")

    talk = Conversation(bot_that(script))
    placeholder = talk.services.new_id()
    await talk.say("go", reply_id=placeholder)
    assert talk.outcome is not None
    ids = [reply.id for reply in talk.outcome.replies]
    assert ids[0] == placeholder
    assert len(set(ids)) == 2
    assert talk.outcome.parked_for is not None
    await talk.say("x")
    assert talk.outcome.parked_for is None
