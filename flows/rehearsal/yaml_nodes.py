"""YAML with the lines where things stand, and nothing in it that nobody asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml

from flows.rehearsal.script import ScriptMistake


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """Plain YAML with `!decimal` and `!uuid`."""


_Loader.add_constructor("!decimal", lambda loader, node: Decimal(loader.construct_scalar(node)))
_Loader.add_constructor("!uuid", lambda loader, node: UUID(loader.construct_scalar(node)))
_Composer = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Node:
    """One place in a file. Its methods raise ScriptMistake, naming file and line."""

    path: Path
    node: Any

    @property
    def line(self) -> int:
        return int(self.node.start_mark.line) + 1

    @property
    def is_mapping(self) -> bool:
        return isinstance(self.node, yaml.MappingNode)

    @property
    def is_list(self) -> bool:
        return isinstance(self.node, yaml.SequenceNode)

    @property
    def is_nothing(self) -> bool:
        return isinstance(self.node, yaml.ScalarNode) and self.node.tag == "tag:yaml.org,2002:null"

    def wrong(self, text: str) -> ScriptMistake:
        """What to raise about this place."""
        return ScriptMistake(f"{self.path}:{self.line}: {text}")

    def keys(self, *known: str, what: str) -> dict[str, Node]:
        """A mapping's values by key; a key that is not known, or stands there twice, is refused."""
        found: dict[str, Node] = {}
        for key, value in self.pairs(what):
            if key.text("a key") not in known:
                raise key.wrong(f"{what} has no {key.node.value!r}; it has {', '.join(known)}")
            if key.node.value in found:
                raise key.wrong(f"{key.node.value!r} stands here twice")
            found[key.node.value] = value
        return found

    def pairs(self, what: str) -> Iterator[tuple[Node, Node]]:
        if not self.is_mapping:
            raise self.wrong(f"{what} is written as `key: value`")
        for key, value in self.node.value:
            yield Node(self.path, key), Node(self.path, value)

    def items(self, what: str) -> list[Node]:
        if not self.is_list:
            raise self.wrong(f"{what} is a list")
        return [Node(self.path, item) for item in self.node.value]

    def text(self, what: str) -> str:
        """The text as it is written: `yes` and `2` are texts too."""
        if not isinstance(self.node, yaml.ScalarNode):
            raise self.wrong(f"{what} is a text; put it in quotes")
        return str(self.node.value)

    def value(self) -> Any:
        """A value as a flow gets it: JSON, dates, `!decimal 1.50`, `!uuid …`."""
        loader = _Loader("")
        try:
            return loader.construct_object(self.node, deep=True)
        except (yaml.YAMLError, InvalidOperation, ValueError) as error:
            raise self.wrong(f"this value cannot be read: {' '.join(str(error).split())}") from None
        finally:
            loader.dispose()


def documents(path: Path) -> list[Node]:
    """The documents of a file, which `---` separates. Raises ScriptMistake."""
    try:
        return parse(path.read_text(encoding="utf-8"), path)
    except OSError as error:
        raise ScriptMistake(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ScriptMistake(f"{path} cannot be read: it is not UTF-8") from None


def parse(text: str, path: Path) -> list[Node]:
    """The documents of a text. Raises ScriptMistake."""
    try:
        found = list(yaml.compose_all(text, Loader=_Composer))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or " ".join(str(error).split())
        raise ScriptMistake(
            f"{path}{line}: this is not YAML: {problem}; texts with a colon belong in quotes"
        ) from None
    return [Node(path, node) for node in found if node is not None]
