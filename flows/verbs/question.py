"""A question as it stands now, and what an answer to it is worth."""

from __future__ import annotations

import hashlib
import inspect
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flows.errors import Rejected
from flows.triggers import normalise
from flows.validators import Validator
from flows.vocabulary import Choice


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


async def judge(question: Question, text: str, not_a_choice: str, not_understood: str) -> Any:
    """The value of a typed answer. Raises Rejected."""
    words = normalise(text)
    for position, choice in enumerate(question.choices, 1):
        if words and words in {normalise(choice.label), str(position), *map(normalise, choice.also)}:
            return await value_of(question, choice)
    if question.validator is None:
        raise Rejected(not_a_choice)
    try:
        return await _validated(question.validator, text)
    except ValueError as error:
        raise Rejected(not_understood) from error


async def value_of(question: Question, choice: Choice) -> Any:
    """A choice's own value, else its label as the type reads it: "Yes" of a yes_no is True."""
    if choice.value is not None or question.validator is None:
        return choice.answer
    return await _validated(question.validator, choice.label)


async def _validated(validator: Validator[Any], text: str) -> Any:
    answer = validator(text)
    return await answer if inspect.isawaitable(answer) else answer


def mark_of(choice: Choice) -> str:
    """Tells the choices of one ask apart in a button's payload, even if their order changes."""
    return hashlib.blake2b(choice.label.encode("utf-8", "replace"), digest_size=4).hexdigest()
