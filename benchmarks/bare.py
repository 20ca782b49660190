"""Contender (a): a bare aiohttp + asyncpg webhook. It listens on PORT: `python -m benchmarks.bare URL TENANT`."""

from __future__ import annotations

import os
import sys

import orjson
import uvloop
from aiohttp import web

from benchmarks.bare_rows import BareRows, open_pool
from benchmarks.serving import until_stopped


async def main(port: int, url: str, tenant_id: str) -> None:
    pool = await open_pool(url)
    rows = BareRows(pool, tenant_id)

    async def webhook(request: web.Request) -> web.Response:
        event = orjson.loads(await request.read())
        answer = await rows.turn(event["number"], event["id"], event["text"])
        return web.Response(body=orjson.dumps({"answer": answer}), content_type="application/json")

    app = web.Application()
    app.router.add_post("/webhook", webhook)
    try:
        await until_stopped(app, port)
    finally:
        await pool.close()


if __name__ == "__main__":
    uvloop.run(main(int(os.environ["PORT"]), sys.argv[1], sys.argv[2]))
