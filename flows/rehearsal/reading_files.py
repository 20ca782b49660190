"""Read which files a person sends in a conversation test."""

from __future__ import annotations

from pathlib import PurePath
from uuid import UUID

from flows.rehearsal.script import Sending
from flows.rehearsal.yaml_nodes import Node
from storage.file_types import TYPES
from storage.records import UploadedFile

SIZE = 10_000


def sent(node: Node) -> Sending:
    """`{file, type, size, text}` or `{files: [{file, type, size}, …], text}`. Raises ScriptMistake."""
    parts = node.keys("file", "files", "type", "size", "text", what="what is sent")
    if ("file" in parts) == ("files" in parts):
        raise node.wrong("what is sent has a `file:`, or several `files:`")
    if "files" in parts:
        if "type" in parts or "size" in parts:
            raise node.wrong("`type:` and `size:` stand with each of the files")
        files = tuple(
            _file(each, each.keys("file", "type", "size", what="a file"))
            for each in parts["files"].items("`files:`")
        )
    else:
        files = (_file(node, parts),)
    if not files:
        raise node.wrong("name at least one file")
    return Sending(node.line, files, parts["text"].text("a text") if "text" in parts else "")


def _file(node: Node, parts: dict[str, Node]) -> UploadedFile:
    if "file" not in parts:
        raise node.wrong("a file needs its name, `file:`")
    name = parts["file"].text("a file's name")
    size = parts["size"].value() if "size" in parts else SIZE
    if type(size) is not int or size < 1:
        raise parts["size"].wrong("a size is a number of bytes, 1 or more")
    if "type" in parts:
        kind = parts["type"].text("a type")
        if kind not in TYPES:
            raise parts["type"].wrong(f"no file of type {kind!r} is taken; there are {', '.join(TYPES)}")
        return UploadedFile(UUID(int=0), name, kind, size)
    found = type_of(name)
    if found is None:
        raise node.wrong(f"the name {name!r} does not tell the file's type: add `type:`")
    return UploadedFile(UUID(int=0), name, found, size)


def type_of(name: str) -> str | None:
    """The type that a name's ending stands for, if files of it are taken."""
    ending = PurePath(name).suffix.lower()
    return next((each.name for each in TYPES.values() if ending in each.endings), None)
