"""Errors of the configuration.

ConfigError    a setting or a bot.toml that cannot be used; its text is one line that says what to do
"""

from __future__ import annotations


class ConfigError(Exception):
    """A setting that is missing or wrong. The text names it and may be shown to the operator as it is."""
