"""`flag`: what was remembered of the person."""

from __future__ import annotations

from typing import Any

from flows.stage import Stage
from flows.values import decode


async def flag(chat: Stage, name: str, default: Any = None) -> Any:
    """What was remembered of this person under a name, or `default`.

    The value is on record: one place in a flow returns the same in every run, whatever is remembered since.
    """
    run = chat.run
    run.begin("flag")
    key = chat.key(f"flag.{name}")
    path = chat.scope + key
    row = run.find(path, "flag")
    if row is None:
        run.open(path)
        found = await run.port(run.exchange.flag(name))
        if found is not None and found.sensitive:
            run.frame.sensitive = True
        if not chat.recalled(key, "flag"):
            known = found is not None and found.value is not None
            chat.record(key, "flag", decode(found.value) if found is not None and known else default)
        row = run.frame.rows[path]
    return run.value(row)
