"""`remember`: keep something of the person beyond this conversation."""

from __future__ import annotations

from typing import Any

from flows.stage import Stage
from flows.values import digest, encode
from storage.outcomes import Flag


async def remember(chat: Stage, name: str, value: Any, *, sensitive: bool = False) -> None:
    """Remember something of this person, for every later conversation; None forgets it.

    It is written by the commit that ends the turn: a turn that fails or is lost remembers nothing. A
    `sensitive` value is sealed with the person's key.
    """
    run = chat.run
    run.begin("remember")
    key = chat.key(f"remember.{name}")
    path = chat.scope + key
    if run.find(path, "remember") is None:
        run.open(path)
        encoded = encode(value, f"remember {name}")
        if sensitive:
            run.frame.sensitive = True
        chat.record(key, "remember", None, digest=digest(encoded))
        run.exchange.flags[name] = Flag(name, encoded, sensitive)
