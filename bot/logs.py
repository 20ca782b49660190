"""Logging: one event is one snake_case name with key-values.

For people on a terminal, as JSON lines otherwise; always on stderr, so that stdout stays the commands'.
Tracebacks are printed without local variables: those would hold what people wrote.
"""

from __future__ import annotations

import logging
import sys
from typing import Any, Literal

import orjson
import structlog
from structlog.typing import Processor

LogFormat = Literal["auto", "console", "json"]


def configure_logs(style: LogFormat = "auto", level: int = logging.INFO) -> None:
    """Set up structlog and route the standard library's logging through it. Called once, at start."""
    on_terminal = sys.stderr.isatty()
    as_json = style == "json" or (style == "auto" and not on_terminal)
    structlog.configure(
        processors=[*_shared(), *(_json_lines() if as_json else _console(colours=on_terminal))],
        # Events below the level cost one call of an empty method.
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer)
        if as_json
        else structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    _route_standard_logging(level, _json_text() if as_json else _console(colours=on_terminal))


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _console(*, colours: bool) -> list[Processor]:
    return [
        structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback),
    ]


def _json_lines() -> list[Processor]:
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(serializer=_to_bytes)]


def _json_text() -> list[Processor]:
    return [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(serializer=lambda event, **_: _to_bytes(event).decode()),
    ]


def _to_bytes(event: Any, **_: Any) -> bytes:
    return orjson.dumps(event, default=str)


def _route_standard_logging(level: int, renderers: list[Processor]) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_shared(), structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    # Libraries say little that an operator needs below a warning.
    root.setLevel(max(level, logging.WARNING))
