"""What every provider of a language model does: a request goes in, a stream of events comes out.

A good stream ends with exactly one `Finished`; a bad one ends with a `ModelError`. Between the two there is
nothing: a stream that just stops is an error of kind `cut`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, Protocol, TypeAlias


@dataclass(frozen=True, slots=True)
class Said:
    """One turn of the conversation so far."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Source:
    """A retrieved passage: untrusted text that the model may quote and must never obey.

    `source` says where it is from, a URL or a path.
    """

    title: str
    source: str
    text: str


@dataclass(frozen=True, slots=True)
class Tool:
    """Something that the model may ask us to do. `schema` is the JSON Schema of its arguments, an object."""

    name: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """What a model is asked. `sources` belong to the last message, which is the user's.

    `max_tokens` bounds the answer, in tokens, with what the model thinks before it. `temperature` and `effort`
    (how much it thinks: low, medium, high) are left to the model when they are None; a provider whose models
    take no temperature leaves it out.
    """

    model: str
    system: str
    messages: tuple[Said, ...]
    sources: tuple[Source, ...] = ()
    tools: tuple[Tool, ...] = ()
    max_tokens: int = 1024
    temperature: float | None = None
    effort: str | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of the answer, never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class Cited:
    """The text just said rests on `request.sources[source_index]`, where `quote` stands. It follows that text."""

    source_index: int
    quote: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model asks for a tool. It is given only when its arguments are whole; they are not validated."""

    id: str
    name: str
    arguments: Mapping[str, Any]


class StopReason(StrEnum):
    """Why a model stopped. REFUSED: it would not answer; what it said before must not be used."""

    ENDED = "ended"
    MAX_TOKENS = "max_tokens"
    TOOL_USE = "tool_use"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that were used. `prompt_tokens` is the whole prompt, also what was read from or written to a cache."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of a good stream."""

    stop: StopReason
    usage: Usage


Event: TypeAlias = Text | Cited | ToolCall | Finished


class ErrorKind(StrEnum):
    """What went wrong with a model.

    unavailable: no connection, or an error of the provider's own · overloaded: it has no room now ·
    rate_limited: we ask too much · refused: it does not take our key, or our account · invalid: it does not
    take the request, or we do not understand the answer · cut: the stream broke off · stalled: the stream, or
    the first event, did not come in time · cap: our own spend cap; nothing was sent.
    """

    UNAVAILABLE = "unavailable"
    OVERLOADED = "overloaded"
    RATE_LIMITED = "rate_limited"
    REFUSED = "refused"
    INVALID = "invalid"
    CUT = "cut"
    STALLED = "stalled"
    CAP = "cap"


class ModelError(Exception):
    """A model could not answer. Its text is for the operator and quotes nothing of the conversation.

    `transient`: asking again may help, after `retry_after` seconds where the provider says so. `usage` is what
    the call came to, None where nobody knows: the model may have worked, and the provider charge for it.
    """

    def __init__(
        self,
        kind: ErrorKind,
        message: str,
        *,
        transient: bool = False,
        retry_after: float | None = None,
        usage: Usage | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.transient = transient
        self.retry_after = retry_after
        self.usage = usage


class Provider(Protocol):
    """A provider of models. `name` is one of those that `llm_calls.provider` knows."""

    @property
    def name(self) -> str: ...

    def stream(self, request: ModelRequest) -> AsyncGenerator[Event, None]:
        """Ask once, without trying again. Close the generator to give up; raises ModelError.

        What is given up is closed at once: nothing more is read, and the connection is not used again.
        """
        ...
