"""The guide lists all words of the engine that a bot may replace, as they stand in the engine."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import asdict

from guides import ROOT, blocks

from flows.texts import Commands, Phrasings, Texts

GUIDE = ROOT / "docs" / "configuration.md"


def as_toml() -> str:
    """All words as a bot.toml would hold them."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "[texts]"
    for key, text in asdict(Texts()).items():
        names = " and ".join(dict.fromkeys(re.findall(r"\{\w+\}", text)))
        yield f"{key} = {_quoted(text)}" + (f"  # with {names}" if names else "")
    for table, words in (("commands", Commands()), ("phrasings", Phrasings())):
        yield ""
        yield f"[{table}]"
        for key, listed in asdict(words).items():
            if table == "commands":
                yield f"{key} = [{', '.join(map(_quoted, listed))}]"
            else:
                yield f"{key} = ["
                yield from (f"    '''{expression}'''," for expression in listed)
                yield "]"


def _quoted(text: str) -> str:
    return f"'{text}'" if '"' in text and "'" not in text else json.dumps(text, ensure_ascii=False)


def test_the_guide_has_every_word_of_the_engine() -> None:
    [listed] = [block.text for block in blocks(GUIDE) if block.remark == "words"]
    assert listed == as_toml(), "put what as_toml() gives into the block"
    assert tomllib.loads(listed) == {
        "texts": asdict(Texts()),
        "commands": {key: list(words) for key, words in asdict(Commands()).items()},
        "phrasings": {key: list(words) for key, words in asdict(Phrasings()).items()},
    }
