"""A conversation test passes where the bot does as it says, and shows what differs where it does not."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from written_tests import bot_from, differences, played, script_of

from flows.bot import Bot
from flows.rehearsal.playing import play
from flows.rehearsal.transcript import told

FLOWS = """
from datetime import timedelta
from flows import CallFailed, Chat, Flow

balance = Flow("balance", description="Tells your balance", phrases=["balance"])
asked = Flow("asked", phrases=["ask the documents"])
told = Flow("told")
broken = Flow("broken", phrases=["break"])
slow = Flow("slow", phrases=["wait for it"], patience=timedelta(days=30))

async def look_up(account):
    raise RuntimeError("a test must not come here")

@balance
async def tell_balance(chat: Chat) -> None:
    account = await chat.ask("account", "Which account?", choices=["Current", "Savings"])
    try:
        amount = await chat.call(look_up, account, retries=5)
    except CallFailed as failure:
        await chat.end(f"Not now ({failure.kind}: {failure.message}).")
    await chat.enter(told)
    await chat.say(f"It is {amount}.")

@told
async def tell(chat: Chat) -> None:
    await chat.say("Let me see.")

@asked
async def ask_documents(chat: Chat) -> None:
    await chat.answer("What does a card cost?", otherwise="I do not know.")

@broken
async def break_down(chat: Chat) -> None:
    await chat.say("Before.")
    raise KeyError("no such thing")

again = Flow("again", phrases=["hello again"])

@again
async def greet(chat: Chat) -> None:
    visits = await chat.flag("visits", 0) + 1
    await chat.remember("visits", visits)
    await chat.say(f"Visit {visits}")

@slow
async def be_slow(chat: Chat) -> None:
    paid = await chat.wait(event="paid", timeout=timedelta(days=3))
    await chat.say(f"Paid: {paid}")
"""


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Bot:
    folder: Path = tmp_path_factory.mktemp("flows")
    return bot_from(folder, FLOWS)


async def test_a_conversation_that_goes_as_it_is_written_has_no_differences(bot: Bot) -> None:
    transcript = await played(
        bot,
        """
        name: all of it
        given: {calls: {look_up: 12}}
        talk:
          - user: balance
          - bot: {pattern: "^Which .*\\\\?$"}
          - choices: [Current, Savings]
          - state: {flow: balance, waiting: account}
          - press: Savings
          - bot: {contains: me see}
          - bot: It is 12.
          - calls: [look_up]
          - calls: [look_up: [Savings]]
          - flow: balance
          - flow: told
          - state: {flow: ~, waiting: ~}
        """,
    )
    assert differences(transcript) == []


@pytest.mark.parametrize(
    ("expectation", "difference"),
    [
        ("bot: It is 13.", ["- bot> It is 13.", "+ bot> It is 12."]),
        ("bot: {contains: euros}", ["- bot> … contains 'euros'", "+ bot> It is 12."]),
        ("choices: [Yes]", ["+ bot> It is 12.", "! choices: expected Yes, found none"]),
        ("state: {flow: balance}", ["+ bot> It is 12.", "! state: flow: expected balance, found nothing"]),
        ("calls: []", ["+ bot> It is 12.", "! calls: expected none, found look_up('Savings')"]),
        (
            "calls: [look_up: [Current]]",
            ["+ bot> It is 12.", "! calls: expected look_up('Current'), found look_up('Savings')"],
        ),
        (
            "flow: asked",
            ["+ bot> It is 12.", "! flow: asked was not reached; those that talked: balance, told"],
        ),
    ],
)
async def test_what_differs_is_said_where_it_differs(
    bot: Bot, expectation: str, difference: list[str]
) -> None:
    transcript = await played(
        bot,
        f"""
        name: one thing wrong
        given: {{calls: {{look_up: 12}}}}
        talk:
          - user: balance
          - user: Savings
          - bot: Let me see.
          - {expectation}
        """,
    )
    assert differences(transcript) == difference
    assert f"(line {8})" in "\n".join(told(transcript))


async def test_a_reply_too_many_and_one_too_few_do_not_upset_those_around_them(bot: Bot) -> None:
    transcript = await played(
        bot,
        """
        name: one missing
        given: {calls: {look_up: 12}}
        talk:
          - user: balance
          - bot: Hello!
          - bot: Which account?
          - user: Savings
          - bot: It is 12.
        """,
    )
    assert differences(transcript) == ["- bot> Hello!", "+ bot> Let me see."]


async def test_replies_that_nothing_is_said_about_are_not_compared(bot: Bot) -> None:
    text = "{name: x, given: {calls: {look_up: 1}}, talk: [user: balance, user: Savings, calls: [look_up]]}"
    assert differences(await played(bot, text)) == []


async def test_nothing_can_be_expected_as_the_reply(bot: Bot) -> None:
    text = (
        "{name: x, talk: [user: wait for it, bot: ~, event: other, bot: ~, event: {paid: 5}, bot: 'Paid: 5']}"
    )
    assert differences(await played(bot, text)) == []
    heard = await played(bot, "{name: x, talk: [user: balance, bot: ~]}")
    assert differences(heard) == ["+ bot> Which account?   [Current | Savings]"]


async def test_time_lets_timers_go_off_and_closes_what_lay_too_long(bot: Bot) -> None:
    text = "{name: x, talk: [user: wait for it, later: 2 days, bot: ~, later: 1 day, bot: 'Paid: None']}"
    assert differences(await played(bot, text)) == []
    text = "{name: x, talk: [user: balance, later: 8 days, user: balance, bot: Which account?]}"
    assert differences(await played(bot, text)) == []


async def test_a_call_fails_as_the_test_says_and_is_not_tried_again(bot: Bot) -> None:
    started = time.perf_counter()
    transcript = await played(
        bot,
        """
        name: failures in turn
        given:
          calls:
            look_up: {in_turn: [{error: ConnectionError, message: no line}, 7]}
        talk:
          - user: balance
          - user: Current
          - bot: "Not now (ConnectionError: no line)."
          - user: balance
          - user: Current
          - bot: Let me see.
          - bot: It is 7.
          - user: balance
          - user: Current
          - bot: Let me see.
          - bot: It is 7.
        """,
    )
    assert differences(transcript) == []
    assert time.perf_counter() - started < 0.1


async def test_a_call_without_an_answer_is_not_made_and_says_how_to_give_one(bot: Bot) -> None:
    transcript = await played(bot, "{name: x, talk: [user: balance, user: Savings]}")
    [difference] = differences(transcript)
    assert difference.startswith("! the call look_up has no answer: write one under `given: calls: look_up:`")


async def test_a_call_is_really_made_where_the_test_says_so(bot: Bot) -> None:
    text = (
        "{name: x, given: {run: [look_up]}, talk: [user: balance, user: Savings, bot: {contains: must not}]}"
    )
    assert "a test must not come here" in "\n".join(told(await played(bot, text)))


async def test_a_flow_that_raises_is_a_difference_with_its_line(bot: Bot) -> None:
    transcript = await played(bot, "{name: x, talk: [user: break]}")
    [difference] = differences(transcript)
    assert difference.startswith("! the flow failed: KeyError in flow 'broken' at ")
    assert "written.py:" in difference
    assert "no such thing" in difference


async def test_a_button_that_was_not_shown_cannot_be_pressed(bot: Bot) -> None:
    transcript = await played(bot, "{name: x, talk: [user: balance, press: Gold]}")
    assert differences(transcript) == ["! no button 'Gold' was shown; those shown: Current, Savings"]


async def test_a_text_that_no_phrase_is_means_the_flow_that_the_test_says(bot: Bot) -> None:
    text = "{name: x, given: {alike: {I am broke: balance}}, talk: [user: I am broke, bot: Which account?]}"
    assert differences(await played(bot, text)) == []
    unknown = await played(bot, "{name: x, talk: [user: I am broke, state: {flow: ~}]}")
    assert differences(unknown) == []


async def test_what_is_remembered_of_the_person_is_given_and_kept(bot: Bot) -> None:
    text = """
        name: x
        given: {user: {flags: {visits: 3}}}
        talk:
          - user: hello again
          - bot: Visit 4
          - user: hello again
          - bot: Visit 5
    """
    assert differences(await played(bot, text)) == []


DOCUMENTS = """
name: answers
given:
  documents:
    - {title: Fees, text: A new card costs five euros., url: "https://bank.example/fees"}
  MODEL
