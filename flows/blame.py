"""Where a flow failed, for the operator: never what was said, which an exception's text may hold."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Iterator
from pathlib import Path

from flows.flow import Flow
from flows.record import Frame

_ENGINE = str(Path(__file__).parent)


def where(frame: Frame | None, flow: Flow | None, cause: BaseException) -> str:
    """The kind of error, the flow, its own line on the way to the error, and the verb that it met last."""
    line = _line(cause, _file(flow)) if flow is not None else None
    line = line or _line(cause, None)
    at = f" at {line[0]}:{line[1]}" if line else ""
    verb = f" ({frame.at})" if frame is not None and frame.at else ""
    return f"{type(cause).__name__} in flow {frame.flow if frame else None!r}{at}{verb}"


def place(cause: BaseException) -> str:
    """`file:line` of the author's innermost line on the way to the error; empty where there is none."""
    line = _line(cause, None)
    return f"{line[0]}:{line[1]}" if line else ""


def _file(flow: Flow) -> str:
    return str(inspect.unwrap(flow.script).__code__.co_filename)


def _line(cause: BaseException, file: str | None) -> tuple[str, int] | None:
    """The innermost line in the file; without one the innermost that is not the engine's, else any."""
    lines = list(_lines(cause))
    if file is not None:
        return next((line for line in reversed(lines) if line[0] == file), None)
    theirs = [line for line in lines if not line[0].startswith(_ENGINE)]
    return next(reversed(theirs or lines), None)


def _lines(cause: BaseException) -> Iterator[tuple[str, int]]:
    # What made the turn's time run out is told by the cancellation behind the TimeoutError.
    if isinstance(cause, TimeoutError) and cause.__cause__ is not None:
        yield from _lines(cause.__cause__)
    for frame, number in traceback.walk_tb(cause.__traceback__):
        yield frame.f_code.co_filename, number
