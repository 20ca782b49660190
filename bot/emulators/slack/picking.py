"""What a person does with an interactive element, as Slack words it.

https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.emulators.slack.records import Json
from bot.emulators.slack.refusals import Refused
from bot.emulators.slack.wire import plain

# What stands in the payload of an element that takes one value.
_SINGLE = {
    "plain_text_input": "value",
    "email_text_input": "value",
    "url_text_input": "value",
    "number_input": "value",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
    "users_select": "selected_user",
    "channels_select": "selected_channel",
    "conversations_select": "selected_conversation",
}
_ONE_OPTION = ("static_select", "external_select", "overflow", "radio_buttons")
_OPTIONS = ("multi_static_select", "multi_external_select", "checkboxes")


@dataclass(frozen=True, slots=True)
class Element:
    """An interactive element and the block it stands in."""

    block_id: str
    body: Mapping[str, Any]

    @property
    def action_id(self) -> str:
        return str(self.body.get("action_id", ""))

    @property
    def kind(self) -> str:
        return str(self.body["type"])


def elements_of(blocks: Sequence[Mapping[str, Any]]) -> Iterator[Element]:
    """The interactive elements of some blocks, from top to bottom."""
    for block in blocks:
        listed = [*(block.get("elements") or ()), block.get("accessory"), block.get("element")]
        for body in listed:
            if isinstance(body, Mapping) and body.get("action_id"):
                yield Element(str(block.get("block_id", "")), body)


def find(blocks: Sequence[Mapping[str, Any]], named: str) -> Element:
    """The element with this `action_id` or label. Raises Refused where there is none."""
    elements = list(elements_of(blocks))
    for element in elements:
        if named in (element.action_id, plain(element.body.get("text"))):
            return element
    raise Refused("no_such_element", f"{named} is none of {[each.action_id for each in elements]}")


def picked(element: Element, choice: Any = None) -> Json:
    """The fields that say what was chosen: an option by its text or value, a value, or which feedback button.

    Raises Refused where it cannot be chosen.
    """
    body = element.body
    match element.kind:
        case "button" | "icon_button" | "workflow_button":
            return {name: body[name] for name in ("text", "value", "icon") if name in body}
        case "feedback_buttons":
            which = body["positive_button" if choice else "negative_button"]
            return {"value": which["value"], "text": which["text"]}
        case kind if kind in _SINGLE:
            return {_SINGLE[kind]: choice}
        case kind if kind in _ONE_OPTION:
            return {"selected_option": None if choice is None else _option(body, choice)}
        case kind if kind in _OPTIONS:
            return {"selected_options": [_option(body, each) for each in choice or ()]}
    raise Refused("no_such_element", f"nobody can choose in a {element.kind}")


def state_of(blocks: Sequence[Mapping[str, Any]], chosen: Mapping[str, Any]) -> Json:
    """The values of all elements that keep one, by block and action. `chosen` are choices by `action_id`."""
    values: dict[str, dict[str, Any]] = {}
    for element in elements_of(blocks):
        if element.kind in (*_SINGLE, *_ONE_OPTION, *_OPTIONS) and element.kind != "overflow":
            kept = _initial(element)
            if element.action_id in chosen or element.block_id in chosen:
                choice = chosen.get(element.action_id, chosen.get(element.block_id))
                kept = picked(element, choice)
            values.setdefault(element.block_id, {})[element.action_id] = {"type": element.kind, **kept}
    return values


def _initial(element: Element) -> Json:
    """What stands in an element before anybody touches it."""
    body = element.body
    if element.kind in _ONE_OPTION:
        return {"selected_option": body.get("initial_option")}
    if element.kind in _OPTIONS:
        return {"selected_options": list(body.get("initial_options", ()))}
    name = _SINGLE[element.kind]
    return {name: body.get(name.replace("selected", "initial") if name != "value" else "initial_value")}


def _option(body: Mapping[str, Any], choice: Any) -> Any:
    groups = body.get("option_groups") or ({"options": body.get("options", ())},)
    for group in groups:
        for option in group["options"]:
            if choice in (option.get("value"), plain(option.get("text"))):
                return option
    raise Refused("no_such_option", str(choice))
