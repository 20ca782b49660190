"""What a folder needs to be an object store beyond what obstore does: an address, a disk that keeps, no drafts."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from storage.errors import Invalid


def folder_of(url: str) -> Path:
    """The folder of a `file:///path` URL. Raises Invalid when it names a host."""
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost"):
        raise Invalid("OBJECT_STORE_URL names a host: a folder is file:///path, with three slashes")
    return Path(url2pathname(parts.path))


def make_last(folder: Path, key: str) -> None:
    """Carry an object past a power cut, since the row that will name it is past it, too. Raises OSError."""
    path = folder / key
    while True:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if path == folder:
            return
        path = path.parent


def drop_drafts(folder: Path, before: datetime) -> int:
    """Remove what was half written before then; returns how much.

    While an object is written, obstore's `LocalStore` has "#" and a number behind its name, and never lists it.
    """
    dropped = 0
    for path in folder.glob("*#*"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < before.timestamp():
                path.unlink()
                dropped += 1
    return dropped
