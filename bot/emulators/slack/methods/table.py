"""All methods by name."""

from __future__ import annotations

from bot.emulators.slack.methods import agents, chat, conversations, files, people, streams, views

METHODS = {
    **chat.METHODS,
    **streams.METHODS,
    **conversations.METHODS,
    **people.METHODS,
    **files.METHODS,
    **views.METHODS,
    **agents.METHODS,
}
