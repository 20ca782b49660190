"""Buttons, menus and modals: whose question it was decides, and a press counts once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import structlog

from adapters.slack.asides import Asides
from adapters.slack.errands import Errands
from adapters.slack.events import Pressed, Submitted
from adapters.slack.inbound import dedupe_keys, external_id, thread_key, to_inbound
from adapters.slack.marks import is_digest, payload_of
from adapters.slack.message import Message
from adapters.slack.people import People
from adapters.slack.ports import Conversations
from adapters.slack.untrusted import Given, entries, record, text
from adapters.slack.words import Words
from storage.records import Accepted, Channel, EntryKind, Inbound, Json, Sighting
from storage.slack_messages import ShownMessage

log = structlog.get_logger("parley.slack")

# Takes the choices of a message away: (channel, Slack's channel, its ts, the message, what was chosen).
Retire: TypeAlias = Callable[[Channel, str, str, Message, str | None], Coroutine[Any, Any, object]]

# Whoever is very quick presses before we have written down which message of ours it is.
LOOK_AGAIN_S = (0.2, 0.5)
_LONGEST_TEXT = 40_000


class Presses:
    """Takes presses and submitted forms."""

    def __init__(
        self,
        conversations: Conversations,
        asides: Asides,
        people: People,
        errands: Errands,
        retire: Retire,
        words: Words,
        *,
        look_again_s: Sequence[float] = LOOK_AGAIN_S,
    ) -> None:
        self._conversations = conversations
        self._asides = asides
        self._people = people
        self._errands = errands
        self._retire = retire
        self._words = words
        self._look_again_s = look_again_s

    async def pressed(self, channel: Channel, pressed: Pressed, payload: Mapping[str, Any]) -> str:
        """One press; what became of it, in a word. Only the person who was asked can answer."""
        place, ts = pressed.place, pressed.message_ts
        if place is None or ts is None or pressed.value is None or not dedupe_keys(pressed):
            # In a view, which we do not open; on a message that we did not store; or a choice taken back.
            return "ignored"
        user = external_id(pressed.user, pressed.user_team, pressed.origin, channel)
        shown = await self._shown(channel, place.channel, ts)
        if shown is None:
            thread = thread_key(place, ts)
            is_theirs = await self._conversations.has_open(channel, thread, user)
        else:
            thread, is_theirs = shown.thread_key or thread_key(place, ts), shown.asked == user
        if not is_theirs:
            told = self._words.not_asked if shown is None else self._words.not_yours(shown.asked)
            self._errands.start("not_yours", self._asides.whisper(pressed.response_url, told))
            return "not_theirs"
        value = _values(pressed.value, shown)
        if value is None:
            return "ignored"
        self._people.ask(channel, pressed.user, pressed.user_team, pressed.origin)
        inbound = to_inbound(replace(pressed, value=value), channel, self._people.of(channel, pressed.user))
        accepted = await self._conversations.accept(replace(inbound, thread_key=thread, wants_reply=True))
        if isinstance(accepted, Accepted):
            message = _message_of(payload)
            self._errands.start(
                "retire",
                self._retire(channel, place.channel, ts, message, pressed.label or None),
            )
        return "accepted"

    async def submitted(self, channel: Channel, submitted: Submitted) -> str:
        """A form, for the session whose thread its private metadata names, if the person has it open."""
        thread = submitted.private
        user = external_id(submitted.user, submitted.user_team, submitted.origin, channel)
        if not thread or not await self._conversations.has_open(channel, thread, user):
            return "ignored"
        answers: dict[str, Json] = {
            f"{block}/{action}": [*value] if isinstance(value, tuple) else value
            for (block, action), value in submitted.answers.items()
        }
        payload: Json = {"form": submitted.callback_id, "answers": answers}
        inbound = Inbound(
            channel=channel,
            user=Sighting(user),
            dedupe_keys=dedupe_keys(submitted),
            content=submitted.callback_id,
            kind=EntryKind.ACTION,
            payload=payload,
            thread_key=thread,
            raw_payload={"view": submitted.view_id},
            wants_reply=True,
        )
        await self._conversations.accept(inbound)
        return "accepted"

    async def _shown(self, channel: Channel, place: str, ts: str) -> ShownMessage | None:
        for pause in (0.0, *self._look_again_s):
            await asyncio.sleep(pause)
            shown = await self._conversations.shown(channel, place, ts)
            if shown is not None:
                return shown
        return None


def _values(value: str | tuple[str, ...], shown: ShownMessage | None) -> str | tuple[str, ...] | None:
    """The payloads that were pressed; None where the message that they are short for is not known."""
    content = shown.content if shown is not None else None
    if isinstance(value, str):
        return payload_of(value, content) if is_digest(value) else value
    found = [payload_of(each, content) for each in value]
    whole = [each for each in found if each is not None]
    return tuple(whole) if len(whole) == len(found) else None


def _message_of(payload: Mapping[str, Any]) -> Message:
    """The message as it stands, from the payload of its press."""
    given: Given = record(payload, "message")
    blocks = (each for each in entries(given, "blocks") if isinstance(each, dict) and "type" in each)
    return Message(text(given, "text", _LONGEST_TEXT) or "…", tuple(blocks))
