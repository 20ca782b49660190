"""Where a session stands, in the words of a flow's author."""

from __future__ import annotations

import re

from storage.records import State

_FIRST = re.compile(r"#0(?=/|$)")


def where(state: State) -> tuple[str | None, str | None]:
    """The flow that talks and the ask that waits: `account`, `address/street`, `guests#1` for the second of a name."""
    return state.flow, None if state.state_name is None else place_of(state.state_name)


def place_of(path: str) -> str:
    """A verb's path on record as an author writes it."""
    return _FIRST.sub("", path)
