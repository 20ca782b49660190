"""Conversation tests and flows that a test writes down and runs."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path

from flows.bot import Bot
from flows.load import load_bot
from flows.rehearsal.playing import play
from flows.rehearsal.reading import read_text
from flows.rehearsal.script import Script
from flows.rehearsal.transcript import Mark, Transcript


@dataclass(frozen=True)
class Settings:
    name: str = "Test"
    default_flow: str | None = None
    hands_over: bool = True


def bot_from(folder: Path, source: str) -> Bot:
    """The bot of one file of flows."""
    folder.mkdir(exist_ok=True)
    (folder / "written.py").write_text(textwrap.dedent(source), encoding="utf-8")
    return load_bot(folder, Settings())


def script_of(text: str) -> Script:
    [script] = read_text(textwrap.dedent(text), Path("written.yaml"))
    return script


async def played(bot: Bot, text: str) -> Transcript:
    return await play(bot, script_of(text))


def differences(transcript: Transcript) -> list[str]:
    """The lines of a transcript that differ, each with its mark."""
    return [f"{line.mark} {line.text}" for line in transcript.lines if line.mark is not Mark.SAME]
