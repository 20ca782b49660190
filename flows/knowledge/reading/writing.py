"""Writes Markdown from the nodes of a page, as they open and close."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborNode

from flows.knowledge.documents import is_link, names
from flows.knowledge.reading.markdown import without_acting_links

_HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)}
_BLOCKS = names(
    """p div main article section header footer aside address figure figcaption details summary fieldset legend
    dl dt dd caption body tr td th table hr"""
)
_LISTS = frozenset({"ul", "ol", "menu"})
_CELLS = frozenset({"td", "th"})
# A table with these inside arranges the page; its cells are read one after the other.
_ARRANGED = "table, h1, h2, h3, ul, ol, pre, p"
_LANGUAGE = re.compile(r"\blanguage-([a-z0-9+#-]{1,20})", re.IGNORECASE)
_DEEPEST = 8
_LONGEST_LINK = 1_000
_IN_LINK = str.maketrans({" ": "%20", "(": "%28", ")": "%29", "<": "%3C", ">": "%3E", "\\": "%5C", "\n": ""})


class MarkdownWriter:
    """Blocks are written when they end. Words are collected in pieces until then; in a row of a table, until the
    cell ends.
    """

    def __init__(self) -> None:
        self._blocks: list[str] = []
        self._pieces: list[str] = []
        # What the next block begins with: a heading's marks, an item's bullet.
        self._lead = ""
        # For each open list the number of its next item; 0 where items have none.
        self._lists: list[int] = []
        self._quotes = 0
        self._code_from: int | None = None
        self._link: tuple[int, str] | None = None
        self._fence: str | None = None
        self._table: list[list[str]] | None = None
        self._after_item = False

    def text(self, text: str) -> None:
        """Words of the page; where they are not code, none of them can begin a tag."""
        if self._fence is None:
            text = re.sub(r"\s+", " ", text)
            if self._code_from is None:
                text = without_tags(text)
        self._pieces.append(text)

    def open(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if self._fence is not None:
            self._open_in_fence(tag, node)
        elif tag == "br":
            self._pieces.append(" " if self._table is not None or self._code_from is not None else "\n")
        elif tag == "img":
            self.text(node.attributes.get("alt") or "")
        elif tag == "a":
            self._link = (len(self._pieces), node.attributes.get("href") or "")
        elif tag == "code" or (tag == "pre" and self._table is not None):
            self._code_from = len(self._pieces)
        elif tag == "table":
            self._open_table(node)
        elif self._table is not None:
            self._open_in_table(tag)
        elif tag == "pre":
            self._end_block()
            self._fence = _language(node)
        elif tag in _HEADINGS:
            self._end_block()
            self._lead += _HEADINGS[tag]
        elif tag in _LISTS:
            self._end_block()
            self._lists.append(1 if tag == "ol" else 0)
        elif tag == "li":
            self._open_item()
        elif tag == "blockquote":
            self._end_block()
            self._quotes += 1
        elif tag in _BLOCKS:
            self._end_block()

    def close(self, tag: str) -> None:
        if tag == "pre" and self._fence is not None:
            self._close_fence()
        elif self._fence is not None:
            self._pieces += ["\n"] if tag in _BLOCKS or tag == "li" else []
        elif tag == "a":
            self._close_link()
        elif tag == "code" or (tag == "pre" and self._table is not None):
            self._close_code()
        elif tag == "table":
            self._close_table()
        elif self._table is not None:
            self._close_in_table(tag)
        elif tag in _LISTS:
            self._end_block()
            self._lists.pop()
            self._after_item = bool(self._lists)
        elif tag == "blockquote":
            self._end_block()
            self._quotes -= 1
        elif tag == "li" or tag in _HEADINGS:
            self._end_block()
            self._lead = ""
        elif tag in _BLOCKS:
            self._end_block()

    def markdown(self) -> str:
        """All that was written."""
        self._end_block()
        return "".join(self._blocks).strip("\n")

    def _end_block(self) -> None:
        in_code = self._code_from is not None
        if in_code:
            self._close_code()
        lines = (" ".join(line.split()) for line in "".join(self._pieces).split("\n"))
        words = without_acting_links("\n".join(line for line in lines if line))
        self._pieces.clear()
        self._link = None
        self._code_from = 0 if in_code else None
        if words:
            if "#" in self._lead:
                words = words.replace("\n", " ")
            self._write(words)

    def _write(self, words: str) -> None:
        """One block, behind its lead and within its lists and quotes. Items follow each other without a blank."""
        inside = "  " * min(len(self._lists), _DEEPEST)
        first = (inside[2:] if self._lists and self._lead else inside) + self._lead
        quote = "> " * min(self._quotes, _DEEPEST)
        lines = words.split("\n")
        self._blocks.append("\n" if self._lists and self._lead and self._after_item else "\n\n")
        self._blocks.append(
            "\n".join([quote + first + lines[0], *(quote + inside + line for line in lines[1:])])
        )
        self._after_item = bool(self._lists)
        self._lead = ""

    def _open_item(self) -> None:
        self._end_block()
        number = self._lists[-1] if self._lists else 0
        if number:
            self._lists[-1] += 1
        self._lead = f"{number}. " if number else "- "

    def _close_link(self) -> None:
        if self._link is None:
            return
        start, target = self._link
        self._link = None
        words = "".join(self._pieces[start:])
        target = target.strip()
        named = words.strip() and self._code_from is None and target and not target.startswith("#")
        if named and is_link(target) and len(target) <= _LONGEST_LINK:
            self._pieces[start:] = [
                words.replace(words.strip(), f"[{words.strip()}]({target.translate(_IN_LINK)})", 1)
            ]

    def _close_code(self) -> None:
        if self._code_from is None:
            return
        words = "".join(self._pieces[self._code_from :]).strip()
        ticks = "`" * (_longest_run(words) + 1)
        pad = " " if words.startswith("`") or words.endswith("`") else ""
        self._pieces[self._code_from :] = [f"{ticks}{pad}{words}{pad}{ticks}"] if words else []
        self._code_from = None

    def _open_in_fence(self, tag: str, node: LexborNode) -> None:
        if tag == "br":
            self._pieces.append("\n")
        elif tag == "code" and not self._fence:
            self._fence = _language(node)

    def _close_fence(self) -> None:
        code = "".join(self._pieces).strip("\n").expandtabs(4)
        self._pieces.clear()
        fence = "`" * max(_longest_run(code) + 1, 3)
        if code.strip():
            self._write(f"{fence}{self._fence}\n{code}\n{fence}")
        self._fence = None

    def _open_table(self, node: LexborNode) -> None:
        if self._table is None:
            self._end_block()
            arranges = any(part.css_first(_ARRANGED) is not None for part in node.iter())
            self._table = None if arranges else []

    def _open_in_table(self, tag: str) -> None:
        assert self._table is not None
        if tag == "tr":
            self._table.append([])
        elif tag in _CELLS:
            self._pieces.clear()
        else:
            self._pieces.append(" ")

    def _close_in_table(self, tag: str) -> None:
        assert self._table is not None
        if tag in _CELLS and self._table:
            words = without_acting_links(" ".join("".join(self._pieces).split()))
            self._table[-1].append(words.replace("|", "\\|"))
            self._pieces.clear()
            self._link = self._code_from = None
        elif tag == "caption":
            table, self._table = self._table, None
            self._end_block()
            self._table = table
        else:
            self._pieces.append(" ")

    def _close_table(self) -> None:
        if self._table is None:
            self._end_block()
            return
        rows = [row for row in self._table if any(row)]
        self._table = None
        self._pieces.clear()
        if rows:
            width = max(len(row) for row in rows)
            lines = ["| " + " | ".join(row + [""] * (width - len(row))) + " |" for row in rows]
            lines.insert(1, "|" + " --- |" * width)
            self._write("\n".join(lines))


def without_tags(text: str) -> str:
    """Text in which no `<` begins a tag, also not with what follows the text."""
    return re.sub(r"<(?![\s=\d-])", "&lt;", text)


def _language(node: LexborNode) -> str:
    found = _LANGUAGE.search((node.attributes.get("class") or "")[:200])
    return found[1] if found else ""


def _longest_run(code: str) -> int:
    return max((len(run) for run in re.findall("`+", code)), default=0)
