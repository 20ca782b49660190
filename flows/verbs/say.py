"""`say`: tell the person something."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from flows import streaming
from flows.errors import FlowMistake
from flows.signals import Stopped
from flows.stage import Stage
from flows.vocabulary import Button, Card, Choice, File, Image, Reply, as_choices
from storage.records import ContentType


async def say(
    chat: Stage,
    text: str = "",
    *,
    choices: Sequence[str | Choice] = (),
    card: Card | None = None,
    image: Image | None = None,
    file: File | None = None,
    stream: AsyncIterator[str] | None = None,
    sensitive: bool = False,
) -> None:
    """Say a text, with choices, a card, an image or a file; or stream one as it is written.

    A choice of `say` is a suggestion: pressing it starts its `flow`, or sends its label as if typed.
    Silent while the run replays what the person has heard.
    """
    run = chat.run
    run.begin("say")
    if not run.speaking:
        await streaming.close(stream)
        return
    run.want(text)
    if stream is not None:
        await _stream(chat, stream, sensitive)
        return
    if not (text or choices or card or image or file):
        raise FlowMistake("say: there is nothing to say; give a text, choices, a card, an image or a file")
    buttons = tuple(_button(choice) for choice in as_choices(choices, "say"))
    run.exchange.say(Reply(text, buttons, card, image, file, sensitive=sensitive))


def _button(choice: Choice) -> Button:
    return Button(choice.label, f"flow:{choice.flow}" if choice.flow else f"text:{choice.label}")


async def _stream(chat: Stage, pieces: AsyncIterator[str], sensitive: bool) -> None:
    exchange = chat.run.exchange
    message = exchange.message("", ContentType.TEXT, sensitive)
    text, stopped = await streaming.stream(chat.run, message, pieces)
    exchange.fresh.append(replace(message, content=text))
    if stopped:
        raise chat.run.leave(Stopped())
