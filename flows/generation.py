"""What a model is asked to generate, and how its answer is read: a text as it comes, or an object that fits."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from flows.errors import CallFailed
from flows.llm.contract import Event, Finished, ModelRequest, Said, StopReason, Text, Tool, ToolCall
from flows.llm.schema import misfit
from flows.services import ModelChoice, Services

_PURPOSE = "generate"
_TOOL = "give_result"
_BY_TOOL = f"Answer by calling the tool {_TOOL}, once, and write nothing else."
_TRIES = 2


def request_of(
    model: ModelChoice,
    prompt: str,
    system: str | None,
    schema: Mapping[str, Any] | None,
    max_tokens: int | None,
) -> ModelRequest:
    """What the model is asked; an object comes as the arguments of a tool."""
    told = (model.instructions, system, _BY_TOOL if schema is not None else None)
    return ModelRequest(
        model.name,
        "\n\n".join(part for part in told if part),
        (Said("user", prompt),),
        tools=() if schema is None else (Tool(_TOOL, "Gives the result that was asked for.", schema),),
        max_tokens=max_tokens or model.max_tokens,
        effort=model.effort,
    )


async def pieces(services: Services, request: ModelRequest) -> AsyncGenerator[str, None]:
    """The text as it comes; "…" ends one that was cut at `max_tokens`.

    Raises ModelError, Unavailable, and CallFailed where the model declines or writes nothing.
    """
    silent = True
    async with aclosing(services.generate(_PURPOSE, request)) as events:
        async for event in events:
            if piece := _piece(event):
                silent = silent and not piece.strip()
                yield piece
    if silent:
        raise CallFailed("invalid", "the model wrote nothing")


async def fill_in(services: Services, request: ModelRequest, schema: Mapping[str, Any]) -> dict[str, Any]:
    """An object that fits; the model gets a second try, told why its first does not.

    Raises ModelError, Unavailable and CallFailed.
    """
    prompt, fault = request.messages[0].text, ""
    for _ in range(_TRIES):
        if fault:
            again = f"{prompt}\n\nYour last result did not fit: {fault}. Call {_TOOL} again."
            request = replace(request, messages=(Said("user", again),))
        result = await _result(services, request)
        found = "no result was given" if result is None else misfit(schema, result)
        if result is not None and found is None:
            return result
        fault = found or ""
    raise CallFailed("invalid", f"the model's result does not fit the schema: {fault}")


async def _result(services: Services, request: ModelRequest) -> dict[str, Any] | None:
    result: dict[str, Any] | None = None
    async with aclosing(services.generate(_PURPOSE, request)) as events:
        async for event in events:
            _piece(event)
            if isinstance(event, ToolCall) and event.name == _TOOL and result is None:
                result = dict(event.arguments)
    return result


def _piece(event: Event) -> str:
    match event:
        case Text(text):
            return text
        case Finished(stop=StopReason.REFUSED):
            raise CallFailed("declined", "the model would not answer")
        case Finished(stop=StopReason.MAX_TOKENS):
            return " …"
        case _:
            return ""
