from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from gateway.api.access import AccessPolicy
from gateway.api.docs_ui import assets
from gateway.api.errors import NoSuchRouteError
from gateway.api.operations import DocsRoutes, OpenApiRoute, operations_routes
from gateway.api.urls import BaseUrls
from schemas.configuration import ServerSettings

Client = Callable[[web.Application], Awaitable[TestClient[web.Request, web.Application]]]


@web.middleware
async def not_found(request: web.Request, handler: Callable[..., Awaitable[web.StreamResponse]]) -> web.StreamResponse:
    try:
        return await handler(request)
    except NoSuchRouteError:
        return web.Response(status=404)


@pytest.fixture
async def client(aiohttp_client: Client) -> TestClient[web.Request, web.Application]:
    openapi = OpenApiRoute(AccessPolicy("basic"), BaseUrls(ServerSettings()), "1.2.3")
    app = web.Application(middlewares=[not_found])
    for route in operations_routes(openapi, DocsRoutes()):
        assert route.kind == "operations"
        app.router.add_get(route.path, route.handler)
    return await aiohttp_client(app)


async def test_the_document_is_served_with_the_address_that_was_asked(
    client: TestClient[web.Request, web.Application],
) -> None:
    response = await client.get("/openapi.json")
    document = await response.json()
    assert response.content_type == "application/json"
    assert document["openapi"].startswith("3.1")
    assert document["info"]["version"] == "1.2.3"
    assert document["servers"] == [{"url": str(client.make_url("")).rstrip("/")}]


async def test_the_page_and_its_files_are_served_under_a_strict_policy(
    client: TestClient[web.Request, web.Application],
) -> None:
    types = {"/docs": "text/html"} | {f"/docs/{name}": asset.media_type for name, asset in assets().items()}
    assert len(types) == 4
    for path, media_type in types.items():
        response = await client.get(path)
        assert response.status == 200
        assert response.content_type == media_type
        assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert len(await response.read()) > 50


@pytest.mark.parametrize("name", ["index.html", "..%2f..%2fplugin.py", "%2e%2e"])
async def test_no_other_file_is_served(client: TestClient[web.Request, web.Application], name: str) -> None:
    assert (await client.get(f"/docs/{name}")).status == 404
