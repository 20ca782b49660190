"""Gives blocks and elements the ids that an app left out, as Slack does."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from bot.emulators.slack.records import Json


def with_ids(blocks: Iterable[Mapping[str, Any]]) -> tuple[Json, ...]:
    """The blocks with a `block_id` each, and an `action_id` for everything that can be pressed or filled in."""
    return tuple(_block(block) for block in blocks)


def _block(block: Mapping[str, Any]) -> Json:
    filled: Json = {**block, "block_id": block.get("block_id") or _new()}
    if block["type"] in ("actions", "context_actions"):
        filled["elements"] = [_element(element) for element in block["elements"]]
    for place in ("accessory", "element"):
        if isinstance(block.get(place), Mapping):
            filled[place] = _element(block[place])
    return filled


def _element(element: Mapping[str, Any]) -> Json:
    if element.get("type") == "image":
        return dict(element)
    return {**element, "action_id": element.get("action_id") or _new()}


def _new() -> str:
    return secrets.token_urlsafe(4)[:5]
