"""The handlers of `/openapi.json` and `/docs`."""

import asyncio
from collections.abc import Mapping, Sequence

from aiohttp import hdrs, web
from msgspec import json

from gateway.api.access import AccessPolicy
from gateway.api.docs_ui import ASSETS_PATH, CONTENT_SECURITY_POLICY, PAGE_PATH, Asset, assets, page
from gateway.api.errors import NoSuchRouteError
from gateway.api.openapi import openapi_document
from gateway.api.routes import Route, arrival
from gateway.api.urls import BaseUrls


class OpenApiRoute:
    """`GET /openapi.json`."""

    def __init__(self, policy: AccessPolicy, base_urls: BaseUrls, version: str) -> None:
        self._policy = policy
        self._base_urls = base_urls
        self._version = version

    async def get(self, request: web.Request) -> web.Response:
        """Return the document, with the address that the caller used."""
        document = openapi_document(
            self._policy, version=self._version, base_url=self._base_urls.base(arrival(request))
        )
        return web.Response(body=json.encode(document), content_type="application/json")


class DocsRoutes:
    """`GET /docs` and the files of the page; they are read at the first request, in a thread."""

    def __init__(self) -> None:
        self._assets: Mapping[str, Asset] | None = None

    async def page(self, _: web.Request) -> web.Response:
        """Return the page."""
        return _response(page(), "no-cache")

    async def asset(self, request: web.Request) -> web.Response:
        """Return a file of the page.

        Raises:
            NoSuchRouteError: the page has no such file.
        """
        if self._assets is None:
            self._assets = await asyncio.to_thread(assets)
        asset = self._assets.get(request.match_info["asset"])
        if asset is None:
            raise NoSuchRouteError("The page has no such file.")
        return _response(asset, "private, max-age=86400")


def operations_routes(openapi: OpenApiRoute, docs: DocsRoutes) -> Sequence[Route]:
    """Return the routes of this module."""
    return [
        Route(hdrs.METH_GET, "/openapi.json", "operations", openapi.get),
        Route(hdrs.METH_GET, PAGE_PATH, "operations", docs.page),
        Route(hdrs.METH_GET, ASSETS_PATH, "operations", docs.asset),
    ]


def _response(asset: Asset, caching: str) -> web.Response:
    headers = {
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": caching,
    }
    return web.Response(body=asset.content, content_type=asset.media_type, charset="utf-8", headers=headers)
