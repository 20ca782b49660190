"""The code of functions, as it stands in their files."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

from flows.errors import FlowMistake


def definition_of(function: Callable[..., Any]) -> ast.AsyncFunctionDef | ast.FunctionDef:
    """The parsed code of a function. Raises FlowMistake where there is none to read."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        raise FlowMistake(
            f"the code of {function.__qualname__} cannot be read, so it cannot be drawn"
        ) from None
    definition = tree.body[0]
    assert isinstance(definition, ast.AsyncFunctionDef | ast.FunctionDef)
    return definition


class _Plain(ast.NodeTransformer):
    """`await chat.ask("sure", …)` as its name, `sure`: what it asks stands in a node of its own."""

    def visit_Await(self, node: ast.Await) -> ast.AST:
        match node.value:
            case ast.Call(func=ast.Attribute(attr="ask"), args=[ast.Constant(value=str(name)), *_]):
                return ast.Name(name, ast.Load())
            case ast.Call(func=function):
                return ast.Name(ast.unparse(function).rpartition(".")[2], ast.Load())
            case _:
                return node


def without_verbs(test: ast.expr) -> ast.expr:
    """A test with each verb in it as a name."""
    plain = _Plain().visit(ast.parse(ast.unparse(test), mode="eval"))
    assert isinstance(plain, ast.Expression)
    return plain.body
