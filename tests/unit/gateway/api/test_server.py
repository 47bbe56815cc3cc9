from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from gateway.api.access import Gate, access_policy
from gateway.api.auth import Authenticator
from gateway.api.draining import Draining
from gateway.api.guard import Guard
from gateway.api.routes import Route
from gateway.api.server import application
from gateway.metrics import Metrics
from schemas.configuration import AuthSettings, ServerSettings

Client = TestClient[web.Request, web.Application]


async def fine(request: web.Request) -> web.Response:
    return web.Response(text=f"{request.method} {request.match_info.get('name')}")


@pytest.fixture
async def client(aiohttp_client: Callable[[web.Application], Awaitable[Client]]) -> Client:
    settings = AuthSettings(mode="none")
    guard = Guard(Gate(Authenticator(settings), access_policy(settings, ServerSettings())), Metrics(), Draining(1.0))
    routes = [
        Route("GET", "/things", "discovery", fine),
        Route("GET", "/things/{name}", "discovery", fine),
        Route("POST", "/things/{name}", "scoring", fine),
        Route("POST", "/things/{name}/online", "scoring", fine),
    ]
    return await aiohttp_client(application(routes, guard, max_body_bytes=1000))


async def test_routes_are_told_apart_by_path_and_method(client: Client) -> None:
    assert await (await client.get("/things")).text() == "GET None"
    assert await (await client.get("/things/a")).text() == "GET a"
    assert await (await client.post("/things/a")).text() == "POST a"
    assert await (await client.post("/things/a/online")).text() == "POST a"
    assert (await client.head("/things")).status == 200


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/things", "GET"),
        ("PUT", "/things/a", "GET, POST"),
        ("GET", "/things/a/online", "POST"),
        ("OPTIONS", "/things/a/online", "POST"),
        ("PROPFIND", "/things", "GET"),
    ],
)
async def test_wrong_method_is_told_the_right_ones(client: Client, method: str, path: str, allowed: str) -> None:
    response = await client.request(method, path)
    assert response.status == 405
    assert response.headers["Allow"] == allowed
    body = await response.json()
    assert body["errors"][0]["code"] == "method_not_allowed"
    assert body["trace"] == response.headers["X-Scoring-Id"]


@pytest.mark.parametrize("path", ["/", "/thing", "/things/", "/things/a/b", "/things/a/online/x"])
async def test_any_other_path_is_a_404_with_an_error_body(client: Client, path: str) -> None:
    response = await client.get(path)
    assert response.status == 404
    (error,) = (await response.json())["errors"]
    assert error["code"] == "not_found"
    assert "/v1/deployments" in error["message"]
