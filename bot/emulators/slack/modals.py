"""Modals and Home tabs, and the triggers that open them.

https://docs.slack.dev/surfaces/modals
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.emulators.slack.blocks import problems_of
from bot.emulators.slack.default_ids import with_ids
from bot.emulators.slack.ids import Clock, Ids
from bot.emulators.slack.records import Installation, View
from bot.emulators.slack.refusals import Refused

TRIGGER_SECONDS = 3
MAX_STACK = 3


class Modals:
    """Keeps what is open for whom. `triggers` maps a trigger's id to its user and time; each opens one view."""

    def __init__(self, ids: Ids, clock: Clock) -> None:
        self._ids = ids
        self._clock = clock
        self._triggers: dict[str, tuple[str, float]] = {}
        self._used: set[str] = set()
        self._stacks: dict[str, list[View]] = {}
        self._homes: dict[tuple[str, str], View] = {}

    def trigger(self, user: str) -> str:
        """A trigger of something that a user did."""
        id_ = self._ids.trigger()
        self._triggers[id_] = user, self._clock()
        return id_

    def redeem(self, trigger_id: str | None) -> str:
        """Whose trigger it is. Raises Refused."""
        if trigger_id in self._used:
            raise Refused("exchanged_trigger_id")
        if trigger_id is None or trigger_id not in self._triggers:
            raise Refused("invalid_trigger_id")
        user, at = self._triggers[trigger_id]
        if self._clock() - at > TRIGGER_SECONDS:
            raise Refused("expired_trigger_id")
        self._used.add(trigger_id)
        return user

    def of(self, user: str) -> View | None:
        """The modal that a user has in front."""
        stack = self._stacks.get(user)
        return stack[-1] if stack else None

    def home_of(self, user: str, app_id: str) -> View | None:
        return self._homes.get((user, app_id))

    def open(self, user: str, team_id: str, installation: Installation, body: Mapping[str, Any]) -> View:
        """Open a modal in place of what was open."""
        check_view(body, ("modal",))
        view = self._new(user, team_id, installation, body)
        self._stacks[user] = [view]
        return view

    def push(self, user: str, team_id: str, installation: Installation, body: Mapping[str, Any]) -> View:
        """Put a modal on the one in front. Raises Refused."""
        check_view(body, ("modal",))
        stack = self._stacks.get(user, [])
        if not stack:
            raise Refused("not_found")
        if len(stack) >= MAX_STACK:
            raise Refused("push_limit_reached")
        view = replace(
            self._new(user, team_id, installation, body), root_id=stack[0].id, previous_id=stack[-1].id
        )
        stack.append(view)
        return view

    def publish(self, user: str, team_id: str, installation: Installation, body: Mapping[str, Any]) -> View:
        """Set a user's Home tab."""
        check_view(body, ("home",))
        old = self._homes.get((user, installation.app_id))
        view = self._new(user, team_id, installation, body)
        view = view if old is None else replace(view, id=old.id, root_id=old.id)
        self._homes[user, installation.app_id] = view
        return view

    def update(self, view: View, body: Mapping[str, Any]) -> View:
        """Show something else in an open view."""
        check_view(body, (view.kind,))
        return self._put(replace(view, body=_filled(body), hash=self._hash(), values={}))

    def enter(self, view: View, values: Mapping[str, Any]) -> View:
        """What the user has entered so far."""
        return self._put(replace(view, values={**view.values, **values}))

    def find(self, view_id: str | None, external_id: str | None) -> View:
        """An open view. Raises Refused."""
        for view in (*self._homes.values(), *(view for stack in self._stacks.values() for view in stack)):
            if view.id == view_id or (external_id and view.body.get("external_id") == external_id):
                return view
        raise Refused("not_found")

    def close(self, view: View, *, all_of_them: bool = False) -> None:
        """Take a modal away, and with it those on top of it."""
        stack = self._stacks.get(view.user, [])
        ids = [each.id for each in stack]
        del stack[0 if all_of_them else ids.index(view.id) :]

    def _new(self, user: str, team_id: str, installation: Installation, body: Mapping[str, Any]) -> View:
        id_ = self._ids.passing("V")
        return View(id_, team_id, user, installation, _filled(body), self._hash(), id_)

    def _put(self, view: View) -> View:
        if view.kind == "home":
            self._homes[view.user, view.installation.app_id] = view
        else:
            stack = self._stacks[view.user]
            stack[[each.id for each in stack].index(view.id)] = view
        return view

    def _hash(self) -> str:
        return f"{self._clock():.0f}.{self._ids.passing('h')[-8:]}"


def _filled(body: Mapping[str, Any]) -> dict[str, Any]:
    return {**body, "blocks": list(with_ids(body["blocks"]))}


def check_view(body: Mapping[str, Any], kinds: tuple[str, ...]) -> None:
    """What a view's JSON must have. Raises Refused."""
    kind = body.get("type")
    if kind not in kinds:
        raise Refused("invalid_arguments", f"must be {' or '.join(kinds)} [json-pointer:/view/type]")
    blocks = body.get("blocks")
    if not isinstance(blocks, list):
        raise Refused("invalid_arguments", "missing required field: blocks [json-pointer:/view]")
    problems = [each.replace("json-pointer:", "json-pointer:/view") for each in problems_of(blocks, kind)]
    if kind == "modal":
        for name in ("title", "submit", "close"):
            text = body.get(name)
            if text is None and name != "title":
                continue
            if not isinstance(text, Mapping) or not 1 <= len(str(text.get("text", ""))) <= 24:
                problems.append(f"must be a plain_text of 1 to 24 characters [json-pointer:/view/{name}]")
        if body.get("submit") is None and any(block.get("type") == "input" for block in blocks):
            problems.append("missing required field: submit [json-pointer:/view]")
    for name, most in (("private_metadata", 3000), ("callback_id", 255), ("external_id", 255)):
        if len(str(body.get(name) or "")) > most:
            problems.append(f"must be less than {most + 1} characters [json-pointer:/view/{name}]")
    if problems:
        raise Refused("invalid_arguments", *problems)
