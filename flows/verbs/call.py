"""`call`: do something outside, with its result on record."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from flows.errors import CallFailed, FlowMistake
from flows.record import Status
from flows.stage import Stage
from flows.threads import run_in_thread
from flows.values import decode, digest, encode

_key: ContextVar[str] = ContextVar("idempotency_key")
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 2.0
_LONGEST_MESSAGE = 500


def idempotency_key() -> str:
    """The key of the call under way, the same whenever the same call is made again.

    Give it to whatever is called, so that a call whose result was lost takes effect once.
    """
    try:
        return _key.get()
    except LookupError:
        raise FlowMistake("idempotency_key() has a value only inside a function run by chat.call") from None


async def call(
    chat: Stage,
    function: Callable[..., Any],
    *args: Any,
    name: str | None = None,
    retries: int = 0,
    timeout: float = 10.0,
    final: bool = False,
    sensitive: bool = False,
) -> Any:
    """Call a function (async, or sync in a thread) and put its result on record.

    Every try has `timeout` seconds; an exception with a true `permanent` is not retried. `final` marks
    what cannot be undone: nobody goes back past it. Raises CallFailed, live and in replay.
    """
    run = chat.run
    run.begin("call")
    key = chat.key(name or _name_of(function))
    path = chat.scope + key
    row = run.find(path, "call")
    if row is None:
        run.open(path)
        arguments = digest(encode(list(args), f"call {key}"))
        if sensitive:
            run.frame.sensitive = True
        carried = run.frame.carried.get(path)
        if carried is not None and carried.digest == arguments:
            run.frame.add(chat.scope, key, "call", arguments, carried.status, carried.value, carried.final)
            return decode(carried.value)
        run.frame.add(chat.scope, key, "call", arguments, Status.STARTED, None, final)
        await run.port(run.exchange.checkpoint())
        await _perform(chat, function, args, key, arguments, retries, timeout, final)
        await run.port(run.exchange.checkpoint())
        row = run.frame.rows[path]
    if row.status is Status.FAILED:
        raise CallFailed(*row.value)
    return run.value(row)


async def _perform(
    chat: Stage,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    key: str,
    arguments: str,
    retries: int,
    timeout: float,
    final: bool,
) -> None:
    """Make the call and record what it came to."""
    run = chat.run
    token = _key.set(_idempotency_key(chat, key, arguments))
    task = asyncio.current_task()
    run.calling.add(task)
    onlooker = run.exchange.onlooker
    if onlooker is not None:
        function = onlooker.stand_in(key.partition("#")[0], function)
    try:
        value, status = await _try(function, args, retries, timeout, run.exchange.services.stopped)
    finally:
        run.calling.discard(task)
        _key.reset(token)
    if run.mistake is not None:
        raise run.mistake
    chat.record(key, "call", value, digest=arguments, status=status, final=final and status is Status.OK)


async def _try(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    retries: int,
    timeout: float,
    stopped: asyncio.Event,
) -> tuple[Any, Status]:
    for attempt in range(retries + 1):
        try:
            async with asyncio.timeout(timeout) as limit:
                return await _invoke(function, args), Status.OK
        except Exception as error:
            timed_out = isinstance(error, TimeoutError) and limit.expired()
            kind = "timeout" if timed_out else type(error).__name__
            message = f"no answer within {timeout:g} s" if timed_out else str(error)[:_LONGEST_MESSAGE]
            if attempt == retries or getattr(error, "permanent", False) or stopped.is_set():
                break
        await _pause(attempt, stopped)
    return [kind, message], Status.FAILED


async def _pause(attempt: int, stopped: asyncio.Event) -> None:
    """Wait before the next try, no longer than the person lets us."""
    try:
        async with asyncio.timeout(min(_FIRST_PAUSE_SECONDS * 2**attempt, _LONGEST_PAUSE_SECONDS)):
            await stopped.wait()
    except TimeoutError:
        return


async def _invoke(function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__):
        return await function(*args)
    result = await run_in_thread(function, *args)
    return await result if inspect.isawaitable(result) else result


def _idempotency_key(chat: Stage, key: str, arguments: str) -> str:
    session = chat.session
    parts = (str(session.tenant_id), str(session.id), chat.run.frame.run, chat.scope + key, arguments)
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()


def _name_of(function: Callable[..., Any]) -> str:
    name = getattr(function, "__name__", None) or type(function).__name__
    return "lambda" if name == "<lambda>" else str(name)
