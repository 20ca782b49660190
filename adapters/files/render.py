"""The headers under which a file goes out: a browser saves it, and runs nothing of it. Pure."""

from __future__ import annotations

import re
from urllib.parse import quote

from storage.attachments import Attachment

# Browsers draw these themselves; everything else is saved, SVG above all, which is a program.
INLINE = {"image/png", "image/jpeg", "image/gif", "image/webp"}
# What may stand unquoted in an ext-value (RFC 8187 §3.2.1), beyond what `quote` leaves alone.
_ATTR_CHARS = "!#$&+^`|"


def file_headers(attachment: Attachment) -> dict[str, str]:
    """All headers of the answer but those of HTTP itself."""
    return {
        "Content-Type": attachment.file_type,
        "Content-Length": str(attachment.size_bytes),
        "Content-Disposition": disposition(attachment.file_name, inline=attachment.file_type in INLINE),
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "private, no-store",
        # The widget shows pictures on pages of any origin; without the link there is nothing to read.
        "Cross-Origin-Resource-Policy": "cross-origin",
    }


def disposition(name: str, *, inline: bool) -> str:
    """Content-Disposition with the name twice: in ASCII for old clients, and as it is (RFC 6266 §4.3)."""
    plain = re.sub(r"[^ !#-$&-\[\]-~]", "_", name)
    way = "inline" if inline else "attachment"
    return f"{way}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe=_ATTR_CHARS)}"
