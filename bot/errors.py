"""Errors of the process.

ProcessError
├── PortTaken     the port cannot be listened on
├── Stopped       Ctrl-C or SIGTERM came before a command was done
└── Failed        a command found something wrong; its text says what to do
"""

from __future__ import annotations


class ProcessError(Exception):
    """Base of what the process raises on purpose; its text is one line for the operator."""


class PortTaken(ProcessError):
    """Another program listens there, or this user may not."""


class Stopped(ProcessError):
    """What had been started is stopped again."""


class Failed(ProcessError):
    """What a command was asked for did not work."""
