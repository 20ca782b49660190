"""The workspace that the benchmark's events come from, and the events, as Slack posts and signs them."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import asdict, dataclass
from typing import Any, Self

import orjson

# The guides answer it, so Parley's model is asked each time.
QUESTION = "How long is the lease of a turn?"


@dataclass(frozen=True, slots=True)
class Workspace:
    """One app in one workspace. `people` are user ids, each with the channel of their direct message with the app.

    `begun_at` is the second, of the epoch, that the events' own timestamps count from.
    """

    app_id: str
    team_id: str
    bot_user_id: str
    bot_token: str
    signing_secret: str
    api_url: str
    people: tuple[tuple[str, str], ...]
    begun_at: int

    @classmethod
    def read(cls, raw: bytes) -> Self:
        """What `written` made."""
        document: dict[str, Any] = orjson.loads(raw)
        return cls(**document | {"people": tuple((user, room) for user, room in document["people"])})

    def written(self) -> bytes:
        return orjson.dumps(asdict(self))


def stamp(workspace: Workspace, number: int) -> str:
    """The `ts` of the message of this number: no two are the same."""
    return f"{workspace.begun_at + number // 1_000_000}.{number % 1_000_000:06}"


def event(workspace: Workspace, number: int) -> bytes:
    """The body of an `event_callback`: the person whose turn it is writes to the bot.

    Its shape is that of https://docs.slack.dev/reference/events/message.im, with the blocks that Slack's editor makes.
    """
    user, room = workspace.people[number % len(workspace.people)]
    ts = stamp(workspace, number)
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": QUESTION}]}
    return orjson.dumps(
        {
            "token": "0",
            "team_id": workspace.team_id,
            "context_team_id": workspace.team_id,
            "context_enterprise_id": None,
            "api_app_id": workspace.app_id,
            "event": {
                "type": "message",
                "user": user,
                "ts": ts,
                "client_msg_id": f"66cc9473-12a2-4934-bd57-{number:012x}",
                "text": QUESTION,
                "team": workspace.team_id,
                "blocks": [{"type": "rich_text", "block_id": "jEztr", "elements": [section]}],
                "channel": room,
                "event_ts": ts,
                "channel_type": "im",
            },
            "type": "event_callback",
            "event_id": f"Ev{number:09}",
            "event_time": workspace.begun_at,
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": workspace.team_id,
                    "user_id": workspace.bot_user_id,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
            "event_context": "4-eyJldCI6Im1lc3NhZ2UifQ",
        }
    )


def signed(workspace: Workspace, body: bytes, now: int) -> bytes:
    """The headers of a request: https://docs.slack.dev/authentication/verifying-requests-from-slack"""
    digest = hmac.new(
        workspace.signing_secret.encode(), b"v0:%d:%b" % (now, body), hashlib.sha256
    ).hexdigest()
    return (
        b"Content-Type: application/json\r\nAccept: */*\r\nX-Slack-Request-Timestamp: %d\r\n"
        b"X-Slack-Signature: v0=%b\r\n" % (now, digest.encode())
    )
