"""Quotes: the part of a passage that speaks most of a question, as plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")
_WORD = re.compile(r"\w+")
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s")
# Words are compared by their beginnings, so that "keys" and "key", "rotated" and "rotation" are alike.
_STEM = 5
# With so many characters said, only what speaks of the question is added.
_ENOUGH = 40
# What most questions have in common says nothing.
_IDLE_WORDS = """a an and are be by can do does for from how i in is it may my of on or the this to was what when where
    which who why will with you your"""
_IDLE = frozenset(_IDLE_WORDS.split())


def quote(question: str, passage: str, *, longest: int) -> str:
    """At most `longest` characters of the passage, from its best block on, without Markdown's marks."""
    blocks = [block for block in plain_blocks(passage) if block]
    if not blocks:
        return ""
    wanted = stems(question)
    scores = [len(wanted & stems(block)) for block in blocks]
    start = scores.index(max(scores))
    said = blocks[start]
    for block, score in zip(blocks[start + 1 :], scores[start + 1 :], strict=True):
        if len(said) + len(block) + 1 > longest or (score == 0 and len(said) >= _ENOUGH):
            break
        said = f"{said}\n{block}"
    return said if len(said) <= longest else _cut(said, longest)


def plain_blocks(markdown: str) -> Iterator[str]:
    """Paragraphs, list items, table rows and code of a Markdown text as plain text; headings are left out."""
    around = ""
    row: list[str] = []
    for token in _MARKDOWN.parse(markdown):
        if token.type == "inline" and around in ("td_open", "th_open"):
            row.append(_plain(token))
        elif token.type == "inline" and token.content.startswith("|"):
            # Rows of a table that was cut: without its head they are no table to a parser.
            for line in token.content.splitlines():
                yield " | ".join(cell.strip(" `*") for cell in line.strip("| ").split("|"))
        elif token.type == "inline" and around != "heading_open":
            yield _plain(token)
        elif token.type == "tr_close":
            yield " | ".join(row)
            row = []
        elif token.type in ("fence", "code_block"):
            yield token.content.strip()
        around = token.type


def _plain(token: Token) -> str:
    said = []
    for part in token.children or ():
        match part.type:
            case "softbreak" | "hardbreak":
                said.append(" ")
            case _:
                said.append(part.content)
    return "".join(said).strip()


def stems(text: str) -> set[str]:
    """The beginnings of a text's words, without those that say nothing."""
    words = _WORD.findall(text.casefold())
    return {word[:_STEM] for word in words if word not in _IDLE}


def _cut(text: str, longest: int) -> str:
    """The first sentences that have room; where not even one has, its first words."""
    kept = ""
    for sentence in _SENTENCE_END.split(text):
        if len(kept) + len(sentence) + 3 > longest:
            break
        kept = f"{kept} {sentence}" if kept else sentence
    return f"{kept or text[: longest - 2].rsplit(maxsplit=1)[0]} …"
