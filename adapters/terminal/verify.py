"""Whom a terminal believes: the operating system says who is typing."""

from __future__ import annotations

import getpass


def user_of_terminal() -> str:
    """The login name of whoever started the process."""
    return getpass.getuser()
