"""A bot is loaded from its folder; what is wrong with a file is said in one line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from flows.errors import FlowMistake
from flows.load import load_bot

GOOD = """
from __future__ import annotations
from dataclasses import dataclass
from flows import Chat, Flow

@dataclass
class Account:
    name: str

{name} = alias = Flow("{name}", phrases=["{name}"])

@{name}
async def script(chat: Chat) -> None:
    await chat.say("hello")
"""


@dataclass(frozen=True)
class Settings:
    name: str = "Ada"
    default_flow: str | None = None
    hands_over: bool = True


def test_every_file_of_the_folder_gives_its_flows(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text(GOOD.format(name="one"))
    (tmp_path / "two.py").write_text(GOOD.format(name="two"))
    (tmp_path / "_draft.py").write_text("this is no Python")
    bot = load_bot(tmp_path, Settings(default_flow="two"))
    assert [flow.name for flow in bot.registry.all()] == ["one", "two", "repair_question"]
    assert bot.default is bot.registry.newest("two")
    assert bot.name == "Ada"


def test_two_tenants_files_of_one_name_are_two_modules(tmp_path: Path) -> None:
    scripts = []
    for tenant in ("a", "b"):
        folder = tmp_path / tenant
        folder.mkdir()
        (folder / "bank.py").write_text(GOOD.format(name="bank"))
        flow = load_bot(folder, Settings()).registry.newest("bank")
        assert flow is not None
        scripts.append(flow.script.__module__)
    assert scripts[0] != scripts[1]


@pytest.mark.parametrize("folder", [None, "missing"])
def test_without_a_folder_the_bot_has_the_built_in_flow_only(folder: str | None, tmp_path: Path) -> None:
    bot = load_bot(tmp_path / folder if folder else None, Settings())
    assert [flow.name for flow in bot.registry.all()] == ["answer", "repair_question"]
    assert bot.default is bot.registry.newest("answer")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("x = 1\ndef broken(:\n", r"bad\.py:2: "),
        ("import flows\n\nflows.nothing\n", r"bad\.py:3: AttributeError"),
        ("from flows import Flow\n\n\nFlow('No Name')\n", r"bad\.py:4: FlowMistake: 'No Name'"),
        ("from flows import Flow\nx = Flow('x')\n", r"bad\.py: flow 'x' has no function"),
        (
            "from flows import Flow\nx = Flow('x')\n@x\ndef plain(chat):\n    pass\n",
            r"bad\.py:3: .*write `async def`",
        ),
        ("from flows import Flow\nFlow('x', patterns=['('])\n", r"bad\.py:2: .*pattern '\(' is not valid"),
        ("from flows import Flow\nFlow('x', phrases='hello')\n", r"bad\.py:2: .*lists of text"),
    ],
)
def test_a_bad_file_is_named_with_its_line(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text(content)
    with pytest.raises(FlowMistake, match=message) as refused:
        load_bot(tmp_path, Settings())
    assert "\n" not in str(refused.value)


def test_a_flow_defined_in_two_files_or_a_missing_default_names_the_folder(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text(GOOD.format(name="same"))
    with pytest.raises(FlowMistake, match=f"{tmp_path}: there is no flow 'lost'"):
        load_bot(tmp_path, Settings(default_flow="lost"))
    (tmp_path / "two.py").write_text(GOOD.format(name="same"))
    with pytest.raises(FlowMistake, match=f"{tmp_path}: flow 'same' version '1' is defined twice"):
        load_bot(tmp_path, Settings())
