"""Reads one table of a TOML file key by key, refusing wrong types and whatever is left over."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from re import Pattern
from typing import Any

from config.errors import ConfigError


class Table:
    """A table under reading; `close` when done. Every method raises ConfigError that names file and key."""

    def __init__(self, path: Path, content: Mapping[str, Any], prefix: str = "") -> None:
        self._path = path
        self._left = dict(content)
        self._prefix = prefix

    def text(self, key: str, default: str, pattern: Pattern[str] | None = None, advice: str = "") -> str:
        value = self.optional_text(key)
        if value is None:
            return default
        if pattern and not pattern.fullmatch(value):
            raise self._wrong(key, advice)
        return value

    def optional_text(self, key: str) -> str | None:
        value = self._left.pop(key, None)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip():
            raise self._wrong(key, "write a text in quotes that is not empty")
        return value

    def texts(self, key: str, pattern: Pattern[str] | None = None, advice: str = "") -> tuple[str, ...]:
        value = self._left.pop(key, [])
        if not isinstance(value, list) or not all(isinstance(part, str) and part.strip() for part in value):
            raise self._wrong(key, 'write a list of texts: ["…", "…"]')
        if pattern and not all(pattern.fullmatch(part) for part in value):
            raise self._wrong(key, advice)
        return tuple(value)

    def every_text(self) -> dict[str, str]:
        """All keys that are left, each with its text: for a table whose keys are known further up only."""
        return {key: self.text(key, "") for key in list(self._left)}

    def every_list(self) -> dict[str, tuple[str, ...]]:
        """All keys that are left, each with its list of texts."""
        return {key: self.texts(key) for key in list(self._left)}

    def number(self, key: str, default: int, *, smallest: int, largest: int) -> int:
        value = self._left.pop(key, default)
        # TOML's true is an int to Python.
        if not isinstance(value, int) or isinstance(value, bool) or not smallest <= value <= largest:
            raise self._wrong(key, f"write a whole number from {smallest} to {largest}")
        return value

    def flag(self, key: str, default: bool) -> bool:
        value = self._left.pop(key, default)
        if not isinstance(value, bool):
            raise self._wrong(key, "write true or false")
        return value

    def share(self, key: str, default: float) -> float:
        value = self._left.pop(key, default)
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
            raise self._wrong(key, "write a number from 0 to 1")
        return float(value)

    def table(self, key: str) -> Table:
        value = self._left.pop(key, {})
        if not isinstance(value, dict):
            raise self._wrong(key, f"write a table: [{self._prefix}{key}]")
        return Table(self._path, value, f"{self._prefix}{key}.")

    def close(self) -> None:
        """Refuse the keys that nobody asked for."""
        if self._left:
            unknown = ", ".join(f"{self._prefix}{key}" for key in self._left)
            raise ConfigError(f"{self._path}: unknown key {unknown}: remove it or correct its spelling")

    def _wrong(self, key: str, advice: str) -> ConfigError:
        return ConfigError(f"{self._path}: {self._prefix}{key} cannot be used: {advice}")
