"""A turn whose message has files begins with all of them, later, or at last without."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from adapters.errors import PlatformFailed
from adapters.slack.files import named_files
from adapters.slack.places import SharedFile
from bot.slack.beginning import ATTEMPTS, SlackBeginning
from storage.attachments import Attachment, AttachmentStatus
from storage.errors import NotFound, TooLarge, Unavailable, WrongType
from storage.records import Channel, Entry, EntryKind, Session, State, Turn, UploadedFile
from storage.slack_messages import WITHDRAWN

ID, NOW = UUID(int=1), datetime(2026, 3, 2, tzinfo=UTC)
FILES = tuple(SharedFile(f"F{n}", f"{n}.png", "image/png", 3, f"https://files.slack.com/{n}") for n in (1, 2))
PASSING = PlatformFailed("a file", "http_503", permanent=False)


def turn(*, payload: Any = None, platform: str = "slack", **more: Any) -> Turn:
    given = {"kind": EntryKind.MESSAGE, "content": "look", "attempt": 1, "attachments": (), **more}
    entry = Entry(
        ID,
        1,
        given["kind"],
        given["content"],
        payload,
        UUID(int=5),
        None,
        NOW,
        given["attempt"],
        attachments=given["attachments"],
    )
    return Turn(Session(ID, ID, ID, ID, platform, "U1"), 1, entry, State(), 0)


@dataclass
class Stores:
    """Files, attachments and downloads in one; `failures` are raised for the file with that name."""

    failures: dict[str, Exception] = field(default_factory=dict)
    quarantined: set[str] = field(default_factory=set)
    kept: list[str] = field(default_factory=list)
    claimed: list[UUID] = field(default_factory=list)

    @asynccontextmanager
    async def open(self, channel, file):
        if isinstance(self.failures.get(file.name), PlatformFailed):
            raise self.failures[file.name]
        yield b"png"

    async def keep(self, tenant_id, user_id, content, *, name, declared_type, limit_bytes):
        if name in self.failures:
            raise self.failures[name]
        self.kept.append(name)
        status = AttachmentStatus.QUARANTINED if name in self.quarantined else AttachmentStatus.READY
        return Attachment(
            UUID(int=len(self.kept)), user_id, None, name, "k", declared_type, 3, b"", status, NOW
        )

    async def claim(self, tenant_id, user_id, message_id, attachment_ids):
        self.claimed += attachment_ids


@pytest.fixture
def stores():
    return Stores()


@pytest.fixture
def begin(stores):
    async def load(tenant_id, channel_id):
        return Channel(tenant_id, channel_id, "slack", "A1/T1", "acme")

    return SlackBeginning(stores, stores, load, stores).begin  # type: ignore[arg-type]


async def test_the_files_are_the_messages_own_before_its_flow_runs(begin, stores):
    begun, outcome = await begin(turn(payload=named_files(FILES)))
    assert [file.name for file in begun.entry.attachments] == ["1.png", "2.png"]
    assert (begun.entry.payload, outcome) == (None, None)
    assert stores.claimed == [UUID(int=1), UUID(int=2)]


async def test_a_later_attempt_has_them_already(begin, stores):
    had = (UploadedFile(ID, "1.png", "image/png", 3),)
    begun, _ = await begin(turn(payload=named_files(FILES), attachments=had, attempt=2))
    assert (begun.entry.attachments, stores.kept) == (had, [])


@pytest.mark.parametrize("error", [PASSING, Unavailable("the object store is away")])
async def test_while_one_cannot_be_fetched_the_turn_waits_and_in_the_end_goes_on_without(
    begin, stores, error
):
    stores.failures["2.png"] = error
    for attempt in range(1, ATTEMPTS):
        with pytest.raises(Unavailable):
            await begin(turn(payload=named_files(FILES), attempt=attempt))
    assert stores.claimed == []
    begun, _ = await begin(turn(payload=named_files(FILES), attempt=ATTEMPTS))
    assert [file.name for file in begun.entry.attachments] == ["1.png"]


@pytest.mark.parametrize(
    "error",
    [
        PlatformFailed("a file", "missing_scope", permanent=True),
        TooLarge("too large"),
        WrongType("no such type"),
        NotFound("the user was erased"),
    ],
)
async def test_one_that_will_never_come_is_left_out_at_once(begin, stores, error):
    stores.failures["1.png"] = error
    begun, _ = await begin(turn(payload=named_files(FILES)))
    assert [file.name for file in begun.entry.attachments] == ["2.png"]


async def test_one_that_hides_something_is_left_out(begin, stores):
    stores.quarantined.add("1.png")
    begun, _ = await begin(turn(payload=named_files(FILES)))
    assert [file.name for file in begun.entry.attachments] == ["2.png"]


async def test_a_message_that_was_deleted_before_is_not_answered(begin):
    _, outcome = await begin(turn(payload=dict(WITHDRAWN), content="[deleted]"))
    assert (outcome.replies, outcome.state, outcome.reason) == ((), None, "none")


async def test_who_writes_deleted_in_brackets_is_answered(begin):
    assert (await begin(turn(content="[deleted]")))[1] is None


@pytest.mark.parametrize("payload", [None, "text:hello", {"slack_deleted": True}, {"slack_files": []}])
async def test_other_platforms_pass_as_they_are(begin, payload):
    theirs = turn(payload=payload, platform="web")
    assert await begin(theirs) == (theirs, None)


async def test_buttons_pass_as_they_are(begin):
    press = turn(payload="ask:1", kind=EntryKind.ACTION)
    assert await begin(press) == (press, None)
