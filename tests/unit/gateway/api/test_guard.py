"""What stands before and behind every handler, without the rest of a gateway."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from structlog.testing import capture_logs

from gateway.api.access import Gate, access_policy
from gateway.api.auth import Authenticator
from gateway.api.draining import Draining
from gateway.api.guard import CALLER, TRACE, Guard
from gateway.api.routes import Handler, Route
from gateway.metrics import Metrics
from schemas.caller import Caller
from schemas.configuration import AuthSettings, ClientSettings, ServerSettings
from schemas.errors import EngineRefusedError, ForbiddenError, InvalidRequestError, OverloadedError
from tests.fakes.gateways import basic

Client = TestClient[web.Request, web.Application]
ID = re.compile(r"[0-9a-f]{32}")
SETTINGS = AuthSettings(
    clients={
        "app": ClientSettings(password="p", role="application"),
        "monitor": ClientSettings(password="p", role="monitor"),
    }
)


class Guarded:
    """One route at `/x` behind a guard, and what was counted and seen."""

    def __init__(self, connect: Callable[[web.Application], Awaitable[Client]]) -> None:
        self._connect = connect
        self.metrics = Metrics()
        self.seen: list[Any] = []

    async def serve(self, handler: Handler, kind: Any = "scoring", settings: AuthSettings = SETTINGS) -> Client:
        authenticator = Authenticator(settings)
        guard = Guard(Gate(authenticator, access_policy(settings, ServerSettings())), self.metrics, Draining(1.0))
        app = web.Application()
        app.router.add_get("/x", guard.protect(Route("GET", "/x", kind, handler)))
        return await self._connect(app)

    def refused(self, reason: str) -> float:
        value = self.metrics.registry.get_sample_value("openscale_gateway_refused_requests_total", {"reason": reason})
        return value or 0.0

    async def remember(self, request: web.Request) -> web.Response:
        self.seen.append((request[TRACE], request[CALLER]))
        return web.Response(text="fine")


@pytest.fixture
def guarded(aiohttp_client: Callable[[web.Application], Awaitable[Client]]) -> Guarded:
    return Guarded(aiohttp_client)


def failing(error: Exception) -> Handler:
    async def handle(_: web.Request) -> web.StreamResponse:
        raise error

    return handle


async def test_handler_finds_an_id_and_the_caller(guarded: Guarded) -> None:
    client = await guarded.serve(guarded.remember)
    for _ in range(2):
        assert (await client.get("/x", headers=basic("app", "p"))).status == 200
    (first, caller), (second, _) = guarded.seen
    assert ID.fullmatch(first)
    assert first[:12] <= second[:12]
    assert first != second
    assert caller == Caller("app", "application")


async def test_nobody_passes_without_a_credential_and_the_challenge_says_how(guarded: Guarded) -> None:
    client = await guarded.serve(guarded.remember)
    for headers in ({}, basic("app", "wrong"), basic("nobody", "p"), {"Authorization": "Bearer token"}):
        response = await client.get("/x", headers=headers)
        assert response.status == 401
        assert response.headers["WWW-Authenticate"].startswith("Basic realm=")
        body = await response.json()
        assert body["trace"] == response.headers["X-Scoring-Id"]
    assert guarded.seen == []
    assert guarded.refused("unauthenticated") == 4


async def test_role_without_the_right_is_forbidden(guarded: Guarded) -> None:
    client = await guarded.serve(guarded.remember, "monitor")
    response = await client.get("/x", headers=basic("app", "p"))
    assert response.status == 403
    assert "monitor" in (await response.json())["errors"][0]["message"]
    assert guarded.refused("forbidden") == 1
    assert (await client.get("/x", headers=basic("monitor", "p"))).status == 200


async def test_public_routes_are_served_without_a_look_at_the_credential(guarded: Guarded) -> None:
    client = await guarded.serve(guarded.remember, "probe")
    assert (await client.get("/x", headers=basic("app", "wrong"))).status == 200


@pytest.mark.parametrize(
    ("error", "status", "counted"),
    [
        (InvalidRequestError("Bad.", target="values[1]"), 400, 1),
        (ForbiddenError("No."), 403, 1),
        (OverloadedError("Later.", retry_after=3.0), 429, 1),
        (EngineRefusedError("No."), 502, 0),
    ],
)
async def test_our_errors_are_answered_counted_once_and_logged(
    guarded: Guarded, error: Any, status: int, counted: int
) -> None:
    client = await guarded.serve(failing(error))
    with capture_logs() as log:
        response = await client.get("/x", headers=basic("app", "p"))
    assert response.status == status
    assert guarded.refused(error.code) == counted
    (line,) = log
    assert line["trace"] == (await response.json())["trace"]
    event = "engine failed" if status == 502 else "refused"
    assert (line["event"], line["code"], line["problem"]) == (event, error.code, error.message)


async def test_fault_of_ours_shows_neither_its_text_nor_a_traceback(guarded: Guarded) -> None:
    client = await guarded.serve(failing(ValueError("secret 4711")))
    with capture_logs() as log:
        response = await client.get("/x", headers=basic("app", "p"))
    assert response.status == 500
    assert "4711" not in await response.text()
    (line,) = log
    assert (line["event"], line["fault"], line["log_level"]) == ("fault", "ValueError", "error")
    assert "4711" not in str(line)
    assert any("test_guard.py" in place for place in line["places"])
    assert guarded.refused("gateway_error") == 1


@pytest.mark.parametrize(("transaction_id", "echoed"), [("loans-4711", True), ("x" * 129, False), ("", False)])
async def test_error_echoes_the_callers_own_id_where_it_fits(
    guarded: Guarded, transaction_id: str, echoed: bool
) -> None:
    for handler in (failing(InvalidRequestError("Bad.")), failing(ValueError())):
        client = await guarded.serve(handler)
        headers = basic("app", "p") | {"X-Global-Transaction-Id": transaction_id}
        with capture_logs():
            response = await client.get("/x", headers=headers)
        assert response.headers.get("X-Global-Transaction-Id") == (transaction_id if echoed else None)


async def test_request_that_outlives_the_end_of_serving_is_answered_with_500(
    aiohttp_client: Callable[[web.Application], Awaitable[Client]],
) -> None:
    begun, draining = asyncio.Event(), Draining(0.01)

    async def hang(_: web.Request) -> web.StreamResponse:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    settings = AuthSettings(mode="none")
    guard = Guard(Gate(Authenticator(settings), access_policy(settings, ServerSettings())), Metrics(), draining)
    app = web.Application()
    app.router.add_get("/x", guard.protect(Route("GET", "/x", "scoring", hang)))
    client = await aiohttp_client(app)
    asked = asyncio.create_task(client.get("/x"))
    await begun.wait()
    with capture_logs():
        await draining.finish()
    response = await asked
    assert response.status == 500
    assert "stopping" in (await response.json())["errors"][0]["message"]
