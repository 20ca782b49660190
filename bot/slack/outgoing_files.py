"""The bytes of a file that a reply sends to Slack: one of ours by its signed link, or a public one."""

from __future__ import annotations

from contextlib import aclosing
from uuid import UUID

from adapters.files.links import Links
from bot.slack.public_files import PublicFiles
from storage.errors import NotFound
from storage.files import Files

LARGEST_BYTES = 20 * 1024 * 1024
_PATH = "/files/"


class OutgoingFiles:
    """Reads them for a tenant. `public_url` has no slash at its end."""

    def __init__(self, files: Files, links: Links, public_url: str, public: PublicFiles) -> None:
        self._files = files
        self._links = links
        self._ours = (_PATH, f"{public_url}{_PATH}")
        self._public = public

    async def read(self, tenant_id: UUID, url: str) -> bytes | None:
        """The file, up to 20 MB; None where it cannot be had. Raises Unavailable."""
        for prefix in self._ours:
            if url.startswith(prefix):
                return await self._own(tenant_id, url.removeprefix(prefix))
        return await self._public.read(url, LARGEST_BYTES)

    async def _own(self, tenant_id: UUID, token: str) -> bytes | None:
        link = self._links.read(token)
        if link is None or link.tenant_id != tenant_id:
            return None
        try:
            opened = await self._files.open(tenant_id, link.attachment_id)
        except NotFound:
            return None
        async with aclosing(opened.chunks):
            if opened.attachment.size_bytes > LARGEST_BYTES:
                return None
            return b"".join([chunk async for chunk in opened.chunks])
