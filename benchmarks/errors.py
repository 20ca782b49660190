"""Errors of the benchmark.

BenchmarkError
├── Unexpected      a server answered what no measurement can be made of
└── NotStarted      a process did not come up; the message has its last words
"""

from __future__ import annotations


class BenchmarkError(Exception):
    """Base of everything that the benchmark raises on purpose."""


class Unexpected(BenchmarkError):
    pass


class NotStarted(BenchmarkError):
    pass
