"""What Parley is compared with: a plain Bolt app that says what it hears. It listens on PORT.

`python -m benchmarks.bolt_echo WORKSPACE_FILE [mute]`; a mute one acknowledges and says nothing.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import uvloop
from aiohttp import web
from slack_bolt.async_app import AsyncApp, AsyncSay
from slack_sdk.web.async_client import AsyncWebClient

from benchmarks.serving import until_stopped
from benchmarks.slack_events import Workspace
from benchmarks.slack_load import PATH


def build(workspace: Workspace, *, mute: bool = False) -> web.Application:
    """As Bolt's guide has it: signatures are checked, events acknowledged before their listener runs."""
    client = AsyncWebClient(workspace.bot_token, base_url=workspace.api_url)
    app = AsyncApp(signing_secret=workspace.signing_secret, client=client)

    async def echo(event: dict[str, Any], say: AsyncSay) -> None:
        if not mute:
            await say(event["text"])

    app.event("message")(echo)
    # The port is only for its own `start`.
    return app.server(port=0, path=PATH).web_app


if __name__ == "__main__":
    workspace = Workspace.read(Path(sys.argv[1]).read_bytes())
    uvloop.run(until_stopped(build(workspace, mute="mute" in sys.argv[2:]), int(os.environ["PORT"])))
