"""What an `ask` may take as its `type`: functions from text to a value that raise Rejected.

Any function will do, async too. `Validator` adds a name for the type, by which answers are kept over a
restart, and tells whether any text is fine (`free_text`), so that only an exact phrase interrupts it. Exact phrases
come before a function of the author's own, too, since it may take any text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from flows.errors import FlowMistake, Rejected
from flows.file_answers import file
from flows.triggers import normalise
from flows.validator import Validator
from storage.records import UploadedFile

__all__ = [
    "Validator",
    "day",
    "email",
    "file",
    "integer",
    "number",
    "of",
    "pattern",
    "phone",
    "several_of",
    "text",
    "yes_no",
]

LimitedT = TypeVar("LimitedT", int, Decimal, date)

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
_YES = frozenset({"yes", "y", "yeah", "yep", "sure", "ok", "okay", "true", "please do", "yes please"})
_NO = frozenset({"no", "n", "nope", "nah", "false", "no thanks", "no thank you"})
_DAY_FORMS = (
    (re.compile(r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"), "2001-12-31"),
    (re.compile(r"(?P<day>\d{1,2})\.\s?(?P<month>\d{1,2})\.\s?(?P<year>\d{4})"), "31.12.2001"),
)


def text(*, shortest: int = 1, longest: int = 4000) -> Validator[str]:
    """Any text of a length between the two."""

    def check(given: str) -> str:
        if len(given) < shortest:
            raise Rejected("Please write a little more." if given else "Please write an answer.")
        if len(given) > longest:
            raise Rejected(f"Please use at most {longest} characters.")
        return given

    return Validator("text", check, free_text=True)


def integer(*, smallest: int | None = None, largest: int | None = None) -> Validator[int]:
    """A whole number; digits may be grouped: "1,200", "1 200"."""

    def check(given: str) -> int:
        digits = re.sub(r"(?<=\d)[\s,'_](?=\d{3}(?!\d))", "", given)
        if not re.fullmatch(r"[+-]?\d{1,18}", digits, re.ASCII):
            raise Rejected("Please give a whole number, such as 42.")
        return _within(int(digits), smallest, largest)

    return Validator("integer", check)


def number(
    *, smallest: Decimal | int | None = None, largest: Decimal | int | None = None
) -> Validator[Decimal]:
    """An exact decimal number; a currency sign before or after it is dropped."""

    def check(given: str) -> Decimal:
        bare = re.sub(r"^[$€£¥]\s*|\s*[$€£¥]$", "", given)
        bare = re.sub(r"(?<=\d)[\s,'_](?=\d{3}(?!\d))", "", bare)
        if not re.fullmatch(r"[+-]?\d{1,18}(\.\d{1,18})?", bare, re.ASCII):
            raise Rejected("Please give a number, such as 2500 or 19.90.")
        try:
            return _within(Decimal(bare), smallest, largest)
        except InvalidOperation:
            raise Rejected("Please give a number, such as 2500 or 19.90.") from None

    return Validator("number", check)


def yes_no() -> Validator[bool]:
    def check(given: str) -> bool:
        words = normalise(given)
        if words in _YES:
            return True
        if words in _NO:
            return False
        raise Rejected("Please answer yes or no.")

    return Validator("yes_no", check)


def day(*, earliest: date | None = None, latest: date | None = None) -> Validator[date]:
    """A date as 2001-12-31 or 31.12.2001; forms that mean two days, as 1/2/2001 does, are refused."""

    def check(given: str) -> date:
        for form, _ in _DAY_FORMS:
            if found := form.fullmatch(given):
                try:
                    named = date(int(found["year"]), int(found["month"]), int(found["day"]))
                except ValueError:
                    raise Rejected("There is no such day.") from None
                return _within(named, earliest, latest, ("or later", "or earlier"))
        raise Rejected("Please give the date as " + " or ".join(example for _, example in _DAY_FORMS) + ".")

    return Validator("day", check)


def email() -> Validator[str]:
    """An address that looks like one; only a message to it can tell more."""

    def check(given: str) -> str:
        if len(given) > 254 or not _EMAIL.fullmatch(given):
            raise Rejected("Please give an email address, such as ada@example.com.")
        return given

    return Validator("email", check)


def phone() -> Validator[str]:
    """A number in international form, as E.164: +441632960961."""

    def check(given: str) -> str:
        digits = re.sub(r"[\s().\-/]", "", given)
        digits = "+" + digits[2:] if digits.startswith("00") else digits
        if not re.fullmatch(r"\+[1-9]\d{6,14}", digits, re.ASCII):
            raise Rejected("Please give the number with its country code, such as +44 1632 960961.")
        return digits

    return Validator("phone", check)


def pattern(expression: str, hint: str) -> Validator[str]:
    """A text that a regular expression matches as a whole; `hint` tells the person what is wanted."""
    compiled = re.compile(expression)

    def check(given: str) -> str:
        if not compiled.fullmatch(given):
            raise Rejected(hint)
        return given

    return Validator("pattern", check)


def several_of(options: Sequence[str], *, least: int = 1, most: int | None = None) -> Validator[list[str]]:
    """Some of the options, by label or number: "1, 3", "ham and olives", "all", "none" (where `least` is 0).

    What it gives is in the options' order. They are listed below the question, unless it has `choices`. Raises
    FlowMistake where nobody could choose so many.
    """
    if isinstance(options, str):
        raise FlowMistake(f"several_of: {options!r} is one text; write a list, such as [{options!r}]")
    numbered = {word: option for at, option in enumerate(options, 1) for word in (normalise(option), str(at))}
    highest = len(options) if most is None else most
    if not 0 <= least <= highest or least > len(options):
        raise FlowMistake(
            f"several_of: least={least} of {len(options)} options, at most {highest}, is not to be had; change least="
        )

    def check(given: str) -> list[str]:
        words = normalise(given)
        if words in ("all", "everything"):
            chosen = list(options)
        elif words in ("none", "nothing"):
            chosen = []
        else:
            named = _named(given, numbered)
            chosen = [option for option in options if option in named]
        if not least <= len(chosen) <= highest:
            raise Rejected(f"Please choose {_how_many(least, highest)}.")
        return chosen

    return Validator("several", check, options=tuple(options))


def _named(given: str, numbered: Mapping[str, str]) -> set[str]:
    """The options that a list names. A label may hold an "and" itself, so commas part first."""
    found: set[str] = set()
    for part in re.split(r"[,;\n]", given):
        if not (words := normalise(part)):
            continue
        if option := numbered.get(words):
            found.add(option)
            continue
        for word in re.split(r"\s+and\s+|\s*[&+]\s*|(?<=\d)\s+(?=\d)", part.strip().removeprefix("and ")):
            option = numbered.get(normalise(word))
            if option is None:
                raise Rejected("Please name some of these, parted by commas.")
            found.add(option)
    return found


def _how_many(least: int, most: int) -> str:
    if least == most:
        return f"{least}"
    return f"{least} to {most}"


_OF_TYPES: dict[Any, Validator[Any]] = {
    str: text(),
    int: integer(),
    Decimal: number(),
    bool: yes_no(),
    date: day(),
    UploadedFile: file(),
    float: Validator("float", lambda given: float(number()(given))),
}


def of(wanted: Any) -> Validator[Any]:
    """The validator that a type or function stands for. Raises FlowMistake."""
    if isinstance(wanted, Validator):
        return wanted
    if wanted is None:
        return _OF_TYPES[str]
    known = _OF_TYPES.get(wanted)
    if known is not None:
        return known
    if isinstance(wanted, type) or not callable(wanted):
        raise FlowMistake(
            f"ask: {wanted!r} is no type of answer; use str, int, bool, date, Decimal or a validator"
        )
    name = getattr(wanted, "__qualname__", type(wanted).__qualname__)
    return Validator(name, wanted, bool(getattr(wanted, "free_text", False)), own=True)


def _within(
    value: LimitedT, smallest: Any, largest: Any, words: tuple[str, str] = ("or more", "or less")
) -> LimitedT:
    if smallest is not None and value < smallest:
        raise Rejected(f"Please give {smallest} {words[0]}.")
    if largest is not None and value > largest:
        raise Rejected(f"Please give {largest} {words[1]}.")
    return value
