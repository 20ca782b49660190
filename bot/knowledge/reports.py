"""What ingest tells while it works and when it is done."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Report:
    """What ingest did. `chunks` are those that were made; `skipped` says for each path why."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    deleted: int = 0
    chunks: int = 0
    seconds: float = 0.0
    skipped: list[tuple[Path, str]] = field(default_factory=list)

    @property
    def taken(self) -> int:
        """How many files are documents now."""
        return self.created + self.changed + self.unchanged


@dataclass(frozen=True, slots=True)
class Progress:
    """Where ingest is: `done` of `total` files, the last of them `path`."""

    done: int
    total: int
    path: Path
