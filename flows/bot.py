"""A bot: its flows by name and version, what starts them, and its words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import fields

from flows.errors import FlowMistake
from flows.flow import Flow, version_order
from flows.take_up import TAKE_UP
from flows.texts import Commands, Phrasings, Texts
from flows.triggers import Triggers, normalise


class Registry:
    """Flows by name and version; the newest version of a name is the one that starts.

    The built-in question `TAKE_UP` is found by its name, and is in no list.
    """

    def __init__(self, flows: Iterable[Flow]) -> None:
        self._versions: dict[str, dict[str, Flow]] = {}
        for flow in flows:
            _ = flow.script
            if flow.name == TAKE_UP.name:
                raise FlowMistake(f"{flow.name!r} is a built-in flow: choose another name")
            versions = self._versions.setdefault(flow.name, {})
            if versions.setdefault(flow.version, flow) is not flow:
                raise FlowMistake(
                    f"flow {flow.name!r} version {flow.version!r} is defined twice: "
                    "rename one or raise its version"
                )
        self._newest = {
            name: max(versions.values(), key=lambda flow: version_order(flow.version))
            for name, versions in self._versions.items()
        }

    def newest(self, name: str) -> Flow | None:
        return TAKE_UP if name == TAKE_UP.name else self._newest.get(name)

    def get(self, name: str, version: str) -> Flow | None:
        return self._versions.get(name, {}).get(version)

    def candidates(self, name: str, version: str) -> list[Flow]:
        """The versions to try on a record of `version`: itself first, the others newest first."""
        if name == TAKE_UP.name:
            return [TAKE_UP]
        versions = self._versions.get(name, {})
        ordered = sorted(versions.values(), key=lambda flow: version_order(flow.version), reverse=True)
        pinned = versions.get(version)
        return ordered if pinned is None else [pinned, *(flow for flow in ordered if flow is not pinned)]

    def all(self) -> list[Flow]:
        """The newest version of each flow, in the order of registration."""
        return list(self._newest.values())

    def every_version(self) -> list[Flow]:
        """All flows, older versions too."""
        return [flow for versions in self._versions.values() for flow in versions.values()]


class Bot:
    """Everything that answers for one tenant. Built once, never changed.

    `hands_over`: there are persons who can take a conversation over.
    """

    def __init__(
        self,
        flows: Iterable[Flow],
        *,
        name: str = "Parley",
        default_flow: str | None = None,
        texts: Texts | None = None,
        commands: Commands | None = None,
        phrasings: Phrasings | None = None,
        hands_over: bool = True,
    ) -> None:
        self.name = name
        self.hands_over = hands_over
        self.texts = texts or Texts()
        self.registry = Registry(flows)
        self.triggers = Triggers(self.registry.all())
        self.default = self._default(default_flow)
        self.commands = _command_table(commands or Commands())
        phrasings = phrasings or Phrasings()
        # Each with whether it says plainly that it is a correction.
        self.corrections = [
            *((_pattern(each), True) for each in phrasings.correct),
            *((_pattern(each), False) for each in phrasings.perhaps_correct),
        ]
        self.rejections = [_pattern(each) for each in phrasings.reject]
        self.questions = [_pattern(each) for each in phrasings.question]

    def resolve(self, flow: Flow | str) -> Flow:
        """The flow itself, or the newest of that name. Raises FlowMistake."""
        if isinstance(flow, Flow):
            return flow
        found = self.registry.newest(flow)
        if found is None:
            raise FlowMistake(f"there is no flow {flow!r}: define it or correct the name")
        return found

    def command(self, text: str) -> str | None:
        """Which global command the text is, exactly: the field's name in `Commands`."""
        return self.commands.get(normalise(text))

    def _default(self, declared: str | None) -> Flow | None:
        if declared is not None:
            return self.resolve(declared)
        marked = [flow for flow in self.registry.all() if flow.default]
        if len(marked) > 1:
            names = " and ".join(repr(flow.name) for flow in marked)
            raise FlowMistake(f"flows {names} are both default: leave one")
        return marked[0] if marked else None


def _command_table(commands: Commands) -> dict[str, str]:
    table: dict[str, str] = {}
    for field in fields(commands):
        for word in getattr(commands, field.name):
            if table.setdefault(normalise(word), field.name) != field.name:
                raise FlowMistake(f"the word {word!r} stands for two commands")
    return table


def _pattern(expression: str) -> re.Pattern[str]:
    try:
        return re.compile(expression, re.IGNORECASE | re.DOTALL)
    except re.error as error:
        raise FlowMistake(f"the phrasing {expression!r} is not valid: {error}") from None
