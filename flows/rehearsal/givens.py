"""Read what a conversation test takes as given: calls, the model, documents, codes, the person."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flows.llm.contract import (
    Cited,
    ErrorKind,
    Event,
    Finished,
    ModelError,
    StopReason,
    Text,
    ToolCall,
    Usage,
)
from flows.rehearsal.script import Answer, Given, Raised, Returned
from flows.rehearsal.yaml_nodes import Node
from storage.knowledge import Passage

_PARTS = ("calls", "run", "model", "documents", "alike", "otp", "user")
_OTP_REFUSALS = ("no_address", "no_channel", "too_many")


def read_given(node: Node) -> Given:
    """`given:` of a test. Raises ScriptMistake."""
    parts = node.keys(*_PARTS, what="`given:`")
    documents = _documents(parts["documents"]) if "documents" in parts else ()
    user = parts["user"].keys("locale", "profile", "flags", what="a user") if "user" in parts else {}
    return Given(
        calls=_calls(parts["calls"]) if "calls" in parts else {},
        run=frozenset(each.text("a call") for each in parts["run"].items("`run:`"))
        if "run" in parts
        else frozenset(),
        model=tuple(_said(each, documents) for each in parts["model"].items("`model:`"))
        if "model" in parts
        else None,
        documents=documents,
        alike=dict(_alike(*pair) for pair in parts["alike"].pairs("`alike:`")) if "alike" in parts else {},
        otp=_otp(parts["otp"]) if "otp" in parts else None,
        locale=user["locale"].text("a locale") if "locale" in user else None,
        profile=_values(user["profile"]) if "profile" in user else {},
        flags=_values(user["flags"]) if "flags" in user else {},
    )


def _calls(node: Node) -> dict[str, tuple[Answer, ...]]:
    return {name.text("a call"): _answers(value) for name, value in node.pairs("`calls:`")}


def _answers(node: Node) -> tuple[Answer, ...]:
    if node.is_mapping and [key.node.value for key, _ in node.pairs("an answer")] == ["in_turn"]:
        [listed] = [value for _, value in node.pairs("an answer")]
        answers = tuple(_answer(item) for item in listed.items("`in_turn:`"))
        if not answers:
            raise listed.wrong("give at least one answer")
        return answers
    return (_answer(node),)


def _answer(node: Node) -> Answer:
    keys = {key.node.value for key, _ in node.pairs("an answer")} if node.is_mapping else set()
    if "error" in keys and keys <= {"error", "message"}:
        parts = node.keys("error", "message", what="an error")
        message = parts["message"].text("a message") if "message" in parts else ""
        return Raised(parts["error"].text("an error's kind"), message)
    if keys == {"value"}:
        return Returned(node.keys("value", what="an answer")["value"].value())
    return Returned(node.value())


def _documents(node: Node) -> tuple[Passage, ...]:
    return tuple(_passage(item, number) for number, item in enumerate(node.items("`documents:`"), start=1))


def _passage(node: Node, number: int) -> Passage:
    parts = node.keys("title", "text", "heading", "url", what="a document")
    if "text" not in parts:
        raise node.wrong("a document needs a `text:`")
    texts = {key: value.text(key) for key, value in parts.items()}
    title = texts.get("title", f"Document {number}")
    return Passage(
        chunk_id=UUID(int=number),
        document_id=UUID(int=number),
        source="kb",
        source_id=title,
        title=title,
        heading=texts.get("heading", ""),
        content=texts["text"],
        url=texts.get("url"),
        score=1 / number,
        similarity=1.0,
        coverage=1.0,
    )


def _said(node: Node, documents: tuple[Passage, ...]) -> tuple[Event | ModelError, ...]:
    """What the model says to one request."""
    if not node.is_mapping:
        return (Text(node.text("what the model says")), Finished(StopReason.ENDED, Usage()))
    parts = node.keys("text", "cites", "error", "tool", "arguments", what="what the model says")
    if "error" in parts:
        kind = parts["error"].text("an error")
        if kind not in [each.value for each in ErrorKind]:
            raise parts["error"].wrong(f"{kind!r} is no error of a model; there are {', '.join(ErrorKind)}")
        return (ModelError(ErrorKind(kind), "as the test has it"),)
    if "tool" in parts:
        arguments = parts["arguments"].value() if "arguments" in parts else {}
        call = ToolCall("tool-1", parts["tool"].text("a tool"), arguments)
        return (call, Finished(StopReason.TOOL_USE, Usage()))
    if "text" not in parts:
        raise node.wrong("the model says a `text:`, asks for a `tool:`, or fails with an `error:`")
    cites = parts["cites"].items("`cites:`") if "cites" in parts else []
    cited = [_cited(each, documents) for each in cites]
    return (Text(parts["text"].text("a text")), *cited, Finished(StopReason.ENDED, Usage()))


def _cited(node: Node, documents: tuple[Passage, ...]) -> Cited:
    titles = [passage.title for passage in documents]
    title = node.text("a document's title")
    if title not in titles:
        raise node.wrong(f"there is no document {title!r} under `documents:`")
    index = titles.index(title)
    return Cited(index, documents[index].content)


def _alike(text: Node, flows: Node) -> tuple[str, dict[str, float]]:
    """A text with the flow that it means, or with several and how alike it is to each."""
    if not flows.is_mapping:
        return text.text("a text"), {flows.text("a flow's name"): 1.0}
    likeness = {flow: value for flow, value in _values(flows).items() if type(value) in (int, float)}
    if len(likeness) < len(_values(flows)):
        raise flows.wrong("how alike a text is to a flow is a number from 0 to 1")
    return text.text("a text"), {flow: float(value) for flow, value in likeness.items()}


def _values(node: Node) -> dict[str, Any]:
    return {name.text("a name"): value.value() for name, value in node.pairs("this")}


def _otp(node: Node) -> str:
    reason = node.text("a reason")
    if reason not in _OTP_REFUSALS:
        raise node.wrong(f"codes are refused for {', '.join(_OTP_REFUSALS)}")
    return reason
