"""The OpenScale emulator, keeping what is sent to it."""

from collections.abc import Mapping

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler
from msgspec import Struct

from adapters.testing.openscale import OpenScaleEmulator


class Exchange(Struct, frozen=True):
    """A request as it arrived, header names in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


class RecordingOpenScale(OpenScaleEmulator):
    """Also answers what IBM's SDK asks when it starts, with nothing in it."""

    def __init__(self) -> None:
        super().__init__()
        self.exchanges: list[Exchange] = []
        self._app.middlewares.insert(0, self._record)
        self._app.router.add_get("/openscale/{instance}/v2/monitor_definitions", self._no_monitors)

    def sent(self, method: str, end: str) -> Exchange:
        """Return the only request with this method and end of the path."""
        [exchange] = [one for one in self.exchanges if one.method == method and one.path.endswith(end)]
        return exchange

    @web.middleware
    async def _record(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = await request.read()
        self.exchanges.append(Exchange(request.method, request.path, dict(request.query), headers, body))
        return await handler(request)

    async def _no_monitors(self, request: web.Request) -> web.Response:
        return web.Response(body=msgspec.json.encode({"monitor_definitions": []}), content_type="application/json")
