"""A tenant's own words: what its bot.toml says in place of the engine's texts, commands and phrasings.

The engine's own are the measure of what each must hold: a text the same placeholders, a regular expression the groups
that all the engine's own expressions of that name have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from string import Formatter
from typing import TypeAlias

from config.bots import FILE, BotConfig
from config.errors import ConfigError
from flows.texts import Commands, Phrasings, Texts
from flows.triggers import normalise

Words: TypeAlias = Texts | Commands | Phrasings
# Lists of words, which the engine counts on having all of.
_LISTS = frozenset({"weekdays"})


def texts_of(config: BotConfig) -> Texts:
    """What the bot itself says. Raises ConfigError."""
    standard = Texts()
    _refuse_unknown(config, "texts", config.texts, standard)
    for key, text in config.texts.items():
        needed = _placeholders(getattr(standard, key))
        if _placeholders(text) != needed:
            shown = " and ".join(f"{{{name}}}" for name in sorted(needed or ()))
            advice = (
                f"write {shown} where it belongs, and no other braces" if shown else "leave out its braces"
            )
            raise _refused(config, "texts", key, advice)
        count = len(getattr(standard, key).split())
        if key in _LISTS and len(text.split()) != count:
            raise _refused(config, "texts", key, f"write {count} words with spaces between them")
    return replace(standard, **config.texts)


def commands_of(config: BotConfig) -> Commands:
    """The words that count everywhere. Raises ConfigError."""
    _refuse_unknown(config, "commands", config.commands, Commands())
    commands = replace(Commands(), **config.commands)
    taken: dict[str, str] = {}
    for key in _names(commands):
        for word in getattr(commands, key):
            if not normalise(word):
                raise _refused(config, "commands", key, f"{word!r} has no letter: write a word")
            other = taken.setdefault(normalise(word), key)
            if other != key:
                written, standing = (key, other) if key in config.commands else (other, key)
                advice = f"{word!r} stands for {standing} too: leave it to one of them"
                raise _refused(config, "commands", written, advice)
    return commands


def phrasings_of(config: BotConfig) -> Phrasings:
    """How people correct themselves and ask back. Raises ConfigError."""
    standard = Phrasings()
    _refuse_unknown(config, "phrasings", config.phrasings, standard)
    for key, expressions in config.phrasings.items():
        needed = _common_groups(getattr(standard, key))
        for expression in expressions:
            try:
                groups = set(re.compile(expression).groupindex)
            except (re.error, OverflowError, RecursionError) as error:
                advice = f"{expression!r} is no regular expression: {error}"
                raise _refused(config, "phrasings", key, advice) from None
            for name in sorted(needed - groups):
                advice = f"{expression!r} needs a group (?P<{name}>…)"
                raise _refused(config, "phrasings", key, advice)
    return replace(standard, **config.phrasings)


def _names(words: Words) -> list[str]:
    return [field.name for field in fields(words)]


def _placeholders(text: str) -> set[str] | None:
    """The names in braces; None where braces are not paired, or hold more than a name."""
    try:
        parts = list(Formatter().parse(text))
    except ValueError:
        return None
    if any(name is not None and (layout or conversion) for _, name, layout, conversion in parts):
        return None
    # A doubled brace is one only in texts that are filled in.
    names = {name for _, name, _, _ in parts if name is not None}
    return names if names or not set("{}") & set(text) else None


def _common_groups(expressions: Sequence[str]) -> set[str]:
    return set.intersection(*(set(re.compile(each).groupindex) for each in expressions))


def _refuse_unknown(config: BotConfig, table: str, keys: Iterable[str], standard: Words) -> None:
    unknown = [f"{table}.{key}" for key in keys if key not in _names(standard)]
    if unknown:
        raise ConfigError(
            f"{_file(config)}: unknown key {', '.join(unknown)}: there are {', '.join(_names(standard))}"
        )


def _refused(config: BotConfig, table: str, key: str, advice: str) -> ConfigError:
    return ConfigError(f"{_file(config)}: {table}.{key} cannot be used: {advice}")


def _file(config: BotConfig) -> str:
    return str(config.folder / FILE) if config.folder else FILE
