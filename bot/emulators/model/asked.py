"""Reads a request as the Messages API does, and refuses what it refuses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.emulators.model.faults import Refusal

# From this version on the API takes no sampling parameters.
NO_SAMPLING_FROM = "2026-10-21"
_SAMPLING = ("temperature", "top_p", "top_k")
_FIELDS = {
    *("model", "messages", "max_tokens", "system", "stream", "tools", "tool_choice", "metadata", "thinking"),
    *("stop_sequences", "output_config", "service_tier", "cache_control", "inference_geo", *_SAMPLING),
}
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_OTHER_BLOCKS = {"image", "document", "tool_use", "tool_result", "thinking", "redacted_thinking"}


@dataclass(frozen=True, slots=True)
class Found:
    """A `search_result` with citations enabled: where it stands among all of them, and its text blocks."""

    index: int
    source: str
    title: str
    blocks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that the API would answer. `question` is the text of the user's last turn."""

    model: str
    max_tokens: int
    stream: bool
    question: str
    results: tuple[Found, ...]
    prompt_tokens: int


def read(body: Any, version: str | None) -> Asked:
    """Check a request's body. Raises Refusal."""
    if version is None:
        raise Refusal(400, "anthropic-version: header is required")
    if not isinstance(body, dict):
        raise Refusal(400, "The request body is not valid JSON")
    for name in body:
        if name not in _FIELDS:
            raise Refusal(400, f"{name}: Extra inputs are not permitted")
        if name in _SAMPLING and version >= NO_SAMPLING_FROM:
            raise Refusal(400, f"{name}: not supported in API version {version}")
    model = _field(body, "model", str)
    max_tokens = _field(body, "max_tokens", int)
    if max_tokens < 1:
        raise Refusal(400, "max_tokens: Input should be greater than or equal to 1")
    _check_system(body.get("system", "x"))
    for index, tool in enumerate(_list(body.get("tools", []), "tools")):
        _check_tool(tool, f"tools.{index}")
    messages = _list(_field(body, "messages", list), "messages")
    if not messages:
        raise Refusal(400, "messages: at least one message is required")
    texts: list[str] = []
    results: list[Found] = []
    question = ""
    for index, message in enumerate(messages):
        place = f"messages.{index}"
        if not isinstance(message, dict) or message.get("role") not in ("user", "assistant"):
            raise Refusal(400, f"{place}.role: Input should be 'user' or 'assistant'")
        question = _content(message.get("content"), f"{place}.content", texts, results)
    if messages[-1]["role"] != "user":
        raise Refusal(400, "This model does not support assistant message prefill.")
    return Asked(model, max_tokens, body.get("stream") is True, question, tuple(results), _tokens(body))


def _content(content: Any, place: str, texts: list[str], results: list[Found]) -> str:
    """The turn's own text; its search results are added to `results`."""
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else _list(content, place)
    said = []
    for index, block in enumerate(blocks):
        here = f"{place}.{index}"
        match block:
            case {"type": "text", "text": str(text)}:
                if not text.strip():
                    raise Refusal(400, f"{here}: text content blocks must contain non-whitespace text")
                said.append(text)
            case {"type": "search_result"}:
                results.append(_search_result(block, here, len(results)))
            case {"type": str(kind)} if kind in _OTHER_BLOCKS:
                pass
            case _:
                raise Refusal(400, f"{here}: Input tag does not match any of the expected tags")
    if not blocks:
        raise Refusal(400, f"{place}: content must not be empty")
    return "\n".join(said)


def _search_result(block: Mapping[str, Any], place: str, index: int) -> Found:
    source, title = _field(block, "source", str, place), _field(block, "title", str, place)
    texts = []
    for number, part in enumerate(_list(block.get("content"), f"{place}.content")):
        match part:
            case {"type": "text", "text": str(text)} if text.strip():
                texts.append(text)
            case _:
                raise Refusal(400, f"{place}.content.{number}: text content blocks must be non-empty")
    if not texts or not source or not title:
        raise Refusal(400, f"{place}: source, title and content must not be empty")
    enabled = block.get("citations") == {"enabled": True}
    return Found(index, source, title, tuple(texts) if enabled else ())


def _check_system(system: Any) -> None:
    if isinstance(system, str):
        return
    for index, block in enumerate(_list(system, "system")):
        if not isinstance(block, dict) or not isinstance(block.get("text"), str) or not block["text"].strip():
            raise Refusal(400, f"system.{index}: text content blocks must contain non-whitespace text")


def _check_tool(tool: Any, place: str) -> None:
    name = _field(tool, "name", str, place) if isinstance(tool, dict) else ""
    if not _TOOL_NAME.fullmatch(name):
        raise Refusal(400, f"{place}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
    schema = tool.get("input_schema")
    if not isinstance(schema, dict) or schema.get("type") != "object":
        raise Refusal(400, f"{place}.input_schema.type: Input should be 'object'")


def _field(body: Mapping[str, Any], name: str, kind: type, place: str = "") -> Any:
    value = body.get(name)
    where = f"{place}.{name}" if place else name
    if value is None:
        raise Refusal(400, f"{where}: Field required")
    if not isinstance(value, kind) or isinstance(value, bool):
        raise Refusal(400, f"{where}: Input should be a valid {kind.__name__}")
    return value


def _list(value: Any, place: str) -> list[Any]:
    if not isinstance(value, list):
        raise Refusal(400, f"{place}: Input should be a valid list")
    return value


def _tokens(body: Mapping[str, Any]) -> int:
    """A count like a tokenizer's: one for every four bytes of the prompt."""
    prompt = [body.get("system", ""), body["messages"], body.get("tools", "")]
    return max(1, sum(len(str(part).encode()) for part in prompt) // 4)
