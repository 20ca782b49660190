"""A call's arguments: from JSON, a form or the query, as Slack takes them.

https://docs.slack.dev/apis/web-api/#basics
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bot.emulators.slack.refusals import Refused

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class Arguments:
    """The arguments by name; structured ones may come as JSON in a string."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.given = dict(given)

    def __contains__(self, name: str) -> bool:
        return self.given.get(name) is not None

    def needed(self, name: str) -> str:
        """A text that must be there. Raises Refused."""
        value = self.text(name)
        if not value:
            raise Refused("invalid_arguments", f"missing required field: {name}")
        return value

    def text(self, name: str) -> str | None:
        value = self.given.get(name)
        if isinstance(value, (dict, list)):
            raise Refused("invalid_arguments", f"must be a string [json-pointer:/{name}]")
        return None if value is None else str(value)

    def flag(self, name: str) -> bool:
        return self.given.get(name) in (True, 1, "1", "true", "True")

    def number(self, name: str, default: int) -> int:
        """A whole number. Raises Refused."""
        value = self.given.get(name)
        try:
            return default if value in (None, "") else int(str(value))
        except ValueError:
            raise Refused("invalid_arguments", f"must be an integer [json-pointer:/{name}]") from None

    def listed(self, name: str, error: str = "invalid_arguments") -> list[Any] | None:
        """A list. Raises Refused with `error`."""
        value = self._structured(name, error)
        if value is not None and not isinstance(value, list):
            raise Refused(error, f"must be an array [json-pointer:/{name}]")
        return value

    def mapping(self, name: str, error: str = "invalid_arguments") -> dict[str, Any] | None:
        """An object. Raises Refused with `error`."""
        value = self._structured(name, error)
        if value is not None and not isinstance(value, dict):
            raise Refused(error, f"must be an object [json-pointer:/{name}]")
        return value

    def _structured(self, name: str, error: str) -> Any:
        value = self.given.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise Refused(error, f"invalid JSON [json-pointer:/{name}]") from None


async def read(request: web.Request) -> tuple[str | None, Arguments]:
    """A request's token and arguments. A token in a JSON body counts for nothing. Raises Refused."""
    given: dict[str, Any] = dict(request.query)
    raw = await request.read()
    if request.content_type == "application/json":
        try:
            body = json.loads(raw or b"{}")
        except ValueError:
            raise Refused("invalid_json") from None
        if not isinstance(body, dict):
            raise Refused("json_not_object")
        body.pop("token", None)
        given |= body
    elif raw and request.content_type not in _FORMS:
        raise Refused("invalid_post_type")
    else:
        form = await request.post()
        given |= {name: value for name, value in form.items() if isinstance(value, str)}
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    sent = given.pop("token", None)
    return (bearer.strip() if scheme.lower() == "bearer" else sent), Arguments(given)
