"""`enter`: go through another flow and come back with its result."""

from __future__ import annotations

from typing import Any

from flows.flow import Flow
from flows.record import Row, Status
from flows.signals import Ended, Signal, Unverified
from flows.stage import Stage
from flows.values import encode


async def enter(chat: Stage, flow: Flow | str) -> Any:
    """Run another flow as a part of this one, in a scope of its own; returns what it returns.

    Once it has returned, the next commit keeps its result in place of its record.
    """
    run = chat.run
    run.begin("enter")
    child = run.exchange.bot.resolve(flow)
    key = chat.key(child.name)
    path = chat.scope + key
    row = run.frame.rows.get(path)
    if row is not None and row.kind == "enter":
        run.find(path, "enter")
        return run.value(row)
    if child.sensitive:
        run.frame.sensitive = True
    value = await _run_child(chat.child(path + "/"), child)
    encoded = encode(value, f"enter {key}")
    result = Row(run.frame.ordinal, chat.scope, key, "enter", "", Status.OK, encoded)
    run.frame.collapsed[path] = result
    run.frame.ordinal += 1
    return run.value(result)


async def _run_child(stage: Stage, child: Flow) -> Any:
    run = stage.run
    try:
        return await child.script(stage)
    except Signal:
        signal = run.signal
        if isinstance(signal, Ended) and signal.scope == stage.scope:
            run.signal = None
            return signal.value
        if isinstance(signal, Unverified) and signal.branch is None and child.unverified_branch is not None:
            signal.branch, signal.scope = child.unverified_branch, stage.scope
        raise
