"""Slack's own side, a process on PORT: `python -m benchmarks.slack_emulator PEOPLE`.

It prints its workspace, and then for each line on its input how many messages there are with that text.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time

import orjson
import uvloop

from benchmarks.slack_events import Workspace
from bot.emulators.slack.server import SlackEmulator


def furnished(slack: SlackEmulator, people: int) -> Workspace:
    """So many people, each with a direct message with the app. Events come from elsewhere: it sends none itself."""
    slack.configure(events=frozenset())
    directory, bot = slack.platform.directory, slack.installation.bot_user_id
    users = [directory.add_user(slack.workspace.id, f"Person {number}").id for number in range(people)]
    return Workspace(
        slack.app.id,
        slack.workspace.id,
        bot,
        slack.bot_token,
        slack.app.signing_secret,
        slack.api_url,
        tuple((user, directory.direct(slack.workspace.id, user, bot).id) for user in users),
        int(time.time()),
    )


def said(slack: SlackEmulator, text: str) -> int:
    """How many messages have just this text."""
    return sum(message.text == text for message in slack.platform.transcript)


async def main(port: int, people: int) -> None:
    async with SlackEmulator(port=port) as slack:
        print(furnished(slack, people).written().decode(), flush=True)
        while line := await asyncio.to_thread(sys.stdin.buffer.readline):
            print(orjson.dumps({"said": said(slack, orjson.loads(line)["text"])}).decode(), flush=True)


if __name__ == "__main__":
    uvloop.run(main(int(os.environ["PORT"]), int(sys.argv[1])))
