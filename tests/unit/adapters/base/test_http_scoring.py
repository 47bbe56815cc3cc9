import asyncio

import pytest
from aiohttp import web

from adapters.base import NativeRequest, Response
from adapters.base.http_scoring import native_response, post
from adapters.testing.emulator import Emulator
from gateway.transport import HttpTransport
from schemas.errors import EngineRefusedError, EngineUnavailableError


class Echo(Emulator):
    def __init__(self) -> None:
        super().__init__([web.post("/score", self._score, name="score")])
        self.headers: dict[str, str] = {}

    async def _score(self, request: web.Request) -> web.Response:
        self.headers = {name.lower(): value for name, value in request.headers.items()}
        return web.Response(body=await request.read(), content_type="text/csv")


async def posted(url, request, headers=None):
    async with HttpTransport() as transport:
        deadline = asyncio.get_running_loop().time() + 30
        return await post(transport, "Model credit", url, request, headers=headers or {}, deadline=deadline)


async def test_a_request_goes_with_its_bare_type_and_the_headers_of_the_configuration():
    request = NativeRequest(
        b"1,2",
        "text/csv; charset=utf-8",
        "application/json",
        {"authorization": "theirs", "Accept": "theirs", "Content-Type": "theirs", "X-Extra": "1"},
    )
    async with Echo() as emulator:
        response = await posted(f"{emulator.url}/score", request, {"Authorization": "Bearer ours"})
        sent = emulator.headers
    assert response.body == b"1,2"
    assert (sent["content-type"], sent["accept"]) == ("text/csv", "application/json")
    assert (sent["authorization"], sent["x-extra"]) == ("Bearer ours", "1")


async def test_what_was_not_sent_may_be_retried():
    with pytest.raises(EngineUnavailableError, match="Model credit") as raised:
        await posted("http://127.0.0.1:1/score", NativeRequest(b"", "text/csv"))
    assert raised.value.retryable


@pytest.mark.parametrize("status", [200, 201])
def test_a_success_is_the_answer(status):
    response = Response(status, {"content-type": "text/csv"}, b"1")
    answer = native_response("Model credit", response)
    assert (answer.status, answer.body, answer.content_type) == (status, b"1", "text/csv")


@pytest.mark.parametrize("status", [429, 503])
def test_a_platform_that_cant_take_a_call_is_asked_twice_at_most(status):
    with pytest.raises(EngineUnavailableError) as raised:
        native_response("Model credit", Response(status, {}, b""))
    assert (raised.value.retryable, raised.value.max_attempts) == (True, 2)


@pytest.mark.parametrize("status", [302, 400, 500])
def test_anything_else_is_an_error(status):
    with pytest.raises(EngineRefusedError) as raised:
        native_response("Model credit", Response(status, {}, b""))
    assert raised.value.engine_status == status
