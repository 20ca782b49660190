"""The built-in flow of last resort: a question that started no other flow is answered from the documents."""

from __future__ import annotations

from flows.chat import Chat
from flows.flow import Flow
from flows.menu import menu

NAME = "answer"
ASKED_BACK = "repair_question"


def answering_flow() -> Flow:
    """A default flow: an answer from the documents, or what the bot can do."""
    flow = Flow(NAME, description="Answers questions from the documents", default=True)

    @flow
    async def answer_question(chat: Chat) -> None:
        bot = chat.run.exchange.bot
        if await chat.answer():
            return
        if any(other is not bot.default and not other.repairs for other in bot.registry.all()):
            chat.run.exchange.say(menu(bot, understood=False))
        else:
            await chat.say(bot.texts.nothing_found)

    return flow


def asked_back_flow() -> Flow:
    """What a question in the middle of another flow is answered by, where the documents tell."""
    flow = Flow(ASKED_BACK, description="Answers a question in the middle of another flow")
    flow.needs_passages = True

    @flow
    async def answer_in_between(chat: Chat) -> None:
        await chat.answer()

    return flow
