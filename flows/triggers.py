"""What starts a flow: an exact phrase, a command, a pattern."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from flows.errors import FlowMistake
from flows.flow import Flow


def normalise(text: str) -> str:
    """The text without case, punctuation and doubled spaces: "What's my  BALANCE?" is "whats my balance".

    A leading slash stays, since it makes a command.
    """
    folded = unicodedata.normalize("NFKC", text).casefold().strip()
    kept = "".join(
        " " if character.isspace() or character in "-_" else character
        for character in folded
        if character.isalnum()
        or character.isspace()
        or unicodedata.category(character)[0] not in "PC"
        or character in "-_"
    )
    words = " ".join(kept.split())
    return "/" + words if folded.startswith("/") else words


class Triggers:
    """The triggers of a bot's flows, looked up without a model."""

    def __init__(self, flows: Iterable[Flow]) -> None:
        self._phrases: dict[str, Flow] = {}
        self._commands: dict[str, Flow] = {}
        self._patterned: list[Flow] = []
        for flow in flows:
            for phrase in flow.phrases:
                self._claim(self._phrases, normalise(phrase), flow, f"the phrase {phrase!r}")
            if flow.command is not None:
                self._claim(self._commands, _command(flow.command), flow, f"the command {flow.command!r}")
            if flow.patterns:
                self._patterned.append(flow)

    def exact(self, text: str) -> Flow | None:
        """The flow whose phrase or command is the whole text."""
        whole = normalise(text)
        return self._phrases.get(whole) or self._commands.get(whole)

    def match(self, text: str) -> Flow | None:
        """The flow that the text starts: by command, phrase, then pattern in the order of registration."""
        words = text.split(maxsplit=1)
        if not words:  # a file without a word, which a pattern may match
            return None
        if (flow := self._commands.get(normalise(words[0]))) and words[0].startswith("/"):
            return flow
        if flow := self.exact(text):
            return flow
        return next(
            (flow for flow in self._patterned if any(pattern.search(text) for pattern in flow.patterns)), None
        )

    @staticmethod
    def _claim(table: dict[str, Flow], key: str, flow: Flow, what: str) -> None:
        if not key.strip("/"):
            raise FlowMistake(f"flow {flow.name!r}: {what} has no letters or digits")
        other = table.setdefault(key, flow)
        if other is not flow:
            raise FlowMistake(f"flows {other.name!r} and {flow.name!r} both answer to {what}")


def _command(text: str) -> str:
    word = normalise(text)
    return word if word.startswith("/") else "/" + word
