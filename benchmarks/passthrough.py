"""The baseline: a bare pass-through proxy. It authenticates nobody, translates nothing and keeps nothing.

python -m benchmarks.passthrough UPSTREAM_URL PORT
"""

import sys
from collections.abc import AsyncIterator

import aiohttp
import uvloop
from aiohttp import web

UPSTREAM = web.AppKey("upstream", aiohttp.ClientSession)


async def forward(request: web.Request) -> web.Response:
    headers = {"Content-Type": request.content_type}
    async with request.app[UPSTREAM].post(request.path, data=await request.read(), headers=headers) as answer:
        return web.Response(status=answer.status, body=await answer.read(), content_type=answer.content_type)


async def connected(app: web.Application) -> AsyncIterator[None]:
    async with aiohttp.ClientSession(sys.argv[1]) as app[UPSTREAM]:
        yield


if __name__ == "__main__":
    proxy = web.Application()
    proxy.cleanup_ctx.append(connected)
    proxy.router.add_post("/{path:.*}", forward)
    web.run_app(proxy, host="127.0.0.1", port=int(sys.argv[2]), access_log=None, loop=uvloop.new_event_loop())
