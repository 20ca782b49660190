"""The small pages that somebody sees who installs the app: no script, and nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from html import escape

from aiohttp import web

_STYLE = (
    "body{margin:0;font:1.05rem/1.55 system-ui,sans-serif;color:#1d2129;background:#f4f5f7}"
    "main{max-width:32rem;margin:16vh auto;padding:2rem;background:#fff;border-radius:.75rem;"
    "box-shadow:0 1px 4px #0002}h1{margin:0 0 .75rem;font-size:1.4rem}p{margin:.5rem 0}"
    "@media(prefers-color-scheme:dark){body{color:#e8eaed;background:#15181d}main{background:#20242b}}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    # The address of the page that asks for it holds a code and a state.
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


def page(status: int, title: str, *paragraphs: str, retry_after: float | None = None) -> web.Response:
    """A page of plain text; whatever it is given is escaped."""
    body = "".join(f"<p>{escape(each)}</p>" for each in paragraphs)
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
    response = web.Response(status=status, text=html, content_type="text/html", headers=HEADERS)
    if retry_after is not None:
        response.headers["Retry-After"] = str(max(1, round(retry_after)))
    return response
