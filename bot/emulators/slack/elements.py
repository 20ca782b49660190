"""What Block Kit allows of the elements inside blocks.

https://docs.slack.dev/reference/block-kit/block-elements
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Problems = Iterator[tuple[str, str]]
_BOTH = ("plain_text", "mrkdwn")


def some_text(value: Any, at: str, most: int | None, kinds: tuple[str, ...] = _BOTH) -> Problems:
    """A text object of one of these kinds, or with ("string",) a plain string, of 1 to `most` characters."""
    if value is None:
        yield at.rpartition("/")[0], f"missing required field: {at.rpartition('/')[2]}"
        return
    if kinds == ("string",):
        text = value
    elif isinstance(value, Mapping) and value.get("type") in kinds:
        text = value.get("text")
        at = f"{at}/text"
    else:
        yield at, f"must be a {' or '.join(kinds)} text object"
        return
    if not isinstance(text, str):
        yield at, "must be a string"
    elif not text:
        yield at, "must be more than 0 characters"
    elif most is not None and len(text) > most:
        yield at, f"must be less than {most + 1} characters"


def an_element(element: Any, at: str, kinds: frozenset[str]) -> Problems:
    """One element, of one of these kinds."""
    if not isinstance(element, Mapping) or element.get("type") not in kinds:
        kind = element.get("type") if isinstance(element, Mapping) else element
        yield f"{at}/type", f"unsupported type: {kind}"
        return
    kind = element["type"]
    if kind == "image":
        yield from some_text(element.get("image_url"), f"{at}/image_url", 3000, ("string",))
        yield from some_text(element.get("alt_text"), f"{at}/alt_text", 2000, ("string",))
        return
    if element.get("action_id") is not None:
        yield from some_text(element["action_id"], f"{at}/action_id", 255, ("string",))
    match kind:
        case "button" | "workflow_button":
            yield from _button(element, at)
        case "icon_button":
            yield from some_text(element.get("icon"), f"{at}/icon", 75, ("string",))
            yield from some_text(element.get("text"), f"{at}/text", 75, ("plain_text",))
        case "feedback_buttons":
            for which in ("positive_button", "negative_button"):
                button = element.get(which)
                if not isinstance(button, Mapping):
                    yield at, f"missing required field: {which}"
                    continue
                yield from some_text(button.get("text"), f"{at}/{which}/text", 75, ("plain_text",))
                yield from some_text(button.get("value"), f"{at}/{which}/value", 2000, ("string",))
        case "overflow":
            yield from options(element.get("options"), f"{at}/options", 5)
        case "checkboxes" | "radio_buttons":
            yield from options(element.get("options"), f"{at}/options", 10, _BOTH)
        case "static_select" | "multi_static_select":
            yield from _select(element, at)
    if element.get("placeholder") is not None:
        yield from some_text(element["placeholder"], f"{at}/placeholder", 150, ("plain_text",))


def options(listed: Any, at: str, most: int, kinds: tuple[str, ...] = ("plain_text",)) -> Problems:
    """The options of a menu."""
    if not isinstance(listed, list) or not listed:
        yield at.rpartition("/")[0], f"missing required field: {at.rpartition('/')[2]}"
        return
    if len(listed) > most:
        yield at, f"no more than {most} items allowed"
    for number, option in enumerate(listed):
        where = f"{at}/{number}"
        if not isinstance(option, Mapping):
            yield where, "must be an object"
            continue
        yield from some_text(option.get("text"), f"{where}/text", 75, kinds)
        yield from some_text(option.get("value"), f"{where}/value", 150, ("string",))
        if option.get("description") is not None:
            yield from some_text(option["description"], f"{where}/description", 75, kinds)


def _button(element: Mapping[str, Any], at: str) -> Problems:
    yield from some_text(element.get("text"), f"{at}/text", 75, ("plain_text",))
    if element.get("value") is not None:
        yield from some_text(element["value"], f"{at}/value", 2000, ("string",))
    if element.get("url") is not None:
        yield from some_text(element["url"], f"{at}/url", 3000, ("string",))
    if element.get("style") not in (None, "primary", "danger"):
        yield f"{at}/style", "must be primary or danger"


def _select(element: Mapping[str, Any], at: str) -> Problems:
    groups = element.get("option_groups")
    if groups is None:
        yield from options(element.get("options"), f"{at}/options", 100)
        return
    if element.get("options") is not None:
        yield at, "options and option_groups cannot both be there"
    if not isinstance(groups, list) or not 1 <= len(groups) <= 100:
        yield f"{at}/option_groups", "no more than 100 items allowed"
        return
    for number, group in enumerate(groups):
        where = f"{at}/option_groups/{number}"
        if not isinstance(group, Mapping):
            yield where, "must be an object"
            continue
        yield from some_text(group.get("label"), f"{where}/label", 75, ("plain_text",))
        yield from options(group.get("options"), f"{where}/options", 100)
