"""The widget's files, and the demo page with its strict Content-Security-Policy."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from aiohttp import web

from adapters.web.exchange import Endpoint

_HERE = Path(__file__).parent
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".svg": "image/svg+xml",
}
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)


def widget_routes() -> list[web.RouteDef]:
    """`/widget.js` and the modules it loads, for pages of any origin."""
    headers = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
    return [
        web.get("/widget.js" if path.name == "widget.js" else f"/widget/{path.name}", _file(path, headers))
        for path in sorted((_HERE / "widget").glob("*.js"))
    ]


def demo_routes() -> list[web.RouteDef]:
    """The demo page at `/`, which `run` mounts."""
    headers = {
        "Content-Security-Policy": PAGE_POLICY,
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    return [
        web.get("/" if path.name == "index.html" else f"/demo/{path.name}", _file(path, headers))
        for path in sorted((_HERE / "demo").iterdir())
        if path.suffix in _TYPES
    ]


def _file(path: Path, extra: dict[str, str]) -> Endpoint:
    """Serve one file, read once; browsers ask again each time and mostly get a 304."""
    content = path.read_bytes()
    tag = f'"{sha256(content).hexdigest()[:20]}"'
    headers = {
        "Content-Type": _TYPES[path.suffix],
        "ETag": tag,
        "Cache-Control": "no-cache",
        "X-Content-Type-Options": "nosniff",
        **extra,
    }

    async def endpoint(request: web.Request) -> web.StreamResponse:
        if tag in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers=headers)
        return web.Response(body=content, headers=headers)

    return endpoint
