"""Named SQL statements, read from `storage/sql/*.sql` when a repository is built.

A file holds the statements of one table: `-- name: x`, one comment line with its purpose, then the SQL with
`$1` parameters. aiosql does the same but calls `dir()` on the connection for every statement, which alone
costs more than the statement's round trip (docs/decisions/0004).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

FOLDER = Path(__file__).parent / "sql"
_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


class Statements(Mapping[str, str]):
    """The statements of one file, by name and as attributes."""

    def __init__(self, table: str) -> None:
        parts = _NAME.split((FOLDER / f"{table}.sql").read_text(encoding="utf-8"))
        self._texts = {name: text.strip() for name, text in zip(parts[1::2], parts[2::2], strict=True)}

    def __getattr__(self, name: str) -> str:
        try:
            return self._texts[name]
        except KeyError:
            raise AttributeError(f"no statement is named {name!r}") from None

    def __getitem__(self, name: str) -> str:
        return self._texts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


def tables() -> list[str]:
    """The names of all statement files."""
    return sorted(path.stem for path in FOLDER.glob("*.sql"))
