"""Every Python block of the guides is run: a flow with the conversations beside it, or a test."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from flow_services import Conversation
from guides import ROOT, Block, blocks, guides

from adapters.terminal.render import render
from bot.likeness import Likeness
from flows.bot import Bot
from flows.knowledge.embedding import MiniLm
from flows.load import load_bot
from flows.rehearsal.reading_files import SIZE, type_of
from storage.records import UploadedFile

# Conversations with flows that stand in files of their own.
FILES = {"examples/README.md": ["examples/bakery/flows/order.py", "examples/bakery/flows/hours.py"]}
_LATER = re.compile(r"\((\d+) (day|hour)s? later\)")
_OPERATOR = re.compile(r"(?!bot>)([a-z]+)> (.*)")
_BACK = re.compile(r"\((\w+) gives the conversation back\)")
_DECIDED = re.compile(r"\((\w+) (approves|rejects) it(?: because (.*))?\)")
_SENT = re.compile(r"you> \(sends ([\w., -]+)\)(?: (.*))?")
_EVENT = re.compile(r'\(the event "(\w+)" comes with "(.*)"\)')


@dataclass(frozen=True)
class Settings:
    name: str = "Example"
    default_flow: str | None = None
    hands_over: bool = True


@dataclass
class Example:
    """Flow files, and what is said to them; `next` is the file that is deployed in the middle of it."""

    place: str
    sources: list[str]
    talks: list[str] = field(default_factory=list)
    next: Example | None = None


def examples_of(guide: Path) -> list[Example]:
    """A Python block with the conversations up to the following one; a `python next` block continues it."""
    found: list[Example] = []
    latest: Example | None = None
    for block in blocks(guide):
        place = f"{guide.relative_to(ROOT)}:{block.line}"
        if block.language == "python" and not is_test(block):
            example = Example(place, [block.text])
            if block.remark == "next":
                assert latest is not None, place
                latest.next = example
            else:
                found.append(example)
            latest = example
        elif block.language == "text" and "you> " in block.text:
            if latest is None:
                files = FILES[str(guide.relative_to(ROOT))]
                latest = Example(place, [(ROOT / name).read_text(encoding="utf-8") for name in files])
                found.append(latest)
            latest.talks.append(block.text)
    return found


def is_test(block: Block) -> bool:
    return "async def test_" in block.text


ALL = [example for guide in guides() for example in examples_of(guide)]
TESTS = [
    pytest.param(block.text, id=f"{guide.relative_to(ROOT)}:{block.line}")
    for guide in guides()
    for block in blocks(guide)
    if block.language == "python" and is_test(block)
]


def bot_of(example: Example, folder: Path) -> Bot:
    folder.mkdir()
    for number, source in enumerate(example.sources):
        (folder / f"example_{number}.py").write_text(source, encoding="utf-8")
    return load_bot(folder, Settings())


@pytest.fixture(scope="module")
def likeness() -> Iterator[Likeness]:
    """What a bot of the guides compares a message with its flows by, as in a real process."""
    embedder = MiniLm()
    yield Likeness(embedder)
    embedder.close()


@pytest.mark.parametrize("example", ALL, ids=lambda example: example.place)
async def test_a_conversation_goes_as_the_guide_shows_it(
    example: Example, tmp_path: Path, likeness: Likeness
) -> None:
    assert example.talks, f"{example.place}: no conversation stands beside this flow"
    bot = bot_of(example, tmp_path / "now")
    conversation = Conversation(bot)
    for talk in example.talks:
        conversation = Conversation(bot)
        conversation.services.likeness = likeness
        assert await replayed(conversation, talk) == talk
    following, number = example.next, 0
    while following is not None:
        conversation.bot = bot_of(following, tmp_path / f"next{(number := number + 1)}")
        for talk in following.talks:
            assert await replayed(conversation, talk) == talk
        following = following.next


async def replayed(conversation: Conversation, talk: str) -> str:
    """The conversation as it really goes when the guide's `you>` lines are typed."""
    seen: list[str] = []
    for line in talk.splitlines():
        if found := _SENT.fullmatch(line):
            names = found[1].split(", ")
            files = [UploadedFile(UUID(int=0), name, type_of(name) or "", SIZE) for name in names]
            await conversation.send_files(*files, text=found[2] or "")
            seen += [line, *(f"bot> {text}" for text in shown(conversation))]
        elif line.startswith("you> "):
            seen.append(line)
            seen += [f"bot> {text}" for text in await typed(conversation, line.removeprefix("you> "))]
        elif found := _OPERATOR.fullmatch(line):
            await conversation.operate("reply", found[1], found[2])
            seen.append(line)
        elif found := _BACK.fullmatch(line):
            seen += [line, *(f"bot> {text}" for text in await conversation.operate("resume", found[1]))]
        elif found := _DECIDED.fullmatch(line):
            said = await conversation.decide(found[2] == "approves", found[1], found[3])
            seen += [line, *(f"bot> {text}" for text in said)]
        elif found := _LATER.fullmatch(line):
            conversation.pass_time(timedelta(**{f"{found[2]}s": int(found[1])}))
            seen += [line, *(f"bot> {text}" for text in await conversation.ring())]
        elif found := _EVENT.fullmatch(line):
            seen += [line, *(f"bot> {text}" for text in await conversation.happen(found[1], found[2]))]
        elif line == "(half an hour later)":
            conversation.services.ephemeral.clear()
            seen.append(line)
        elif line.startswith("("):
            assert conversation.outcome is not None
            seen += [f"(sent to {sent.address}: {sent.content})" for sent in conversation.outcome.dispatches]
    return "\n".join(seen) + "\n"


async def typed(conversation: Conversation, line: str) -> list[str]:
    await conversation.say(line)
    return shown(conversation)


def shown(conversation: Conversation) -> list[str]:
    """What the last turn said, as the terminal shows it."""
    assert conversation.outcome is not None
    return [render(reply.content, reply.content_type) for reply in conversation.outcome.replies]


@pytest.mark.parametrize("source", TESTS)
async def test_a_test_that_a_guide_shows_passes(source: str) -> None:
    names: dict[str, object] = {}
    exec(compile(source, "guide", "exec"), names)
    tests = [value for name, value in names.items() if name.startswith("test_") and callable(value)]
    assert tests
    for test in tests:
        ran = test()
        assert inspect.isawaitable(ran)
        await ran


def test_the_readme_shows_the_example_as_it_is() -> None:
    shown = [block.text for block in blocks(ROOT / "README.md") if block.language == "python"]
    assert shown == [(ROOT / "examples/lost_card.py").read_text(encoding="utf-8")]
