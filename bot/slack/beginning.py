"""What a turn of Slack's needs before its flow runs: the files of its message; or to be left out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from uuid import UUID

import structlog

from adapters.errors import PlatformFailed
from adapters.slack.files import LARGEST_FILE_BYTES, Downloads, read_named
from adapters.slack.places import SharedFile
from storage.attachments import Attachments, AttachmentStatus
from storage.errors import Invalid, NotFound, Unavailable
from storage.files import Files
from storage.installations import PLATFORM
from storage.outcomes import Outcome
from storage.records import Channel, EntryKind, Turn, UploadedFile
from storage.slack_messages import WITHDRAWN

log = structlog.get_logger("parley.slack")

# After so many tries the message is answered without the files that do not come.
ATTEMPTS = 3


class SlackBeginning:
    """Begins turns; those of other platforms pass as they are."""

    def __init__(
        self,
        files: Files,
        attachments: Attachments,
        load_channel: Callable[[UUID, UUID], Awaitable[Channel]],
        downloads: Downloads,
    ) -> None:
        self._files = files
        self._attachments = attachments
        self._load_channel = load_channel
        self._downloads = downloads

    async def begin(self, turn: Turn) -> tuple[Turn, Outcome | None]:
        """The turn with its files, or an outcome without replies for a message that was deleted before its turn.

        Raises Unavailable while a file cannot be fetched: the turn is tried again.
        """
        entry = turn.entry
        if turn.session.platform != PLATFORM or entry.kind is not EntryKind.MESSAGE or entry.payload is None:
            return turn, None
        if entry.payload == dict(WITHDRAWN):
            return turn, Outcome((), None, reason="none")
        named = read_named(entry.payload)
        # An earlier attempt has them all, or none: they are claimed together.
        brought = entry.attachments or await self._bring(turn, named)
        return replace(turn, entry=replace(entry, payload=None, attachments=brought)), None

    async def _bring(self, turn: Turn, named: tuple[SharedFile, ...]) -> tuple[UploadedFile, ...]:
        session, message_id = turn.session, turn.entry.message_id
        if not named or message_id is None:
            return ()
        channel = await self._load_channel(session.tenant_id, session.channel_id)
        brought = []
        for file in named:
            kept = await self._keep(turn, channel, file)
            if kept is not None:
                brought.append(kept)
        try:
            await self._attachments.claim(
                session.tenant_id, session.user_id, message_id, [each.id for each in brought]
            )
        except NotFound:
            return ()
        return tuple(brought)

    async def _keep(self, turn: Turn, channel: Channel, file: SharedFile) -> UploadedFile | None:
        session = turn.session
        try:
            async with self._downloads.open(channel, file) as pieces:
                kept = await self._files.keep(
                    session.tenant_id,
                    session.user_id,
                    pieces,
                    name=file.name,
                    declared_type=file.type,
                    limit_bytes=LARGEST_FILE_BYTES,
                )
        except (PlatformFailed, Invalid, NotFound, Unavailable) as error:
            passing = isinstance(error, Unavailable) or (
                isinstance(error, PlatformFailed) and not error.permanent
            )
            if passing and turn.entry.attempt < ATTEMPTS:
                raise Unavailable(f"a file of Slack's cannot be fetched: {error}") from error
            log.warning(
                "slack_file_left_out",
                tenant=str(session.tenant_id),
                session=str(session.id),
                file=file.id,
                error=str(error),
            )
            return None
        if kept.status is not AttachmentStatus.READY:
            return None
        return UploadedFile(kept.id, kept.file_name, kept.file_type, kept.size_bytes)
