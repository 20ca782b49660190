"""`call`: do something outside, with its result on record."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from flows.approval import grant, key_of, use
from flows.errors import CallFailed, FlowMistake
from flows.files import reading
from flows.record import Row, Status
from flows.stage import Stage
from flows.threads import run_in_thread
from flows.values import decode, digest, encode

_key: ContextVar[str] = ContextVar("idempotency_key")
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 2.0
_LONGEST_MESSAGE = 500
_NOT_NEEDED = object()


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
    approval: object = _NOT_NEEDED,
) -> Any:
    """Call a function (async, or sync in a thread) and put its result on record.

    Every try has `timeout` seconds; an exception with a true `permanent` is not retried. `final` marks
    what cannot be undone: nobody goes back past it. `approval` is what `chat.approve` returned for this very
    function and these arguments; with another, one that was not given or one that was used nothing is called
    and FlowMistake raised. Raises CallFailed, live and in replay.
    """
    run = chat.run
    run.begin("call")
    key = chat.key(name or _name_of(function))
    path = chat.scope + key
    row = run.find(path, "call")
    if row is None:
        run.open(path)
        arguments = digest(encode(list(args), f"call {key}"))
        granted = None if approval is _NOT_NEEDED else grant(run.frame, approval, function, args)
        if sensitive:
            run.frame.sensitive = True
        carried = run.frame.carried.get(path)
        if carried is not None and carried.digest == arguments:
            run.frame.add(chat.scope, key, "call", arguments, carried.status, carried.value, carried.final)
            return decode(carried.value)
        if granted is not None:
            await _use(chat, granted, key, arguments)
        if not chat.recalled(key, "call", arguments, final=final):
            run.frame.add(chat.scope, key, "call", arguments, Status.STARTED, None, final)
            await run.port(run.exchange.checkpoint())
            await _perform(chat, function, args, key, arguments, retries, timeout, final)
            await run.port(run.exchange.checkpoint())
        row = run.frame.rows[path]
    if row.status is Status.FAILED:
        raise CallFailed(*row.value)
    return run.value(row)


async def _use(chat: Stage, granted: Row, key: str, arguments: str) -> None:
    """Use up an approval, before the call is begun; a call that is made again after a crash is the same use."""
    run = chat.run
    use(run.frame, granted, chat.scope + key)
    services, session = run.exchange.services, chat.session
    value, idempotency = granted.value, _idempotency_key(chat, key, arguments)
    used = services.approval_use(session, UUID(value["id"]), bytes.fromhex(granted.digest), idempotency)
    if not await run.port(run.exchange.port(used)):
        raise FlowMistake(f"call: the approval of {value['action']} is void, or was used by another call")


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
        with reading(run.exchange.services.read_file):
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
    return key_of(chat.session, chat.run.frame, chat.scope + key, arguments)


def _name_of(function: Callable[..., Any]) -> str:
    name = getattr(function, "__name__", None) or type(function).__name__
    return "lambda" if name == "<lambda>" else str(name)
