"""As much of S3's protocol as an object store client speaks, over HTTP, with its objects to look at."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from aiohttp import web
from aiohttp.test_utils import TestServer


@dataclass
class S3Server:
    """One bucket. `is_away` answers everything with 503; `cuts` ends each object in its middle."""

    objects: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    is_away: bool = False
    cuts: bool = False
    url: str = ""

    def environment(self) -> dict[str, str]:
        """What points a client at this server."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "an-id",
            "AWS_SECRET_ACCESS_KEY": "a-secret",
            "AWS_REGION": "eu-central-1",
        }

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        query, key = request.query, request.match_info["key"]
        self.calls.append(
            f"{request.method} {'&'.join(sorted(set(query) & {'uploads', 'uploadId', 'delete'}))}".strip()
        )
        if self.is_away:
            return web.Response(status=503)
        if "AWS4-HMAC-SHA256 Credential=an-id/" not in request.headers.get("Authorization", ""):
            return web.Response(status=403)
        match request.method:
            case "PUT" if "uploadId" in query:
                self.uploads[query["uploadId"]][int(query["partNumber"])] = body
                return web.Response(headers={"ETag": _tag(body)})
            case "PUT":
                self.objects[key] = body
                return web.Response(headers={"ETag": _tag(body)})
            case "POST" if "uploads" in query:
                upload = f"upload-{len(self.calls)}"
                self.uploads[upload] = {}
                return _xml("InitiateMultipartUploadResult", f"<UploadId>{upload}</UploadId>")
            case "POST" if "uploadId" in query:
                parts = self.uploads.pop(query["uploadId"])
                self.objects[key] = b"".join(parts[number] for number in sorted(parts))
                return _xml(
                    "CompleteMultipartUploadResult", f"<ETag>{escape(_tag(self.objects[key]))}</ETag>"
                )
            case "POST" if "delete" in query:
                keys = re.findall(r"<Key>(.*?)</Key>", body.decode())
                for each in keys:
                    self.objects.pop(each, None)
                return _xml("DeleteResult", "".join(f"<Deleted><Key>{each}</Key></Deleted>" for each in keys))
            case "DELETE":
                self.uploads.pop(query["uploadId"], None) if "uploadId" in query else self.objects.pop(
                    key, None
                )
                return web.Response(status=204)
            case "GET" if not key:
                return self._list(query.get("prefix", ""))
            case _:
                return await self._get(request, key)

    def _list(self, prefix: str) -> web.Response:
        found = "".join(
            f"<Contents><Key>{key}</Key><Size>{len(content)}</Size><ETag>{escape(_tag(content))}</ETag>"
            "<LastModified>2026-03-02T09:00:00.000Z</LastModified></Contents>"
            for key, content in sorted(self.objects.items())
            if key.startswith(prefix)
        )
        return _xml("ListBucketResult", f"<IsTruncated>false</IsTruncated>{found}")

    async def _get(self, request: web.Request, key: str) -> web.StreamResponse:
        content = self.objects.get(key)
        if content is None:
            return web.Response(status=404, text="<Error><Code>NoSuchKey</Code></Error>")
        part = content[request.http_range]
        start = request.http_range.start or 0
        headers = {
            "ETag": _tag(content),
            "Last-Modified": "Mon, 02 Mar 2026 09:00:00 GMT",
            "Content-Range": f"bytes {start}-{start + len(part) - 1}/{len(content)}",
        }
        if not self.cuts:
            return web.Response(status=206, body=part, headers=headers)
        response = web.StreamResponse(status=206, headers={**headers, "Content-Length": str(len(part))})
        await response.prepare(request)
        await response.write(part[: len(part) // 2])
        assert request.transport is not None
        request.transport.abort()
        return response


@asynccontextmanager
async def s3_server() -> AsyncIterator[S3Server]:
    """A running server; `url` is its endpoint."""
    server = S3Server()
    app = web.Application(client_max_size=100_000_000)
    app.router.add_route("*", "/bucket{slash:/?}{key:.*}", server.answer)
    async with TestServer(app) as running:
        server.url = str(running.make_url("")).rstrip("/")
        yield server


def _tag(content: bytes) -> str:
    return f'"{hashlib.md5(content).hexdigest()}"'


def _xml(name: str, inside: str) -> web.Response:
    return web.Response(text=f"<{name}>{inside}</{name}>", content_type="application/xml")
