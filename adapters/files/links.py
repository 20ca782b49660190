"""Signed links: whoever has one may read one file for a short while. A link is no account and holds no name.

A token is 72 bytes in base64url: tenant, attachment, the second of its end, and an HMAC-SHA256 over these.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

LINK_LIFE = timedelta(minutes=5)

_CONTEXT = b"parley file link v1\0"
_SIGNED_BYTES = 16 + 16 + 8
# 72 bytes are 96 characters without a bit to spare, so no two texts are the same token.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{96}")


@dataclass(frozen=True, slots=True)
class Link:
    """What a token that is good now names."""

    tenant_id: UUID
    attachment_id: UUID


class Links:
    """Signs with the first key and reads with any, so that PARLEY_SECRET_KEY can change while links are about.

    The keys are those of `Secrets.derive_each("files")`.
    """

    def __init__(self, key: bytes, *older: bytes, clock: Callable[[], datetime]) -> None:
        self._keys = (key, *older)
        self._clock = clock

    def url(
        self, public_url: str, tenant_id: UUID, attachment_id: UUID, *, life: timedelta = LINK_LIFE
    ) -> str:
        """A link below `public_url` (no slash at its end) that opens the file until `life` is over."""
        end = int((self._clock() + life).timestamp())
        signed = tenant_id.bytes + attachment_id.bytes + end.to_bytes(8, "big")
        token = base64.urlsafe_b64encode(signed + _mac(self._keys[0], signed)).decode()
        return f"{public_url}/files/{token}"

    def read(self, token: str) -> Link | None:
        """What the token names; None for one that is not ours, was altered or is over."""
        if not _TOKEN.fullmatch(token):
            return None
        content = base64.urlsafe_b64decode(token)
        signed, mac = content[:_SIGNED_BYTES], content[_SIGNED_BYTES:]
        # Every key is tried, so that the time tells nothing.
        fits = [hmac.compare_digest(mac, _mac(key, signed)) for key in self._keys]
        if not any(fits):
            return None
        if self._clock().timestamp() >= int.from_bytes(signed[32:], "big"):
            return None
        return Link(UUID(bytes=signed[:16]), UUID(bytes=signed[16:32]))


def _mac(key: bytes, signed: bytes) -> bytes:
    return hmac.new(key, _CONTEXT + signed, sha256).digest()
