"""What the guides name is there: links, files, functions, tests, commands and their options."""

from __future__ import annotations

import builtins
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from guides import ROOT, blocks, guides, links, prose, quoted

from bot.cli import build

# What a reader makes on the way, or a first start does.
MADE_LATER = {
    "config/tenants/acme/bot.toml",
    "config/tenants/demo/flows/lost_card.py",
    "config/tenants/demo/tests/lost_card.yaml",
    "var",
}
_PATH = re.compile(r"(?P<file>[\w.-]+(?:/[\w.-]+)*/?)(?:::(?P<test>test_\w+))?")
_FUNCTION = re.compile(r"(?:(?P<owner>[A-Z]\w*)\.)?(?P<name>[a-z_]\w*)\(\)")
_COMMAND = re.compile(r"(?:^|[\s(]|bin/)parley (?P<words>[^`\n]*)")
_SHELLS = {"console", "sh", "bash", "shell"}
_ENDS = {"|", ";", "&&", "&", ">", "<"}

EVERY = pytest.mark.parametrize("guide", guides(), ids=lambda guide: str(guide.relative_to(ROOT)))


def heading_anchors(guide: Path) -> set[str]:
    """The anchors that a guide's headings get where it is shown."""
    headings = re.findall(r"^#+ (.+)$", prose(guide), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@EVERY
def test_every_link_leads_somewhere(guide: Path) -> None:
    for link in links(guide):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        file = (guide.parent / target).resolve() if target else guide
        assert file.exists(), link
        assert not anchor or anchor in heading_anchors(file), link


@EVERY
def test_every_file_and_test_that_is_named_is_there(guide: Path) -> None:
    top = {path.name for path in ROOT.iterdir()}
    for token in quoted(guide):
        found = _PATH.fullmatch(token)
        if found is None or found["file"].partition("/")[0] not in top:
            continue
        name = found["file"].rstrip("/")
        if name in MADE_LATER or name.startswith(".venv/"):
            continue
        file = ROOT / name
        assert file.exists(), token
        if found["test"]:
            assert re.search(rf"def {found['test']}\(", file.read_text(encoding="utf-8")), token


@EVERY
def test_every_function_that_is_named_is_there(guide: Path) -> None:
    for token in quoted(guide):
        found = _FUNCTION.fullmatch(token)
        if found and not hasattr(builtins, found["name"]):
            assert re.search(rf"\b(?:def|function) {found['name']}\(", code()), token
            assert not found["owner"] or f"class {found['owner']}" in code(), token


@cache
def code() -> str:
    """All code and SQL of the stack and of the tests' support."""
    folders = ("bot", "adapters", "flows", "storage", "config", "migrations", "tests/support")
    files = [
        file for folder in folders for file in (ROOT / folder).rglob("*") if file.suffix in (".py", ".sql")
    ]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


@EVERY
def test_every_command_that_is_named_exists_with_its_options(guide: Path) -> None:
    for words in commands_in(guide):
        command = command_line()
        for word in words:
            below = getattr(command, "commands", None)
            if word in ("…", "...") or word in _ENDS:
                break
            if word.startswith("--"):
                named = [each.opts + each.secondary_opts for each in command.params]
                options = {option for options in named for option in options} | {"--help"}
                assert word.partition("=")[0] in options, (word, words)
            elif below is not None:
                assert set(word.split("|")) <= below.keys(), (word, words)
                command = below[word.partition("|")[0]]


def commands_in(guide: Path) -> Iterator[list[str]]:
    """The words behind each `parley` in the prose and in the shell blocks."""
    shown = [block.text for block in blocks(guide) if block.language in _SHELLS]
    lines = [line for text in [*quoted(guide), *shown] for line in text.splitlines()]
    for line in lines:
        for found in _COMMAND.finditer(line):
            yield shlex.split(found["words"], comments=True)


@cache
def command_line() -> Any:
    return typer.main.get_command(build())


@EVERY
def test_no_guide_names_a_machine_or_an_index(guide: Path) -> None:
    text = guide.read_text(encoding="utf-8")
    assert re.findall(r"(?<![\w.])/(?:tmp|root|home|work|opt|Users)/|pypi\.|index-url", text) == []


def test_every_guide_is_in_the_index() -> None:
    index = ROOT / "docs/README.md"
    linked = {(index.parent / link.partition("#")[0]).resolve() for link in links(index)}
    assert {guide for guide in guides() if guide != index} - linked == set()
