"""Files as answers: which are taken, and what is said of the others."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from flows.errors import FlowMistake, Rejected
from flows.validator import Validator
from storage.file_types import TYPES
from storage.records import UploadedFile

_WORDS = {
    "*/*": "a file",
    "image/*": "a picture",
    "audio/*": "a recording",
    "video/*": "a video",
    "text/*": "a text file",
    "application/pdf": "a PDF",
}


def file(
    *, types: Sequence[str] = ("image/*", "application/pdf"), largest_mb: float = 10
) -> Validator[UploadedFile]:
    """A file of one of these types, as its bytes show it; "image/*" is every picture. 1 MB is a million bytes.

    Of several files in one message it is the first that fits; the others stay with the message.
    """
    if isinstance(types, str) or not types:
        raise FlowMistake('file: types is a list, such as ["image/*"]')
    wanted = _listed([_named(each) for each in types])

    def take(given: UploadedFile) -> UploadedFile:
        if not any(fnmatchcase(given.type, each) for each in types):
            raise Rejected(f"I cannot take a file of that type here. Please send {wanted}.")
        if given.size > largest_mb * 1_000_000:
            raise Rejected(f"That file is too large. Please send one of at most {largest_mb:g} MB.")
        return given

    def refuse(_: str) -> UploadedFile:
        raise Rejected(f"Please send {wanted}.")

    return Validator("file", refuse, takes=take)


def _named(wanted: str) -> str:
    """A type in words for the person. Raises FlowMistake for one of which no file is ever taken."""
    fitting = [each for each in TYPES.values() if fnmatchcase(each.name, wanted)]
    if not fitting:
        raise FlowMistake(f"file: no file of type {wanted!r} is taken; there are {', '.join(TYPES)}")
    return _WORDS.get(wanted, f"a {fitting[0].endings[0]} file")


def _listed(words: Sequence[str]) -> str:
    *others, last = dict.fromkeys(words)
    return f"{', '.join(others)} or {last}" if others else last
