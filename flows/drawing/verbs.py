"""The verbs in a piece of a flow's code: which, in what order, with what words."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flows import validators
from flows.drawing.graph import Shape
from flows.flow import Flow
from flows.validators import file
from storage.records import UploadedFile

DRAWN = {
    "ask": Shape.ASK,
    "verify_otp": Shape.ASK,
    "link": Shape.ASK,
    "unlink": Shape.ASK,
    "approve": Shape.ASK,
    "wait": Shape.WAIT,
    "call": Shape.CALL,
    "answer": Shape.CALL,
    "generate": Shape.CALL,
    "agent": Shape.CALL,
    "handoff": Shape.CALL,
    "enter": Shape.ENTER,
    "continue_as": Shape.ENTER,
    "end": Shape.END,
}
_LEAVES = (ast.Return, ast.Raise, ast.Break, ast.Continue)
_APART = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb where it is said. `name` is its name on record; `other` the flow that it leads to."""

    shape: Shape
    verb: str
    name: str
    text: str
    other: str | None = None


def calls_in(node: ast.AST) -> Iterator[ast.Call]:
    """The calls of an expression, in the order in which they are made."""
    if isinstance(node, _APART):
        return
    for child in ast.iter_child_nodes(node):
        yield from calls_in(child)
    if isinstance(node, ast.Call):
        yield node


def verb_of(call: ast.Call, chat: str, names: Mapping[str, Any]) -> Verb | None:
    """What a call says on the chat; None for any other call, and for a verb that is not drawn."""
    function = call.func
    if not (isinstance(function, ast.Attribute) and _is(function.value, chat)):
        return None
    verb = function.attr
    if verb not in DRAWN:
        return None
    shape, given = DRAWN[verb], [*call.args]
    words = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    first = given[0] if given else None
    match verb:
        case "ask":
            name = text_of(words.get("name", first))
            prompt = text_of(words.get("prompt", given[1] if len(given) > 1 else None))
            kind = words.get("type", given[2] if len(given) > 2 else None)
            lines = [name, prompt, "(a file)" if _is_file(kind, names) else ""]
            return Verb(shape, verb, name, "\n".join(filter(None, lines)))
        case "verify_otp":
            return Verb(shape, verb, "otp", "a one-time code")
        case "link" | "unlink":
            return Verb(shape, verb, verb, f"{verb} chats")
        case "wait":
            event = text_of(words.get("event"))
            told = event or text_of(words.get("for_", words.get("until", first)))
            return Verb(shape, verb, event or "wait", f"wait: {told}")
        case "call":
            function_called = text_of(first)
            return Verb(
                shape, verb, text_of(words.get("name")) or function_called.rpartition(".")[2], function_called
            )
        case "enter" | "continue_as":
            other = _flow_of(first, names)
            return Verb(shape, verb, other, other, other)
        case "end":
            return Verb(shape, verb, verb, text_of(words.get("text", first)) or "end")
        case _:
            return Verb(shape, verb, verb, " ".join(filter(None, (verb, text_of(first)))))


def matters(nodes: list[ast.stmt], chat: str) -> bool:
    """Whether statements do anything that is drawn: say a verb, hand the chat on, or leave."""
    return any(
        isinstance(inner, _LEAVES)
        or (
            isinstance(inner, ast.Call)
            and (
                (
                    isinstance(inner.func, ast.Attribute)
                    and _is(inner.func.value, chat)
                    and inner.func.attr in DRAWN
                )
                or any(_is(argument, chat) for argument in inner.args)
            )
        )
        for node in nodes
        for inner in ast.walk(node)
    )


def text_of(node: ast.AST | None) -> str:
    """An expression as a reader sees it: a text without its quotes, anything else as it is written."""
    match node:
        case None:
            return ""
        case ast.Constant(value=str(text)):
            return _short(text)
        case ast.JoinedStr(values=parts):
            return _short("".join(_part(part) for part in parts))
        case _:
            return _short(ast.unparse(node))


def _is_file(kind: ast.expr | None, names: Mapping[str, Any]) -> bool:
    """Whether an ask's type is `file(…)`, by whatever name the flow's file has it, or `UploadedFile`."""
    match kind:
        case ast.Call(func=ast.Name(id=name)):
            return names.get(name) is file
        case ast.Call(func=ast.Attribute(value=ast.Name(id=module), attr="file")):
            return names.get(module) is validators
        case ast.Name(id=name):
            return names.get(name) is UploadedFile
        case _:
            return False


def _part(part: ast.expr) -> str:
    match part:
        case ast.Constant(value=text):
            return str(text)
        case ast.FormattedValue(value=value):
            return "{" + ast.unparse(value) + "}"
        case _:
            return ast.unparse(part)


def _flow_of(node: ast.expr | None, names: Mapping[str, Any]) -> str:
    if isinstance(node, ast.Name) and isinstance(flow := names.get(node.id), Flow):
        return flow.name
    return text_of(node)


def _is(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
