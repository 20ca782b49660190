"""A flow as nodes and edges."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Shape(StrEnum):
    """What a node stands for."""

    START = "start"
    ASK = "ask"
    WAIT = "wait"
    CALL = "call"
    ENTER = "enter"
    BRANCH = "branch"
    END = "end"


@dataclass(frozen=True, slots=True)
class Node:
    """`place` is where the record says that a session waits here, `#k` left out; None where none can."""

    id: str
    shape: Shape
    text: str
    place: str | None = None
    leads_to: str | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    source: str
    target: str
    label: str = ""


@dataclass(slots=True)
class Graph:
    """One flow; the first node is its start."""

    flow: str
    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)

    def add(self, shape: Shape, text: str, *, place: str | None = None, leads_to: str | None = None) -> Node:
        node = Node(f"{self.flow}_{len(self.nodes)}", shape, text, place, leads_to)
        self.nodes.append(node)
        return node

    def join(self, source: str, target: str, label: str = "") -> None:
        edge = Edge(source, target, label)
        if edge not in self.edges:
            self.edges.append(edge)
