"""Follow a flow's code from its first line to its ends, drawing the verbs on the way."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flows.drawing.code import definition_of, without_verbs
from flows.drawing.graph import Graph, Node, Shape
from flows.drawing.verbs import calls_in, matters, text_of, verb_of
from flows.flow import Flow

# Ends of what is drawn so far: a node, and the label of the edge that leaves it.
Tails = list[tuple[str, str]]


def trace(flow: Flow) -> Graph:
    """The graph of a flow, with its `unverified` branch. Raises FlowMistake where its code cannot be read."""
    graph = Graph(flow.name)
    start = graph.add(Shape.START, flow.name)
    tracer = _Tracer(graph)
    tails = tracer.function(flow.script, 0, [(start.id, "")], "")
    if flow.unverified_branch is not None and tracer.codes:
        tails += tracer.function(
            flow.unverified_branch, 0, [(code, "not verified") for code in tracer.codes], "unverified/"
        )
    tracer.finish(tails)
    return graph


class _Tracer:
    """Draws into a graph. `codes` are the nodes at which a person is verified."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.codes: list[str] = []
        self._end: Node | None = None
        self._inside: list[Callable[..., Any]] = []
        self._loops: list[tuple[str, Tails]] = []
        self._chat = ""
        self._scope = ""
        self._names: Mapping[str, Any] = {}

    def function(self, function: Callable[..., Any], place: int, tails: Tails, scope: str) -> Tails:
        """Draw a function that gets the chat as its argument at `place`; where it returns, the tails go on."""
        function = inspect.unwrap(function)
        definition = definition_of(function)
        arguments = [*definition.args.posonlyargs, *definition.args.args]
        if place >= len(arguments) or function in self._inside:
            return tails
        kept = self._chat, self._scope, self._names, self._loops
        self._chat, self._scope, self._loops = arguments[place].arg, scope, []
        self._names = getattr(function, "__globals__", {})
        self._inside.append(function)
        returns: Tails | None = [] if len(self._inside) > 1 else None
        tails = self._block(definition.body, tails, returns)
        self._inside.pop()
        self._chat, self._scope, self._names, self._loops = kept
        return tails + (returns or [])

    def finish(self, tails: Tails) -> None:
        """Lead what is open to the flow's end."""
        if tails and self._end is None:
            self._end = self.graph.add(Shape.END, "end")
        for source, label in tails:
            assert self._end is not None
            self.graph.join(source, self._end.id, label)

    def _block(self, body: Sequence[ast.stmt], tails: Tails, returns: Tails | None) -> Tails:
        for statement in body:
            if not tails:
                return []
            tails = self._statement(statement, tails, returns)
        return tails

    def _statement(self, statement: ast.stmt, tails: Tails, returns: Tails | None) -> Tails:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                return tails
            case ast.If(test, body, orelse):
                return self._if(test, body, orelse, tails, returns)
            case ast.For(target, _, body, orelse) | ast.AsyncFor(target, _, body, orelse):
                tails = self._verbs(statement.iter, tails)
                text = f"for {ast.unparse(target)} in {text_of(statement.iter)}"
                return self._loop(text, body, orelse, tails, returns, endless=False)
            case ast.While(test, body, orelse):
                endless = isinstance(test, ast.Constant) and bool(test.value)
                text = "again" if endless else f"while {text_of(test)}"
                return self._loop(text, body, orelse, tails, returns, endless=endless, test=test)
            case ast.Try() | ast.TryStar():
                return self._try(statement, tails, returns)
            case ast.With(items, body) | ast.AsyncWith(items, body):
                for item in items:
                    tails = self._verbs(item, tails)
                return self._block(body, tails, returns)
            case ast.Match(subject, cases):
                return self._match(subject, cases, tails, returns)
            case ast.Return() | ast.Raise():
                tails = self._verbs(statement, tails)
                if returns is not None and isinstance(statement, ast.Return):
                    returns += tails
                else:
                    self.finish(tails)
                return []
            case ast.Break() | ast.Continue() if self._loops:
                loop, leaving = self._loops[-1]
                if isinstance(statement, ast.Break):
                    leaving += tails
                else:
                    self._lead(tails, loop)
                return []
            case _:
                return self._verbs(statement, tails)

    def _if(
        self,
        test: ast.expr,
        body: list[ast.stmt],
        orelse: list[ast.stmt],
        tails: Tails,
        returns: Tails | None,
    ) -> Tails:
        tails = self._verbs(test, tails)
        if not tails or not matters([*body, *orelse], self._chat):
            return tails
        branch = self.graph.add(Shape.BRANCH, text_of(without_verbs(test)))
        self._lead(tails, branch.id)
        yes = self._block(body, [(branch.id, "yes")], returns)
        return yes + self._block(orelse, [(branch.id, "no")], returns)

    def _loop(
        self,
        text: str,
        body: list[ast.stmt],
        orelse: list[ast.stmt],
        tails: Tails,
        returns: Tails | None,
        *,
        endless: bool,
        test: ast.expr | None = None,
    ) -> Tails:
        asks_in_test = test is not None and any(True for call in calls_in(test) if self._is_drawn(call))
        if not tails or not (asks_in_test or matters(body, self._chat)):
            return tails
        loop = self.graph.add(Shape.BRANCH, text)
        self._lead(tails, loop.id)
        inside: Tails = [(loop.id, "" if endless else "each" if test is None else "yes")]
        leaving: Tails = []
        self._loops.append((loop.id, leaving))
        if test is not None:
            inside = self._verbs(test, inside)
        self._lead(self._block(body, inside, returns), loop.id)
        self._loops.pop()
        after: Tails = [] if endless else [(loop.id, "then" if test is None else "no")]
        return self._block(orelse, after, returns) + leaving

    def _try(self, statement: ast.Try | ast.TryStar, tails: Tails, returns: Tails | None) -> Tails:
        before = len(self.graph.nodes)
        through = self._block(statement.body, tails, returns)
        tried = [node for node in self.graph.nodes[before:] if node.shape not in (Shape.BRANCH, Shape.END)]
        through = self._block(statement.orelse, through, returns) if through else through
        for handler in statement.handlers:
            kind = text_of(handler.type) or "any error"
            fitting = [node for node in tried if _raises(node, kind)]
            through += self._block(handler.body, [(node.id, kind) for node in fitting], returns)
        return self._block(statement.finalbody, through, returns)

    def _match(
        self, subject: ast.expr, cases: list[ast.match_case], tails: Tails, returns: Tails | None
    ) -> Tails:
        tails = self._verbs(subject, tails)
        if not tails or not matters([line for case in cases for line in case.body], self._chat):
            return tails
        branch = self.graph.add(Shape.BRANCH, text_of(without_verbs(subject)))
        self._lead(tails, branch.id)
        after: Tails = []
        certain = False
        for case in cases:
            label = text_of(case.pattern) + (f" if {text_of(case.guard)}" if case.guard else "")
            certain |= (
                isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None and not case.guard
            )
            after += self._block(case.body, [(branch.id, "else" if label == "_" else label)], returns)
        return after if certain else [*after, (branch.id, "else")]

    def _verbs(self, node: ast.AST, tails: Tails) -> Tails:
        """Draw the verbs of an expression, one after another."""
        for call in calls_in(node):
            if not tails:
                return tails
            verb = verb_of(call, self._chat, self._names)
            if verb is None:
                tails = self._helped(call, tails)
                continue
            waits = verb.shape in (Shape.ASK, Shape.WAIT)
            leads_to = verb.other if verb.shape is Shape.ENTER else None
            place = self._scope + verb.name + ("" if waits else "/")
            drawn = self.graph.add(
                verb.shape, verb.text, place=place if waits or leads_to else None, leads_to=leads_to
            )
            self._lead(tails, drawn.id)
            if verb.verb == "verify_otp":
                self.codes.append(drawn.id)
            tails = [] if verb.verb in ("end", "continue_as") else [(drawn.id, "")]
        return tails

    def _helped(self, call: ast.Call, tails: Tails) -> Tails:
        """Draw a function that the flow hands its chat to, in the place where it is called."""
        for place, argument in enumerate(call.args):
            if (
                isinstance(argument, ast.Name)
                and argument.id == self._chat
                and isinstance(call.func, ast.Name)
            ):
                function = self._names.get(call.func.id)
                if inspect.iscoroutinefunction(function):
                    return self.function(function, place, tails, self._scope)
        return tails

    def _is_drawn(self, call: ast.Call) -> bool:
        return verb_of(call, self._chat, self._names) is not None

    def _lead(self, tails: Tails, target: str) -> None:
        for source, label in tails:
            self.graph.join(source, target, label)


def _raises(node: Node, kind: str) -> bool:
    """Whether a verb may raise what a handler catches: CallFailed of calls, Unanswered of asks."""
    if "CallFailed" in kind:
        return node.shape is Shape.CALL
    if "Unanswered" in kind:
        return node.shape is Shape.ASK
    return True
