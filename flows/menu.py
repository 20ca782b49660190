"""The built-in default: say what the bot can do."""

from __future__ import annotations

from flows.bot import Bot
from flows.vocabulary import Button, Reply


def menu(bot: Bot, *, understood: bool) -> Reply:
    """The bot's flows with what they do, as buttons that start them."""
    flows = [flow for flow in bot.registry.all() if flow is not bot.default]
    if not flows:
        return Reply(bot.texts.menu_empty)
    lines = [
        f"- {flow.title}: {flow.description}" if flow.description else f"- {flow.title}" for flow in flows
    ]
    lead = bot.texts.menu if understood else bot.texts.menu_unknown
    buttons = tuple(Button(flow.title, f"flow:{flow.name}") for flow in flows)
    return Reply("\n".join([lead, *lines]), buttons)
