"""The files of a message, as the function `files_of` (migration 0004) gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from storage.records import UploadedFile


def uploaded(listed: Sequence[Mapping[str, Any]] | None) -> tuple[UploadedFile, ...]:
    """The files of a row's column `files`; null means none."""
    return tuple(
        UploadedFile(UUID(each["id"]), each["name"] or "", each["type"], each["size"])
        for each in listed or ()
    )
