"""What Block Kit allows. Slack names every fault with a JSON pointer, and so does this.

https://docs.slack.dev/reference/block-kit/blocks; where the page and slack_sdk's models differ, the page is right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from bot.emulators.slack.elements import Problems, an_element, some_text

Surface = Literal["message", "modal", "home"]

MAX_BLOCKS = {"message": 50, "modal": 100, "home": 100}
MAX_MARKDOWN = 12_000
_FENCED = re.compile(r"^(```|~~~).*?(?:^\1|\Z)", re.MULTILINE | re.DOTALL)
# The line below a table's head.
_RULE = re.compile(r"^ {0,3}\|?(?: *:?-+:? *\|)+(?: *:?-+:? *)?$", re.MULTILINE)
_EVERYWHERE = {
    *("section", "divider", "image", "actions", "context", "input", "header", "rich_text"),
    *("table", "alert", "card"),
}
_KNOWN = {
    "message": _EVERYWHERE
    | {"markdown", "file", "video", "context_actions", "task_card", "plan", "carousel"},
    "modal": _EVERYWHERE | {"video"},
    "home": _EVERYWHERE | {"video"},
}
_ACTIONS = frozenset(
    {
        *("button", "static_select", "multi_static_select", "external_select", "users_select"),
        *("conversations_select", "channels_select", "multi_users_select"),
        *("multi_conversations_select", "multi_channels_select", "multi_external_select"),
        *("overflow", "datepicker", "timepicker", "datetimepicker", "checkboxes"),
        *("radio_buttons", "workflow_button"),
    }
)
_INPUTS = (_ACTIONS - {"button", "overflow", "workflow_button"}) | {
    *("plain_text_input", "rich_text_input", "email_text_input", "url_text_input"),
    *("number_input", "file_input"),
}
_ACCESSORIES = _ACTIONS | {"image"}


def problems_of(blocks: Sequence[Any], surface: Surface = "message") -> list[str]:
    """What is wrong with these blocks, one sentence each; none where Slack takes them."""
    return [f"{said} [json-pointer:{where}]" for where, said in _all(blocks, surface)]


def tables_in(blocks: Sequence[Any]) -> int:
    """How many tables a message has. Those that Markdown makes count like `table` blocks."""
    count = 0
    for block in blocks:
        if isinstance(block, Mapping) and block.get("type") == "table":
            count += 1
        elif isinstance(block, Mapping) and block.get("type") == "markdown":
            outside = _FENCED.sub("", str(block.get("text", "")))
            count += len(_RULE.findall(outside))
    return count


def _all(blocks: Sequence[Any], surface: Surface) -> Problems:
    if len(blocks) > MAX_BLOCKS[surface]:
        yield "/blocks", f"no more than {MAX_BLOCKS[surface]} items allowed"
    seen: set[str] = set()
    markdown = 0
    for number, block in enumerate(blocks):
        at = f"/blocks/{number}"
        if not isinstance(block, Mapping):
            yield at, "must be an object"
            continue
        if block.get("type") not in _KNOWN[surface]:
            yield f"{at}/type", f"unsupported block: {block.get('type')}"
            continue
        yield from _block_id(block, at, seen)
        yield from _block(block, at)
        if block["type"] == "markdown" and isinstance(block.get("text"), str):
            markdown += len(block["text"])
    if markdown > MAX_MARKDOWN:
        yield "/blocks", f"markdown blocks must be less than {MAX_MARKDOWN + 1} characters together"


def _block_id(block: Mapping[str, Any], at: str, seen: set[str]) -> Problems:
    id_ = block.get("block_id")
    if id_ is None:
        return
    if not isinstance(id_, str) or len(id_) > 255:
        yield f"{at}/block_id", "must be less than 256 characters"
    elif id_ in seen:
        yield f"{at}/block_id", f"`block_id` already exists: {id_}"
    else:
        seen.add(id_)


def _block(block: Mapping[str, Any], at: str) -> Problems:
    match block["type"]:
        case "section":
            yield from _section(block, at)
        case "header":
            yield from some_text(block.get("text"), f"{at}/text", 150, ("plain_text",))
        case "markdown":
            yield from some_text(block.get("text"), f"{at}/text", MAX_MARKDOWN, ("string",))
        case "image":
            yield from _image(block, at)
        case "actions":
            yield from _elements(block, at, 25, _ACTIONS)
        case "context":
            yield from _context(block, at)
        case "context_actions":
            yield from _elements(block, at, 5, frozenset({"feedback_buttons", "icon_button"}))
        case "input":
            yield from some_text(block.get("label"), f"{at}/label", 2000, ("plain_text",))
            if block.get("hint") is not None:
                yield from some_text(block["hint"], f"{at}/hint", 2000, ("plain_text",))
            yield from an_element(block.get("element"), f"{at}/element", _INPUTS)
        case "table":
            yield from _table(block, at)


def _section(block: Mapping[str, Any], at: str) -> Problems:
    fields = block.get("fields")
    if block.get("text") is None and not fields:
        yield at, "missing required field: text"
    if block.get("text") is not None:
        yield from some_text(block["text"], f"{at}/text", 3000)
    if fields is not None:
        if not isinstance(fields, list) or not fields:
            yield f"{at}/fields", "must be a list with at least 1 item"
            return
        if len(fields) > 10:
            yield f"{at}/fields", "no more than 10 items allowed"
        for number, each in enumerate(fields):
            yield from some_text(each, f"{at}/fields/{number}", 2000)
    if block.get("accessory") is not None:
        yield from an_element(block["accessory"], f"{at}/accessory", _ACCESSORIES)


def _image(block: Mapping[str, Any], at: str) -> Problems:
    if not block.get("image_url") and not block.get("slack_file"):
        yield at, "missing required field: image_url"
    elif block.get("image_url") is not None:
        yield from some_text(block["image_url"], f"{at}/image_url", 3000, ("string",))
    yield from some_text(block.get("alt_text"), f"{at}/alt_text", 2000, ("string",))
    if block.get("title") is not None:
        yield from some_text(block["title"], f"{at}/title", 2000, ("plain_text",))


def _context(block: Mapping[str, Any], at: str) -> Problems:
    for where, element in _listed(block, at):
        if isinstance(element, Mapping) and element.get("type") == "image":
            yield from an_element(element, where, frozenset({"image"}))
        else:
            yield from some_text(element, where, 3000)
    if len(block.get("elements") or ()) > 10:
        yield f"{at}/elements", "no more than 10 items allowed"


def _elements(block: Mapping[str, Any], at: str, most: int, kinds: frozenset[str]) -> Problems:
    """The interactive elements of a block: their `action_id`s differ."""
    elements = list(_listed(block, at))
    if not elements:
        yield f"{at}/elements", "no fewer than 1 items required"
    if len(elements) > most:
        yield f"{at}/elements", f"no more than {most} items allowed"
    seen: set[str] = set()
    for where, element in elements:
        yield from an_element(element, where, kinds)
        action_id = element.get("action_id") if isinstance(element, Mapping) else None
        if isinstance(action_id, str):
            if action_id in seen:
                yield f"{where}/action_id", f"`action_id` {action_id} already exists"
            seen.add(action_id)


def _table(block: Mapping[str, Any], at: str) -> Problems:
    rows = block.get("rows")
    if not isinstance(rows, list) or not rows:
        yield f"{at}/rows", "missing required field: rows"
        return
    if len(rows) > 100:
        yield f"{at}/rows", "no more than 100 items allowed"
    for number, row in enumerate(rows):
        where = f"{at}/rows/{number}"
        if not isinstance(row, list) or not row:
            yield where, "must be a list with at least 1 item"
            continue
        if len(row) > 20:
            yield where, "no more than 20 items allowed"
        for place, cell in enumerate(row):
            kind = cell.get("type") if isinstance(cell, Mapping) else None
            if kind == "raw_text":
                yield from some_text(cell.get("text"), f"{where}/{place}/text", None, ("string",))
            elif kind not in ("rich_text", "raw_number"):
                yield f"{where}/{place}", "must be a raw_text or rich_text cell"


def _listed(block: Mapping[str, Any], at: str) -> Iterator[tuple[str, Any]]:
    elements = block.get("elements")
    for number, element in enumerate(elements if isinstance(elements, list) else ()):
        yield f"{at}/elements/{number}", element
