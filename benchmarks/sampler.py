"""A sampling profiler: every millisecond of CPU it notes which Python function is on top, and of which package.

Compared with cProfile it costs next to nothing, so what it shows is the program as it runs. Time spent in C
counts for the Python function that called it; time in the event loop itself for the loop.
"""

from __future__ import annotations

import signal
import sysconfig
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Self

import orjson

_EVERY_S = 0.001
_LIBRARIES = (Path(sysconfig.get_path("purelib")), Path(sysconfig.get_path("stdlib")))
_ROOT = Path(__file__).parent.parent


class Sampler:
    """Samples while its block runs."""

    def __init__(self) -> None:
        self._tops: Counter[tuple[str, str]] = Counter()

    def __enter__(self) -> Self:
        signal.signal(signal.SIGPROF, self._note)
        signal.setitimer(signal.ITIMER_PROF, _EVERY_S, _EVERY_S)
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)

    def write(self, path: Path) -> None:
        """The samples by package and by function, the largest first."""
        packages: Counter[str] = Counter()
        functions: Counter[str] = Counter()
        for (file, function), count in self._tops.items():
            package = package_of(file)
            packages[package] += count
            functions[f"{package}: {Path(file).name} {function}"] += count
        path.write_bytes(
            orjson.dumps(
                {
                    "samples": self._tops.total(),
                    "packages": packages.most_common(),
                    "functions": functions.most_common(40),
                }
            )
        )

    def _note(self, _: int, frame: FrameType | None) -> None:
        if frame is not None:
            self._tops[(frame.f_code.co_filename, frame.f_code.co_qualname)] += 1


def package_of(file: str) -> str:
    """The package that a file belongs to: one of ours by its folder, a library by its name."""
    path = Path(file)
    for root in (_ROOT, *_LIBRARIES):
        if path.is_relative_to(root):
            parts = path.relative_to(root).parts
            if root == _ROOT and parts[0].startswith("."):
                continue
            return parts[0].removesuffix(".py") if len(parts) > 1 else Path(parts[0]).stem
    return file
