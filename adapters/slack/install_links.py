"""Signed links that let whoever has one install the app for one tenant, for a short while.

A token is 57 bytes in base64url: a version, the tenant, the second of its end, and an HMAC-SHA256 over these.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from adapters.slack.manifest import INSTALL_PATH

LINK_LIFE = timedelta(hours=24)

_CONTEXT = b"parley slack install link v1\0"
_VERSION = b"\x01"
_SIGNED_BYTES = 1 + 16 + 8
# 57 bytes are 76 characters without a bit to spare, so no two texts are the same token.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{76}")


class InstallLinks:
    """Signs with the first key and reads with any, so that PARLEY_SECRET_KEY can change while links are about.

    The keys are those of `Secrets.derive_each("slack install")`.
    """

    def __init__(self, key: bytes, *older: bytes, clock: Callable[[], datetime]) -> None:
        self._keys = (key, *older)
        self._clock = clock

    def url(self, public_url: str, tenant_id: UUID, *, life: timedelta = LINK_LIFE) -> tuple[str, datetime]:
        """A link below `public_url` (no slash at its end), and the moment of its end."""
        end = (self._clock() + life).replace(microsecond=0)
        signed = _VERSION + tenant_id.bytes + int(end.timestamp()).to_bytes(8, "big")
        token = base64.urlsafe_b64encode(signed + _mac(self._keys[0], signed)).decode()
        return f"{public_url}{INSTALL_PATH}?tenant={token}", end

    def read(self, token: str) -> UUID | None:
        """Whom the app may be installed for; None for a token that is not ours, was altered or is over."""
        if not _TOKEN.fullmatch(token):
            return None
        content = base64.urlsafe_b64decode(token)
        signed, mac = content[:_SIGNED_BYTES], content[_SIGNED_BYTES:]
        # Every key is tried, so that the time tells nothing.
        fits = [hmac.compare_digest(mac, _mac(key, signed)) for key in self._keys]
        if not any(fits) or signed[:1] != _VERSION:
            return None
        if self._clock().timestamp() >= int.from_bytes(signed[17:], "big"):
            return None
        return UUID(bytes=signed[1:17])


def _mac(key: bytes, signed: bytes) -> bytes:
    return hmac.new(key, _CONTEXT + signed, sha256).digest()