talk:
  - user: ask the documents
  - bot: REPLY
"""


@pytest.mark.parametrize(
    ("model", "reply"),
    [
        ("", "{contains: A new card costs five euros.}"),
        ("model: [{text: Five euros., cites: [Fees]}]", '{pattern: "^Five euros."}'),
        ("model: [{error: overloaded}]", "{contains: A new card costs five euros.}"),
    ],
)
async def test_answers_come_from_the_documents_that_are_given(bot: Bot, model: str, reply: str) -> None:
    transcript = await played(bot, DOCUMENTS.replace("MODEL", model).replace("REPLY", reply))
    assert differences(transcript) == []


async def test_a_model_that_is_asked_more_than_it_has_to_say_is_a_difference(bot: Bot) -> None:
    transcript = await played(
        bot, DOCUMENTS.replace("MODEL", "model: []").replace("REPLY", "{contains: five}")
    )
    [difference] = differences(transcript)
    assert difference.startswith("! the model has nothing to say to a request (answer)")


async def test_hundreds_of_tests_are_played_in_a_second(bot: Bot) -> None:
    text = "{name: x, given: {calls: {look_up: 1}}, talk: [user: balance, press: Savings, calls: [look_up]]}"
    started = time.perf_counter()
    for _ in range(200):
        assert not (await play(bot, script_of(text))).differs
    assert time.perf_counter() - started < 1.0


HANDED = """
from datetime import timedelta
from flows import Chat, Flow

desk = Flow("desk", phrases=["help me"])

@desk
async def get_help(chat: Chat) -> None:
    person = await chat.handoff("help", timeout=timedelta(hours=1))
    await chat.say(f"That was {person}." if person else "Nobody came.")
"""


async def test_operators_answer_give_back_and_close_in_a_test(tmp_path: Path) -> None:
    bot = bot_from(tmp_path / "flows", HANDED)
    [script] = [
        script_of(
            """
            name: a person helps
            talk:
              - user: help me
              - bot:
              - user: hello?
              - bot:
              - operator: How can I help?
              - operator: {resume: ann}
              - bot: That was ann.
              - user: help me
              - later: 2 hours
              - bot: Nobody came.
              - user: help me
              - operator: {close: bob}
              - state: {flow: null}
            """
        )
    ]
    transcript = await play(bot, script)
    assert differences(transcript) == []
