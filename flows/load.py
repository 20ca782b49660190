"""Load a bot from its folder: every `*.py` file in it, each `Flow` that a file defines."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Protocol

from flows.bot import Bot
from flows.errors import FlowMistake
from flows.flow import Flow
from flows.questions import ASKED_BACK, NAME, answering_flow, asked_back_flow
from flows.texts import Commands, Phrasings, Texts


class BotSettings(Protocol):
    """What a bot's configuration tells about its flows."""

    @property
    def name(self) -> str: ...

    @property
    def default_flow(self) -> str | None: ...

    @property
    def hands_over(self) -> bool: ...


def load_bot(
    folder: Path | None,
    settings: BotSettings,
    *,
    texts: Texts | None = None,
    commands: Commands | None = None,
    phrasings: Phrasings | None = None,
) -> Bot:
    """The bot of the flows in `folder`; files whose name begins with `_` are left out.

    Where no flow is the default one, the built-in `answer` is; a question in the middle of a flow is answered by the
    built-in `repair_question` where the bot has none.

    Raises FlowMistake in one line that names the file, and the line where there is one.
    """
    flows: list[Flow] = []
    paths = sorted(folder.glob("*.py")) if folder is not None and folder.is_dir() else []
    for path in paths:
        if not path.name.startswith("_"):
            flows += _flows_of(_load(path), path)
    if settings.default_flow in (None, NAME) and not any(flow.default or flow.name == NAME for flow in flows):
        flows.append(answering_flow())
    if not any(flow.name == ASKED_BACK for flow in flows):
        flows.append(asked_back_flow())
    where = f"{folder}: " if folder is not None else ""
    try:
        return Bot(
            flows,
            name=settings.name,
            default_flow=settings.default_flow,
            texts=texts,
            commands=commands,
            phrasings=phrasings,
            hands_over=settings.hands_over,
        )
    except FlowMistake as mistake:
        raise FlowMistake(f"{where}{mistake}") from None


def _load(path: Path) -> ModuleType:
    # The path is in the name, so that two tenants' `banking.py` are two modules.
    place = hashlib.blake2b(str(path.resolve()).encode(), digest_size=6).hexdigest()
    name = f"parley_flows_{place}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise FlowMistake(f"{path}: this is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up while it is being loaded
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        del sys.modules[name]
        raise FlowMistake(f"{error.filename or path}:{error.lineno or 1}: {error.msg}") from None
    except Exception as error:
        del sys.modules[name]
        raise FlowMistake(f"{path}:{_line(error, path)}: {type(error).__name__}: {error}") from error
    return module


def _flows_of(module: ModuleType, path: Path) -> list[Flow]:
    found = list(dict.fromkeys(value for value in vars(module).values() if isinstance(value, Flow)))
    for flow in found:
        try:
            _ = flow.script
        except FlowMistake as mistake:
            raise FlowMistake(f"{path}: {mistake}") from None
    return found


def _line(error: Exception, path: Path) -> int:
    """The last line of this file on the way to the error."""
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)
    ]
    return next((line for line in reversed(lines) if line is not None), 1)
