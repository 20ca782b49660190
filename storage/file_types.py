"""Which types of file are taken, and whether the bytes are what they are said to be. Pure.

Looked at are the first `HEAD_BYTES` and the last `TAIL_BYTES`: signatures are in the one, the directory of an
archive in the other. Nothing is unpacked here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

HEAD_BYTES = 4096
TAIL_BYTES = 64 * 1024
LARGEST_UNPACKED_BYTES = 512 * 1024 * 1024
MOST_PIXELS = 100_000_000

_Check = Callable[[bytes, bytes], bool]
_ARCHIVE_END = b"PK\x05\x06"
_ARCHIVE_ENTRY = b"PK\x01\x02"
_MARKUP = re.compile(rb"<(?:!doctype|html|head|body|script|svg|iframe|\?php)|%pdf-", re.IGNORECASE)
_OFFICE = "application/vnd.openxmlformats-officedocument."
_SAME = {
    "image/jpg": "image/jpeg",
    "audio/mp3": "audio/mpeg",
    "audio/m4a": "audio/mp4",
    "audio/x-m4a": "audio/mp4",
    "text/x-markdown": "text/markdown",
}


@dataclass(frozen=True, slots=True)
class FileType:
    """A type that is taken: the endings of its files' names, the usual one first, and what its bytes look like."""

    name: str
    endings: tuple[str, ...]
    fits: _Check


def _begins(*signatures: bytes) -> _Check:
    return lambda head, _: head.startswith(signatures)


def _has(place: int, mark: bytes) -> _Check:
    return lambda head, _: head[place : place + len(mark)] == mark


def _webp(head: bytes, _: bytes) -> bool:
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def _mpeg(head: bytes, _: bytes) -> bool:
    # Eleven set bits, and not the reserved layer.
    return head[:3] == b"ID3" or (
        len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 6 != 0
    )


def _text(head: bytes, tail: bytes) -> bool:
    return re.search(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]", head + tail) is None


def _office(member: bytes) -> _Check:
    return lambda head, tail: head[:4] == b"PK\x03\x04" and _ARCHIVE_END in tail and member in tail


TYPES: Mapping[str, FileType] = {
    each.name: each
    for each in (
        FileType("image/png", (".png",), _begins(b"\x89PNG\r\n\x1a\n")),
        FileType("image/jpeg", (".jpg", ".jpeg"), _begins(b"\xff\xd8\xff")),
        FileType("image/gif", (".gif",), _begins(b"GIF87a", b"GIF89a")),
        FileType("image/webp", (".webp",), _webp),
        FileType("application/pdf", (".pdf",), _begins(b"%PDF-")),
        FileType("text/plain", (".txt", ".log"), _text),
        FileType("text/csv", (".csv",), _text),
        FileType("text/markdown", (".md", ".markdown"), _text),
        FileType(f"{_OFFICE}wordprocessingml.document", (".docx",), _office(b"word/document.xml")),
        FileType(f"{_OFFICE}spreadsheetml.sheet", (".xlsx",), _office(b"xl/workbook.xml")),
        FileType(f"{_OFFICE}presentationml.presentation", (".pptx",), _office(b"ppt/presentation.xml")),
        FileType("audio/ogg", (".ogg", ".oga", ".opus"), _begins(b"OggS")),
        FileType("audio/mpeg", (".mp3",), _mpeg),
        FileType("audio/mp4", (".m4a", ".mp4"), _has(4, b"ftyp")),
        FileType("video/mp4", (".mp4",), _has(4, b"ftyp")),
    )
}


def find_type(declared: str) -> FileType | None:
    """The type that a Content-Type names, if it is one that is taken."""
    name = declared.partition(";")[0].strip().lower()
    return TYPES.get(_SAME.get(name, name))


def suspicion(kind: FileType, head: bytes, tail: bytes) -> str | None:
    """Why a file that fits its type should still be opened by nobody; None when nothing was found."""
    is_office = kind.name.startswith(_OFFICE)
    if is_office and b"vbaProject.bin" in tail:
        return "it has macros"
    if is_office and _unpacked_size(tail) > LARGEST_UNPACKED_BYTES:
        return "it is far larger when unpacked"
    if not is_office and _ARCHIVE_END in tail:
        return "an archive is hidden in it"
    if kind.name.startswith("image/"):
        if _MARKUP.search(head):
            return "markup is hidden in it"
        if _pixels(kind.name, head) > MOST_PIXELS:
            return "it is far larger when unpacked"
    return None


def _unpacked_size(tail: bytes) -> int:
    """What the archive's directory says; whoever unpacks it must count for himself."""
    places = (found.start() for found in re.finditer(re.escape(_ARCHIVE_ENTRY), tail))
    return sum(int.from_bytes(tail[place + 24 : place + 28], "little") for place in places)


def _pixels(name: str, head: bytes) -> int:
    if name == "image/png":
        return int.from_bytes(head[16:20], "big") * int.from_bytes(head[20:24], "big")
    if name == "image/gif":
        return int.from_bytes(head[6:8], "little") * int.from_bytes(head[8:10], "little")
    return 0
