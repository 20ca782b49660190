"""Reads a file: its bytes and its name in, a document out, or why there is none."""

from __future__ import annotations

import re
from pathlib import PurePath

from charset_normalizer import from_bytes

from flows.knowledge.documents import MAX_BYTES, Document, Skipped, is_link, language_of, names, tidied
from flows.knowledge.reading.html import read_page
from flows.knowledge.reading.markdown import front_matter, without_html
from flows.knowledge.reading.writing import without_tags
from flows.knowledge.sections import heading_text, sections

MARKDOWN = frozenset({".md", ".markdown", ".mdown", ".mkd"})
HTML = frozenset({".html", ".htm", ".xhtml"})
TEXT = frozenset({".txt", ".text"})

_BOMS = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_MAGIC = (b"%PDF-", b"PK\x03\x04", b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"\x7fELF", b"\x1f\x8b", b"MZ\x90")
_CONTROL = bytes({*range(32), 127} - {*b"\t\n\r\f\x1b"})
_LOOKED_AT = 8_192
_DECLARED = re.compile(rb"""<meta[^<>]{1,200}charset=["']?([A-Za-z0-9_-]{2,40})""", re.IGNORECASE)
# Letters of Western Europe beyond ASCII, and what typography adds, in Windows' code page.
_WESTERN = frozenset(
    "àáâãäåæçèéêëìíîïñòóôõöøùúûüÿßÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜ–—‘’‚“”„…•€£«»¿¡°§©®´·\u00a0".encode("cp1252")
)
_LIKELY = names(
    """cp1252 cp1250 cp1251 cp1253 cp1254 cp1255 cp1256 cp1257 cp874 koi8_r gb18030 big5 cp932 euc_jp
    euc_kr cp949 iso8859_2 iso8859_5 iso8859_7"""
)


def kind_is_known(name: str) -> bool:
    """Whether a file of this name can be read at all."""
    return PurePath(name).suffix.lower() in MARKDOWN | HTML | TEXT


def read(name: str, content: bytes, *, language: str = "en") -> Document | Skipped:
    """The document in a file; `language` is that of one which names none.

    Large ones take seconds: not for the event loop.
    """
    suffix = PurePath(name).suffix.lower()
    if not kind_is_known(name):
        return Skipped(
            f"{suffix or 'a name without an ending'} is not read: make it Markdown (.md), .html or .txt"
        )
    if len(content) > MAX_BYTES:
        return too_large(len(content))
    if not content.strip(b"\0 \t\r\n"):
        return Skipped("it is empty: write something in it, or remove it")
    text = _decoded(content)
    if isinstance(text, Skipped):
        return text
    name_as_title = " ".join(re.sub("[-_]+", " ", PurePath(name).stem).split())
    if suffix in HTML:
        document = _of_page(text, name_as_title, language)
    else:
        document = _of_text(text, name_as_title, language, is_markdown=suffix in MARKDOWN)
    if not document.text.strip():
        return Skipped("no text is left of it: nothing in it is for people to read")
    return document


def too_large(size: int) -> Skipped:
    """The refusal of a file of this many bytes, which then need not be read."""
    return Skipped(f"it has {size / 2**20:.1f} MB, more than {MAX_BYTES // 2**20}: split it")


def _of_page(text: str, name: str, language: str) -> Document:
    page = read_page(text)
    content = tidied(page.markdown)
    title = _title(tidied(page.title)) or _first_heading(content) or name
    return Document(title, content, language_of(page.language, language))


def _of_text(text: str, name: str, language: str, *, is_markdown: bool) -> Document:
    given, content = front_matter(tidied(text)) if is_markdown else ({}, tidied(text))
    content = without_html(content)
    title = _title(given.get("title", "")) or (_first_heading(content) if is_markdown else "") or name
    url = given.get("url", "")
    named = url if url and is_link(url) and not re.search(r"[\s<>\"]", url) else None
    return Document(title, content, language_of(given.get("language") or given.get("lang"), language), named)


def _title(words: str) -> str:
    return without_tags(heading_text(" ".join(words.split())))


def _first_heading(markdown: str) -> str:
    return next((without_tags(each.path[-1]) for each in sections(markdown[:_LOOKED_AT]) if each.path), "")


def _decoded(content: bytes) -> str | Skipped:
    for bom, encoding in _BOMS:
        if content.startswith(bom):
            return content.decode(encoding, "replace")
    head = content[:_LOOKED_AT]
    controls = len(head) - len(head.translate(None, _CONTROL))
    if content.startswith(_MAGIC) or controls > len(head) // 20:
        return Skipped("it is binary, not text: save it as Markdown, HTML or text, in UTF-8")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        pass
    guessed = _guessed(content)
    return guessed if guessed is not None else Skipped("its encoding cannot be told: save it as UTF-8")


def _guessed(content: bytes) -> str | None:
    declared = _DECLARED.search(content, 0, 2_048)
    names = [declared[1].decode("ascii")] if declared else []
    high = [byte for byte in content[: 2**20] if byte > 127]
    letters = sum(byte > 127 or chr(byte).isalpha() for byte in content[: 2**20])
    # A short text gives statistics too little to tell French from Polish.
    if _WESTERN.issuperset(high) and len(high) < 0.3 * letters:
        names.append("cp1252")
    for name in names:
        try:
            return content.decode(name)
        except (LookupError, UnicodeDecodeError):
            continue
    best = from_bytes(content, cp_isolation=sorted(_LIKELY)).best()
    return None if best is None else str(best)
