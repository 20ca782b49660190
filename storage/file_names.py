"""The name of a file as somebody else gave it, made fit to be shown, sent in a header and saved to a disk."""

from __future__ import annotations

import re
import unicodedata

LONGEST_BYTES = 180
UNNAMED = "file"
# Control, format (bidi marks, zero-width), surrogate, private and unassigned characters; line and paragraph ends.
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_UNSAVABLE = re.compile(r'[<>:"|?*\\/]')
# Names of devices on Windows, whatever their ending.
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


def clean_name(name: str, endings: tuple[str, ...]) -> str:
    """The last part of `name` without what deceives or harms, ending in one of `endings` (".png").

    A name that ends otherwise gets the first of them, so that nothing is opened as what it is not.
    """
    name = re.split(r"[/\\]", name)[-1]
    name = "".join(
        character
        for character in unicodedata.normalize("NFC", name)
        if character in "\t\n\r" or unicodedata.category(character) not in _UNSEEN
    )
    name = " ".join(_UNSAVABLE.sub("_", name).split()).strip(". ")
    stem, dot, ending = name.rpartition(".")
    if not (dot and f".{ending.lower()}" in endings):
        stem, ending = name, endings[0][1:]
    if _DEVICE.match(stem):
        stem = f"_{stem}"
    stem = _shortened(stem, LONGEST_BYTES - len(ending) - 1).strip(". ")
    return f"{stem or UNNAMED}.{ending}"


def _shortened(text: str, size: int) -> str:
    return text.encode()[:size].decode(errors="ignore")
