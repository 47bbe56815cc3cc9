"""`/metrics`."""

import asyncio
from collections.abc import Sequence

from aiohttp import web

from gateway.api.routes import Route
from gateway.metrics import CONTENT_TYPE, Exposition


class MetricsRoute:
    """`GET /metrics`, rendered in a thread: a scrape reads the spool."""

    def __init__(self, exposition: Exposition) -> None:
        self._exposition = exposition

    def routes(self) -> Sequence[Route]:
        """Return the route."""
        return [Route("GET", "/metrics", "operations", self.get)]

    async def get(self, request: web.Request) -> web.Response:
        """Return all metrics in the text format."""
        text = await asyncio.to_thread(self._exposition.render)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE})
