"""Logging: one event is one snake_case name with key-values.

For people on a terminal, as JSON lines otherwise; always on stderr, so that stdout stays the commands'.
An error is logged as its classes and its way through the code, without local variables and without its text:
those may hold what people wrote.
"""

from __future__ import annotations

import logging
import sys
import time
import traceback
from typing import Any, Literal

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

LogFormat = Literal["auto", "console", "json"]
_QUIET_S = 60.0


def configure_logs(
    style: LogFormat = "auto", level: int = logging.INFO, *, with_error_texts: bool = False
) -> None:
    """Set up structlog and route the standard library's logging through it. Called once, at start.

    `with_error_texts` is for whoever tries a flow in their own terminal.
    """
    on_terminal = sys.stderr.isatty()
    as_json = style == "json" or (style == "auto" and not on_terminal)
    shared = _shared(with_error_texts)
    structlog.configure(
        processors=[*shared, *(_json_lines() if as_json else _console(colours=on_terminal))],
        # Events below the level cost one call of an empty method.
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer)
        if as_json
        else structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    _route_standard_logging(level, shared, _json_text() if as_json else _console(colours=on_terminal))


def _shared(with_error_texts: bool) -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info if with_error_texts else _trace,
    ]


def _trace(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Replace an error by its classes and places, from its causes to itself."""
    found = event.pop("exc_info", None)
    if isinstance(found, tuple):
        found = found[1]
    error = found if isinstance(found, BaseException) else sys.exc_info()[1] if found else None
    if error is not None:
        event["exception"] = "\n".join(_places(error))
    return event


def _places(error: BaseException) -> list[str]:
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    lines = _places(before) if before is not None else []
    if isinstance(error, BaseExceptionGroup):
        lines += [line for part in error.exceptions for line in _places(part)]
    lines += [line.rstrip() for line in traceback.format_tb(error.__traceback__)]
    code = getattr(error, "sqlstate", None)
    return [*lines, type(error).__qualname__ + (f" (sqlstate {code})" if code else "")]


def _console(*, colours: bool) -> list[Processor]:
    return [structlog.dev.ConsoleRenderer(colors=colours)]


def _json_lines() -> list[Processor]:
    return [structlog.processors.JSONRenderer(serializer=_to_bytes)]


def _json_text() -> list[Processor]:
    return [structlog.processors.JSONRenderer(serializer=lambda event, **_: _to_bytes(event).decode())]


def _to_bytes(event: Any, **_: Any) -> bytes:
    return orjson.dumps(event, default=str)


def _route_standard_logging(level: int, shared: list[Processor], renderers: list[Processor]) -> None:
    output = logging.StreamHandler(sys.stderr)
    output.addFilter(_Hushed())
    output.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    root = logging.getLogger()
    root.handlers = [output]
    # Libraries say little that an operator needs below a warning.
    root.setLevel(max(level, logging.WARNING))


class _Hushed(logging.Filter):
    """What libraries say too loudly.

    asyncpg's pool warns with a traceback at every try while Postgres is away: one line a minute is enough.
    asyncio's reports show the failed task, and with it the error's text, from the second line on.
    """

    def __init__(self) -> None:
        super().__init__()
        self._pool_warned = float("-inf")

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == "asyncio":
            record.msg, record.args = record.getMessage().partition("\n")[0], ()
        if record.name != "asyncpg.pool" or record.levelno > logging.WARNING:
            return True
        record.msg, record.args, record.exc_info = (
            "the pool cannot reach Postgres and goes on trying",
            (),
            None,
        )
        wait_over = time.monotonic() - self._pool_warned > _QUIET_S
        if wait_over:
            self._pool_warned = time.monotonic()
        return wait_over
