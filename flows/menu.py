"""The built-in default: say what the bot can do."""

from __future__ import annotations

from collections.abc import Iterable

from flows.bot import Bot
from flows.flow import Flow
from flows.vocabulary import Button, Reply


def menu(bot: Bot, *, understood: bool) -> Reply:
    """The bot's flows with what they do, as buttons that start them."""
    flows = [flow for flow in bot.registry.all() if flow is not bot.default and flow.is_offered]
    if not flows:
        return Reply(bot.texts.menu_empty)
    lines = [
        f"- {flow.title}: {flow.description}" if flow.description else f"- {flow.title}" for flow in flows
    ]
    lead = bot.texts.menu if understood else bot.texts.menu_unknown
    return Reply("\n".join([lead, *lines]), starters(flows))


def starters(flows: Iterable[Flow]) -> tuple[Button, ...]:
    """Buttons that start flows."""
    return tuple(Button(flow.title, f"flow:{flow.name}") for flow in flows)
