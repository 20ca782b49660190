"""A question as it stands now, and what an answer to it is worth."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flows.errors import Rejected
from flows.input import Typed
from flows.texts import Texts
from flows.triggers import normalise
from flows.validators import Validator
from flows.vocabulary import Choice
from storage.records import UploadedFile


@dataclass(frozen=True, slots=True)
class Question:
    """One ask as it stands now."""

    key: str
    path: str
    prompt: str
    choices: tuple[Choice, ...]
    validator: Validator[Any] | None
    help: str | None
    retries: int
    sensitive: bool
    ephemeral: bool
    timeout: timedelta | None
    reminder: str | None

    @property
    def label(self) -> str:
        return self.validator.label if self.validator else "choice"

    @property
    def free_text(self) -> bool:
        return self.validator is not None and self.validator.free_text and not self.choices

    @property
    def shown(self) -> str:
        """The prompt, above the options that no button shows."""
        return f"{self.prompt}{self._options}"

    @property
    def hint(self) -> str:
        """What a wrong answer brings behind its reason."""
        if self.help:
            return f"{self.help}{self._options}"
        return "" if self.validator is None else self.shown

    @property
    def _options(self) -> str:
        if self.choices or self.validator is None:
            return ""
        return "".join(f"\n{number}. {option}" for number, option in enumerate(self.validator.options, 1))

    def may_swallow(self, text: str) -> bool:
        """Whether it could take a text that is meant for another flow, or corrects an answer, as its own answer."""
        validator = self.validator
        if validator is None or not (validator.free_text or validator.own):
            return False
        return self.choice_of(text) is None

    def choice_of(self, text: str) -> Choice | None:
        """The choice that a text names by its label, its number or another word for it."""
        words = normalise(text)
        for position, choice in enumerate(self.choices, 1):
            if words and words in {normalise(choice.label), str(position), *map(normalise, choice.also)}:
                return choice
        return None


async def heard(question: Question, given: Typed, texts: Texts) -> Any:
    """The value of what was sent: of files that fit the first, else of the text. Raises Rejected."""
    takes = question.validator.takes if question.validator else None
    if given.files and takes is not None:
        return _first_fitting(takes, given.files)
    text = given.text.strip()
    if given.files and not text:
        raise Rejected(texts.no_file)
    return await judge(question, text, texts.not_a_choice, texts.not_understood)


def _first_fitting(takes: Callable[[UploadedFile], Any], files: Sequence[UploadedFile]) -> Any:
    rejections = []
    for file in files:
        try:
            return takes(file)
        except Rejected as rejection:
            rejections.append(rejection)
    raise rejections[0]


async def judge(question: Question, text: str, not_a_choice: str, not_understood: str) -> Any:
    """The value of a typed answer. Raises Rejected."""
    if (choice := question.choice_of(text)) is not None:
        return await value_of(question, choice)
    if question.validator is None:
        raise Rejected(not_a_choice)
    try:
        return await _validated(question.validator, text)
    except ValueError as error:
        raise Rejected(not_understood) from error


async def value_of(question: Question, choice: Choice) -> Any:
    """A choice's own value, else its label as the type reads it: "Yes" of a yes_no is True. No label is a file."""
    if choice.value is not None or question.validator is None or question.validator.takes is not None:
        return choice.answer
    return await _validated(question.validator, choice.label)


async def _validated(validator: Validator[Any], text: str) -> Any:
    answer = validator(text)
    return await answer if inspect.isawaitable(answer) else answer


def mark_of(choice: Choice) -> str:
    """Tells the choices of one ask apart in a button's payload, even if their order changes."""
    return hashlib.blake2b(choice.label.encode("utf-8", "replace"), digest_size=4).hexdigest()
