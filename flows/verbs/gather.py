"""`gather`: make calls that do not need each other side by side."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Coroutine, Sequence
from typing import Any, TypeAlias

from flows.errors import CallFailed, FlowMistake
from flows.run import Run
from flows.signals import Signal
from flows.stage import Stage

Work: TypeAlias = Coroutine[Any, Any, Any]
_HOW = "chat.gather(chat.call(one), chat.call(two))"


async def gather(chat: Stage, *works: Work) -> list[Any]:
    """Make the calls side by side and return what they return, in the order given.

    Each is put on record as it returns. Where some fail, the first of them in that order raises its
    CallFailed once all have ended. A branch may be an async function of your own that makes several calls;
    whatever talks to the person is an error in it.
    """
    run = chat.run
    branches: list[asyncio.Task[tuple[Any, BaseException | None]]] = []
    try:
        run.begin("gather")
        key = chat.key("gather")
        for index, work in enumerate(works):
            if not inspect.iscoroutine(work):
                given = type(work).__name__
                raise FlowMistake(
                    f"gather: argument {index + 1} is a {given}, no call to be made; write {_HOW}"
                )
        for index, work in enumerate(works):
            branch = asyncio.ensure_future(_ended(work))
            run.branches[branch] = f"{key}/[{index}]/"
            branches.append(branch)
        await _all_ended(run, branches)
    finally:
        await _leave(run, branches, works)
    return _results([branch.result() for branch in branches])


async def _ended(work: Work) -> tuple[Any, BaseException | None]:
    """What a branch came to; no error leaves its task, where a SystemExit would end the process."""
    try:
        return await work, None
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return None, error


async def _all_ended(run: Run, branches: Sequence[asyncio.Task[tuple[Any, BaseException | None]]]) -> None:
    """Wait for all, unless the turn is lost: then nothing more can be recorded."""
    waiting = set(branches)
    while waiting and run.port_error is None:
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if any(_is_fatal(branch.result()[1]) for branch in done):
            break
    if waiting:
        for branch in waiting:
            branch.cancel()
        await asyncio.wait(waiting)


async def _leave(run: Run, branches: Sequence[asyncio.Task[Any]], works: Sequence[object]) -> None:
    """Nothing of the branches goes on, nor is a call that was never begun left behind."""
    for branch in branches:
        branch.cancel()
    if branches:
        await asyncio.wait(branches)
    for branch in branches:
        run.branches.pop(branch, None)
    for work in works:
        if inspect.iscoroutine(work):
            work.close()


def _results(ended: Sequence[tuple[Any, BaseException | None]]) -> list[Any]:
    errors = [error for _, error in ended if error is not None]
    for error in sorted(errors, key=_rank):
        raise error
    return [value for value, _ in ended]


def _rank(error: BaseException) -> int:
    """What ends the turn goes before a mistake in the flow, that before a failed call; last is what we cancelled."""
    if isinstance(error, asyncio.CancelledError):
        return 3
    if not isinstance(error, Exception):
        return 0
    return 2 if isinstance(error, CallFailed) else 1


def _is_fatal(error: BaseException | None) -> bool:
    return error is not None and not isinstance(error, (Exception, Signal, SystemExit))
