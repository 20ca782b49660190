"""What a message means that names no flow: likeness, a model's choice, and the person's own where both are unsure."""

from __future__ import annotations

import asyncio
import json
import runpy
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from flow_services import Conversation, FakeServices

from bot.likeness import Likeness
from flows import Chat, Flow
from flows.bot import Bot
from flows.errors import Unavailable
from flows.knowledge.embedding import MiniLm
from flows.llm.contract import (
    ErrorKind,
    Event,
    Finished,
    ModelError,
    ModelRequest,
    StopReason,
    Text,
    ToolCall,
    Usage,
)
from flows.router import nearest, pick
from flows.routing import guessable
from flows.services import ModelChoice

ROOT = Path(__file__).parents[2]
CASES = [
    json.loads(line) for line in (Path(__file__).parent / "routing_cases.jsonl").read_text().splitlines()
]
FILES = {
    "bank": [
        *(
            ROOT / f"config/tenants/demo/flows/{name}.py"
            for name in ("banking", "onboarding", "transfer", "loan")
        ),
        ROOT / "examples/lost_card.py",
    ],
    "bakery": sorted((ROOT / "examples/bakery/flows").glob("*.py")),
}
DONE = Finished(StopReason.TOOL_USE, Usage(10, 5))


def flow_named(name: str, description: str = "Does something", **settings: Any) -> Flow:
    flow = Flow(name, description=description, **settings)

    @flow
    async def script(chat: Chat) -> None:
        await chat.say(f"{name}: {chat.opening}")

    return flow


def bank() -> Bot:
    names = ("balance", "cards", "loans", "fees")
    return Bot(
        [*(flow_named(name, phrases=[f"my {name}"]) for name in names), flow_named("other", default=True)]
    )


def choosing(*names: str) -> list[Event | Exception]:
    return [ToolCall("1", "choose_flow", {"flows": list(names)}), DONE]


def with_model(*answers: list[Event | Exception]) -> Conversation:
    talk = Conversation(bank())
    talk.services.model = ModelChoice("anthropic", "claude-haiku-5-5")
    talk.services.model_says = list(answers)
    return talk


@pytest.fixture(scope="module")
def embedder() -> Iterator[MiniLm]:
    embedder = MiniLm()
    yield embedder
    embedder.close()


def bots() -> dict[str, Bot]:
    return {
        name: Bot(
            [
                value
                for path in paths
                for value in runpy.run_path(str(path)).values()
                if isinstance(value, Flow)
            ]
        )
        for name, paths in FILES.items()
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["text"])
async def test_likeness_picks_what_was_measured(case: dict[str, Any], embedder: MiniLm) -> None:
    bot = bots()[case["bot"]]
    talk = Conversation(bot)
    talk.services.likeness = Likeness(embedder)
    picked = await pick(guessable(bot), case["text"], talk.services)
    assert [flow.name for flow in picked.flows] == case["flows"]
    assert picked.by == "similarity"


async def test_no_question_of_the_documentation_starts_a_flow_of_the_demo(embedder: MiniLm) -> None:
    bot, likeness = bots()["bank"], Likeness(embedder)
    talk = Conversation(bot)
    talk.services.likeness = likeness
    lines = (ROOT / "docs/questions.jsonl").read_text(encoding="utf-8").splitlines()
    for question in [json.loads(line)["question"] for line in lines]:
        assert (await pick(guessable(bot), question, talk.services)).flows == (), question


async def test_the_texts_of_flows_are_embedded_once() -> None:
    class Counting:
        model, dimensions, is_loaded = "counting", 2, True

        def __init__(self) -> None:
            self.texts: list[str] = []

        async def embed(self, texts: Any) -> list[list[float]]:
            self.texts += texts
            return [[1.0, 0.0] if text.startswith("a") else [0.0, 1.0] for text in texts]

    embedder = Counting()
    likeness = Likeness(embedder)
    candidates = {"first": ["apple", "banana"], "second": ["banana"], "third": []}
    assert await likeness.of("avocado", candidates) == {"first": 1.0, "second": 0.0, "third": 0.0}
    await likeness.of("beet", candidates)
    assert embedder.texts == ["avocado", "apple", "banana", "beet"]


@pytest.mark.parametrize(
    ("alike", "picked"),
    [
        ({}, []),
        ({"balance": 0.49}, []),
        ({"balance": 0.9, "cards": 0.3}, ["balance"]),
        ({"balance": 0.9, "cards": 0.65}, ["balance"]),
        ({"balance": 0.6, "cards": 0.65}, ["cards", "balance"]),
        ({"balance": 0.6, "cards": 0.6, "loans": 0.6, "fees": 0.6}, ["balance", "cards", "loans"]),
        ({"balance": 0.5, "cards": 0.43}, ["balance"]),
    ],
)
def test_a_flow_must_be_likely_and_the_others_far_behind(alike: dict[str, float], picked: list[str]) -> None:
    assert [flow.name for flow in nearest(guessable(bank()), alike)] == picked


async def test_the_likeliest_flow_starts_with_what_was_said() -> None:
    talk = Conversation(bank())
    talk.services.alike = {"what have I got": {"balance": 0.8}}
    assert await talk.say("what have I got") == ["balance: what have I got"]


async def test_of_several_likely_flows_the_person_chooses() -> None:
    talk = Conversation(bank())
    talk.services.alike = {"my account": {"balance": 0.7, "cards": 0.65, "loans": 0.1}}
    [which] = await talk.show("my account")
    assert which.text == talk.bot.texts.which
    assert which.labels == ("Balance", "Cards")
    assert await talk.press(which.payloads[1]) == ["cards: "]


