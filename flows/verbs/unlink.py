"""`unlink`: the person's chats are parted again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flows.stage import Stage
from flows.verbs.ask import ask
from flows.vocabulary import Choice, Reply

_ALL = "all"


async def unlink(chat: Stage) -> int:
    """Show the chats that this one is linked with, and part the one that the person chooses, or all.

    Returns how many were parted: 0 where there is none, or the person says no. Parting a self ends all its links,
    so that whoever was linked through it alone is parted as well. What each remembers stays with it.
    """
    run = chat.run
    run.begin("unlink")
    texts = run.exchange.bot.texts
    others = await _others(chat)
    if not others:
        return 0
    who = others[0]["user"]
    if len(others) > 1:
        choices = [Choice(other["name"], other["user"]) for other in others]
        asked = [*choices, Choice(texts.unlink_all, _ALL)]
        who = await ask(chat, "unlink_who", texts.unlink_who, choices=asked, otherwise=None)
        if who is None:
            return 0
    chosen = [other for other in others if who in (_ALL, other["user"])]
    yes_or_no = [Choice(texts.unlink_yes, True), Choice(texts.unlink_no, False)]
    names = ", ".join(other["name"] for other in chosen)
    sure = texts.unlink_sure.format(name=names)
    if not await ask(chat, "unlink_sure", sure, bool, choices=yes_or_no, otherwise=False):
        return 0
    key = chat.key("parted")
    path = chat.scope + key
    if run.find(path, "parted") is None:
        run.open(path)
        parted = [chat.session.user_id] if who == _ALL else [UUID(other["user"]) for other in chosen]
        run.exchange.parted += parted
        chat.record(key, "parted", len(chosen), final=True)
    return len(chosen)


async def _others(chat: Stage) -> list[dict[str, Any]]:
    """The selves as they were when they were shown: `user` and `name`."""
    run = chat.run
    key = chat.key("unlink")
    path = chat.scope + key
    row = run.find(path, "unlink")
    if row is None:
        run.open(path)
        selves = await run.port(run.exchange.port(run.exchange.services.selves.of(chat.session)))
        if not selves:
            run.exchange.say(Reply(run.exchange.bot.texts.unlink_none))
        found = [{"user": str(each.user_id), "name": f"{each.place} ({each.called})"} for each in selves]
        chat.record(key, "unlink", found)
        row = run.frame.rows[path]
    others: list[dict[str, Any]] = run.value(row)
    return others
