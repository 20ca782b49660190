"""Graphs of flows in Mermaid's notation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from flows.drawing.graph import Graph, Node, Shape
from flows.rehearsal.standing import place_of

_BRACKETS = {
    Shape.START: ("([", "])"),
    Shape.ASK: ("(", ")"),
    Shape.WAIT: (">", "]"),
    Shape.CALL: ("[[", "]]"),
    Shape.ENTER: ("[/", "/]"),
    Shape.BRANCH: ("{", "}"),
    Shape.END: ("([", "])"),
}


def mermaid(graphs: Sequence[Graph], waiting: Mapping[tuple[str, str], int] | None = None) -> str:
    """A flowchart; `waiting` counts the sessions by flow and by where the record says that they wait."""
    counted = _counts(graphs, waiting or {})
    lines = ["flowchart TD"]
    for graph in graphs:
        if len(graphs) > 1:
            lines.append(f'  subgraph {graph.flow}_flow["{_escaped(graph.flow)}"]')
        lines += [f"  {_node(node, counted.get(node.id, 0))}" for node in graph.nodes]
        for edge in graph.edges:
            arrow = f'-->|"{_escaped(edge.label)}"|' if edge.label else "-->"
            lines.append(f"  {edge.source} {arrow} {edge.target}")
        if len(graphs) > 1:
            lines.append("  end")
    starts = {graph.flow: graph.nodes[0].id for graph in graphs}
    for node in (node for graph in graphs for node in graph.nodes):
        if node.leads_to in starts:
            lines.append(f"  {node.id} -.-> {starts[node.leads_to]}")
    if counted:
        lines.append("  classDef waiting stroke-width:3px")
        lines.append(f"  class {','.join(counted)} waiting")
    return "\n".join(lines)


def elsewhere(
    graphs: Sequence[Graph], waiting: Mapping[tuple[str, str], int]
) -> Iterator[tuple[str, str, int]]:
    """Flow, place and number of the sessions that wait where today's code of a drawn flow has no verb."""
    drawn = {graph.flow: graph for graph in graphs}
    for (flow, path), count in sorted(waiting.items()):
        if flow in drawn and _node_at(drawn[flow], path) is None:
            yield flow, place_of(path), count


def _counts(graphs: Sequence[Graph], waiting: Mapping[tuple[str, str], int]) -> dict[str, int]:
    """How many sessions wait at each node."""
    counted: dict[str, int] = {}
    drawn = {graph.flow: graph for graph in graphs}
    for (flow, path), count in waiting.items():
        node = _node_at(drawn[flow], path) if flow in drawn else None
        if node is not None:
            counted[node.id] = counted.get(node.id, 0) + count
    return counted


def _node_at(graph: Graph, path: str) -> Node | None:
    """The verb at which a session waits: itself, or the `enter` in whose flow it is; of equal names the first."""
    bare = "/".join(part.partition("#")[0] for part in path.split("/"))
    exact = [node for node in graph.nodes if node.place == bare]
    inside = [
        node
        for node in graph.nodes
        if node.place and node.place.endswith("/") and bare.startswith(node.place)
    ]
    return next(iter(exact or inside), None)


def _node(node: Node, waiting: int) -> str:
    opening, closing = _BRACKETS[node.shape]
    text = _escaped(node.text) + (f"<br/><b>{waiting} waiting</b>" if waiting else "")
    return f'{node.id}{opening}"{text}"{closing}'


def _escaped(text: str) -> str:
    """A label that Mermaid shows as it is."""
    for character, entity in (("&", "&amp;"), ('"', "#quot;"), ("<", "&lt;"), (">", "&gt;"), ("`", "#96;")):
        text = text.replace(character, entity)
    return text.replace("\n", "<br/>")
