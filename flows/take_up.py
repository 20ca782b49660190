"""The question whether to go on here with a flow that waits in another chat of the same person: a built-in flow."""

from __future__ import annotations

from typing import Any

from flows.flow import Flow
from flows.signals import Elsewhere
from flows.vocabulary import Choice

TAKE_UP = Flow("take_up_elsewhere")


@TAKE_UP
async def ask_where_to_go_on(
    chat: Any, session: str = "", title: str = "", place: str = "", since: str = "", flow: str = ""
) -> None:
    """`session` is where it waits; `flow` begins here if the answer is no, none where the person said "continue".

    `chat` is a `Chat`, which cannot be named here: it is made of verbs that know a bot, and a bot knows this flow.
    """
    if not session:  # "start over" after "continue": there is nothing to start
        return
    texts = chat.run.exchange.bot.texts
    go_on = await chat.ask(
        "take_up",
        texts.take_up.format(flow=title, place=place, since=since),
        bool,
        choices=[
            Choice(texts.take_up_yes, True),
            Choice(texts.take_up_anew if flow else texts.take_up_no, False),
        ],
    )
    raise chat.run.leave(Elsewhere(session if go_on else None, flow))
