"""Errors of the embedded servers; each text is one line that says what to do.

EmbeddedError
├── AlreadyRunning   another process owns the data folder; `pid` where it can be told
├── DataFolderWrong  the data folder cannot be used as it is
└── CannotStart      a server did not start, or is not there for this machine
"""

from __future__ import annotations


class EmbeddedError(Exception):
    """Base of what the embedded servers raise on purpose."""


class AlreadyRunning(EmbeddedError):
    def __init__(self, message: str, pid: int | None) -> None:
        super().__init__(message)
        self.pid = pid


class DataFolderWrong(EmbeddedError):
    """Another version's files, another user's, no permission, or something else in the place of ours."""


class CannotStart(EmbeddedError):
    """The text ends in the server's own last words."""
