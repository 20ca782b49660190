"""Choices as buttons, or as a menu where they are many; feedback buttons. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adapters.slack.elements import Item, Span
from adapters.slack.graphemes import cut
from adapters.slack.marks import (
    CHOICE_ACTION,
    CHOICES_BLOCK,
    FEEDBACK_ACTION,
    FEEDBACK_BLOCK,
    choice_value,
    rating,
)
from adapters.slack.mrkdwn import plain_text
from adapters.slack.packing import Part, Ready
from adapters.slack.words import Words

MOST_BUTTONS = 5
LONGEST_LABEL = 75
LONGEST_BUTTON_VALUE = 2_000
LONGEST_OPTION_VALUE = 150
_MOST_OPTIONS = 100
_MOST_GROUPS = 100


def choices_parts(choices: Sequence[tuple[str, str]], words: Words) -> list[Part]:
    """The choices, (label, payload) each: whole labels above where a button has no room for one, then the block.

    Beyond 10,000, which a menu of groups holds, choices are only listed: they can be typed.
    """
    if not choices:
        return []
    listed: list[Part] = []
    most = _MOST_GROUPS * _MOST_OPTIONS
    if len(choices) > most or any(len(label) > LONGEST_LABEL for label, _ in choices):
        listed = [Item((Span(label),), number=n) for n, (label, _) in enumerate(choices, start=1)]
    shown = "" if listed else " / ".join(label for label, _ in choices[:_MOST_OPTIONS])
    if len(choices) <= MOST_BUTTONS:
        elements = [_button(n, label, payload) for n, (label, payload) in enumerate(choices)]
    else:
        elements = [_menu(choices[:most], words)]
    block = {"type": "actions", "block_id": CHOICES_BLOCK, "elements": elements}
    return [
        *listed,
        Ready(block, shown, cost=sum(min(len(label), LONGEST_LABEL) for label, _ in choices[:25])),
    ]


def feedback_part(message_id: str, words: Words) -> Ready:
    """https://docs.slack.dev/reference/block-kit/block-elements/feedback-buttons-element"""
    buttons = {
        "type": "feedback_buttons",
        "action_id": FEEDBACK_ACTION,
        "positive_button": _thumb("👍", words.good, rating(message_id, 1)),
        "negative_button": _thumb("👎", words.bad, rating(message_id, -1)),
    }
    return Ready({"type": "context_actions", "block_id": FEEDBACK_BLOCK, "elements": [buttons]}, "")


def _thumb(shown: str, spoken: str, value: str) -> dict[str, Any]:
    return {"text": plain_text(shown), "value": value, "accessibility_label": cut(spoken, LONGEST_LABEL)}


def _button(position: int, label: str, payload: str) -> dict[str, Any]:
    return {
        "type": "button",
        "action_id": f"{CHOICE_ACTION}/{position}",
        "text": plain_text(cut(label, LONGEST_LABEL)),
        "value": choice_value(payload, LONGEST_BUTTON_VALUE),
    }


def _menu(choices: Sequence[tuple[str, str]], words: Words) -> dict[str, Any]:
    """One level up to 100 options, else groups of 100 named by their numbers."""
    options = [
        {
            "text": plain_text(cut(label, LONGEST_LABEL)),
            "value": choice_value(payload, LONGEST_OPTION_VALUE),
        }
        for label, payload in choices
    ]
    menu: dict[str, Any] = {
        "type": "static_select",
        "action_id": f"{CHOICE_ACTION}/menu",
        "placeholder": plain_text(cut(words.choose, LONGEST_LABEL)),
    }
    if len(options) <= _MOST_OPTIONS:
        return {**menu, "options": options}
    groups = []
    for start in range(0, len(options), _MOST_OPTIONS):
        group = options[start : start + _MOST_OPTIONS]
        groups.append({"label": plain_text(f"{start + 1}–{start + len(group)}"), "options": group})
    return {**menu, "option_groups": groups}
