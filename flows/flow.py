"""A flow: the script of a conversation, with what starts it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import timedelta
from types import CodeType
from typing import Any, Literal, TypeAlias, TypeVar, get_args

from flows.errors import FlowMistake

Script: TypeAlias = Callable[..., Awaitable[Any]]
Migration: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]
Overlap: TypeAlias = Literal["queue", "debounce", "interrupt"]
ScriptT = TypeVar("ScriptT", bound=Script)
MigrationT = TypeVar("MigrationT", bound=Migration)

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


class Flow:
    """A conversation's script; decorate its function with the flow.

    `phrases` start it when they are all that the person says; `patterns` are regular expressions searched
    in the message; `command` is its first word (`/balance`). `patience`: how long silence may last while
    it waits. `sensitive`: whether its values are sealed; found out from the code when not declared.
    `default`: it answers what nothing else does. `overlap`: what becomes of a message that comes while an
    earlier one is answered; `quiet` is how long `debounce` waits for a further one.
    """

    def __init__(
        self,
        name: str,
        *,
        description: str = "",
        phrases: Sequence[str] = (),
        patterns: Sequence[str] = (),
        command: str | None = None,
        version: str = "1",
        patience: timedelta = timedelta(days=7),
        sensitive: bool | None = None,
        default: bool = False,
        overlap: Overlap = "queue",
        quiet: timedelta = timedelta(seconds=1.5),
    ) -> None:
        if not _NAME.fullmatch(name):
            raise FlowMistake(f"{name!r} is no flow's name: use small letters, digits and underscores")
        if overlap not in get_args(Overlap):
            raise FlowMistake(f'flow {name!r}: overlap={overlap!r}: write "queue", "debounce" or "interrupt"')
        if isinstance(phrases, str) or isinstance(patterns, str):
            raise FlowMistake(f"flow {name!r}: phrases and patterns are lists of text")
        self.name = name
        self.description = description
        self.phrases = tuple(phrases)
        self.patterns = tuple(_compiled(name, pattern) for pattern in patterns)
        self.command = command
        self.version = version
        self.patience = patience
        self.default = default
        self.overlap = overlap
        self.quiet = quiet
        # A flow that answers from the documents is not entered in the middle of another when they do not tell.
        self.needs_passages = False
        self.unverified_branch: Script | None = None
        self.migrations: dict[str, Migration] = {}
        # What its function takes besides the chat, from `continue_as`.
        self.slots: frozenset[str] = frozenset()
        self._declared_sensitive = sensitive
        self._sensitive = bool(sensitive)
        self._script: Script | None = None

    def __call__(self, function: ScriptT) -> ScriptT:
        """Take the flow's function, and give it back unchanged."""
        if self._script is not None:
            raise FlowMistake(f"flow {self.name!r} already has a function: make another Flow")
        _check_asynchronous(self.name, function)
        self._script = function
        self.slots = _slots_of(self.name, function)
        self._look_at(function)
        return function

    def unverified(self, function: ScriptT) -> ScriptT:
        """Take the function that talks to a person who could not be verified."""
        _check_asynchronous(self.name, function)
        self.unverified_branch = function
        self._look_at(function)
        return function

    def migrate(self, from_version: str) -> Callable[[MigrationT], MigrationT]:
        """Take the function that turns the answers of an older version, by name, into this one's."""

        def register(function: MigrationT) -> MigrationT:
            self.migrations[from_version] = function
            return function

        return register

    @property
    def script(self) -> Script:
        if self._script is None:
            raise FlowMistake(f"flow {self.name!r} has no function: write @… above one")
        return self._script

    @property
    def sensitive(self) -> bool:
        return self._sensitive

    @property
    def title(self) -> str:
        """The name for people: `check_balance` is "Check balance"."""
        return self.name.replace("_", " ").capitalize()

    @property
    def repairs(self) -> bool:
        """Whether it takes the place of a built-in repair (see `flows.repair`), and is not offered by itself."""
        return self.name.startswith("repair_")

    @property
    def is_offered(self) -> bool:
        """Whether a person may start it: one that is only entered says neither what it does nor what starts it."""
        return not self.repairs and bool(self.description or self.phrases or self.patterns or self.command)

    def __repr__(self) -> str:
        return f"Flow({self.name!r}, version={self.version!r})"

    def _look_at(self, function: Script) -> None:
        if self._declared_sensitive is None and not self._sensitive:
            self._sensitive = _takes_secrets(inspect.unwrap(function).__code__)


def _check_asynchronous(name: str, function: Script) -> None:
    if not inspect.iscoroutinefunction(function):
        raise FlowMistake(f"flow {name!r}: write `async def` for its function")


def _slots_of(name: str, function: Script) -> frozenset[str]:
    slots = list(inspect.signature(function).parameters.values())[1:]
    for slot in slots:
        if slot.kind not in (slot.POSITIONAL_OR_KEYWORD, slot.KEYWORD_ONLY) or slot.default is slot.empty:
            raise FlowMistake(
                f"flow {name!r}: give {slot.name!r} a default, since the flow also starts without continue_as"
            )
    return frozenset(slot.name for slot in slots)


def _compiled(name: str, pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise FlowMistake(f"flow {name!r}: the pattern {pattern!r} is not valid: {error}") from None


def _takes_secrets(code: CodeType) -> bool:
    """Whether the code mentions `verify_otp` or passes `sensitive=`, as CPython compiles them."""
    if "verify_otp" in code.co_names:
        return True
    return any(
        (isinstance(constant, tuple) and "sensitive" in constant)
        or (isinstance(constant, CodeType) and _takes_secrets(constant))
        for constant in code.co_consts
    )


def version_order(version: str) -> list[tuple[int, int, str]]:
    """A sort key that knows that version 10 comes after version 9."""
    parts: Iterable[str] = re.split(r"[.\-]", version)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]