async def test_what_is_like_no_flow_goes_to_the_default_one_or_brings_the_menu() -> None:
    assert await Conversation(bank()).say("hello") == ["other: hello"]
    talk = Conversation(Bot([flow_named("balance")]))
    assert (await talk.say("hello"))[0].startswith(talk.bot.texts.menu_unknown)


@pytest.mark.parametrize("text", ["my cards", "MY CARDS!", "help", "cancel", "", "  "])
async def test_nothing_is_guessed_for_a_phrase_or_a_command(text: str) -> None:
    talk = with_model()
    await talk.say(text)
    assert talk.services.requests == []
    assert talk.services.compared == []


async def test_nothing_is_guessed_for_a_button() -> None:
    talk = with_model()
    assert await talk.press("flow:cards") == ["cards: "]
    assert talk.services.requests == []


async def test_nothing_is_guessed_while_a_question_waits() -> None:
    flow = flow_named("ask")
    asks = Flow("asks", phrases=["go"])

    @asks
    async def script(chat: Chat) -> None:
        await chat.ask("n", "Number?", int)

    talk = Conversation(Bot([flow, asks]))
    await talk.say("go")
    await talk.say("something else")
    assert talk.services.compared == []


async def test_a_bot_that_has_no_flow_to_guess_guesses_nothing() -> None:
    silent = Flow("child")

    @silent
    async def script(chat: Chat) -> None: ...

    keyword = flow_named("colour", "", phrases=["colour"])
    talk = Conversation(Bot([flow_named("other", default=True), silent, keyword, flow_named("repair_help")]))
    talk.services.model = ModelChoice("anthropic", "m")
    assert await talk.say("hello") == ["other: hello"]
    assert talk.services.requests == []
    assert talk.services.compared == []


async def test_a_model_chooses_among_the_flows_descriptions() -> None:
    talk = with_model(choosing("loans"))
    assert await talk.say("can you lend me a tenner") == ["loans: can you lend me a tenner"]
    [request] = talk.services.requests
    assert request.messages[0].text == "can you lend me a tenner"
    assert "- loans: Does something; my loans" in request.system
    assert "other" not in request.system
    [tool] = request.tools
    enum = ["balance", "cards", "loans", "fees", "none"]
    assert tool.schema["properties"]["flows"]["items"]["enum"] == enum
    assert talk.services.compared == []


async def test_a_model_that_is_unsure_lets_the_person_choose_among_three() -> None:
    talk = with_model(choosing("loans", "fees", "cards", "balance"))
    [which] = await talk.show("money")
    assert which.labels == ("Loans", "Fees", "Cards")


async def test_a_model_that_finds_no_flow_leaves_it_to_the_default_one() -> None:
    assert await with_model(choosing("none")).say("hello") == ["other: hello"]


@pytest.mark.parametrize(
    "answer",
    [
        [ModelError(ErrorKind.OVERLOADED, "no room", transient=True)],
        [Text("I think it is loans."), Finished(StopReason.ENDED, Usage())],
        [ToolCall("1", "choose_flow", {"flows": ["burglary"]}), DONE],
        [ToolCall("1", "choose_flow", {"flows": [{"a": 1}]}), DONE],
        [ToolCall("1", "choose_flow", {"flows": []}), DONE],
        [ToolCall("1", "choose_flow", {}), DONE],
        [ToolCall("1", "delete_everything", {"flows": ["loans"]}), DONE],
        [ToolCall("1", "choose_flow", {"flows": ["loans"]}), Finished(StopReason.REFUSED, Usage())],
    ],
)
async def test_where_the_model_fails_likeness_decides(answer: list[Event | Exception]) -> None:
    talk = with_model(answer)
    talk.services.alike = {"hmm": {"cards": 0.9}}
    assert await talk.say("hmm") == ["cards: hmm"]


@pytest.mark.parametrize(
    ("answer", "replies"),
    [
        (choosing("loans"), ["loans: hm"]),
        (choosing("none"), ["other: hm"]),
        (choosing("loans", "fees"), ["Which of these do you mean?"]),
    ],
)
async def test_a_turn_that_is_lost_after_the_model_chose_goes_the_same_way_and_asks_it_once(
    answer: list[Event | Exception], replies: list[str]
) -> None:
    talk = with_model(answer)
    talk.services.kill_at = {1}
    assert await talk.say("hm") == replies
    assert len(talk.services.requests) == 1


async def test_a_lost_checkpoint_means_that_the_model_is_asked_again() -> None:
    talk = with_model(choosing("loans"), choosing("fees"))
    talk.services.kill_at, talk.services.kill_before_write = {1}, True
    assert await talk.say("hm") == ["fees: hm"]


async def test_a_model_that_takes_too_long_is_given_up() -> None:
    class Hanging(FakeServices):
        async def generate(self, purpose: str, request: ModelRequest) -> AsyncGenerator[Event, None]:
            assert purpose == "route"
            await asyncio.Event().wait()
            yield Text("never")

    services = Hanging()
    services.model, services.alike = ModelChoice("anthropic", "m"), {"hm": {"fees": 0.8}}
    picked = await pick(guessable(bank()), "hm", services, limit_s=0.01)
    assert ([flow.name for flow in picked.flows], picked.by) == (["fees"], "similarity")


async def test_where_nothing_can_be_compared_the_default_flow_answers() -> None:
    class Away(FakeServices):
        async def similar(self, text: str, candidates: Mapping[str, Sequence[str]]) -> Mapping[str, float]:
            raise Unavailable("no embedding model")

    assert (await pick(guessable(bank()), "hm", Away())).flows == ()
