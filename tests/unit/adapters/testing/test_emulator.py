import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from adapters.base import ConnectionLostError, Response
from adapters.testing.emulator import Emulator, Fault
from gateway.transport import HttpTransport


class Greeter(Emulator):
    """Greets at /hello, refuses at /no, and counts what its handlers were asked."""

    def __init__(self) -> None:
        super().__init__(
            [web.post("/hello", self._hello, name="hello"), web.post("/no", self._no, name="no")],
        )
        self.handled = 0

    async def _hello(self, request: web.Request) -> web.Response:
        self.handled += 1
        return web.json_response({"hello": "you"})

    async def _no(self, request: web.Request) -> web.Response:
        self.handled += 1
        raise web.HTTPConflict


@pytest.fixture
async def greeter() -> AsyncIterator[Greeter]:
    async with Greeter() as emulator:
        yield emulator


async def ask(transport: HttpTransport, url: str) -> Response:
    return await transport.request("POST", url, headers={}, deadline=asyncio.get_running_loop().time() + 10)


async def test_it_listens_on_loopback_and_counts_requests_by_route(greeter: Greeter, transport: HttpTransport) -> None:
    assert greeter.url.startswith("http://127.0.0.1:")
    await ask(transport, f"{greeter.url}/hello")
    await ask(transport, f"{greeter.url}/hello")
    await ask(transport, f"{greeter.url}/no")
    assert greeter.requests == {"hello": 2, "no": 1}


async def test_it_keeps_the_headers_of_the_newest_request_by_route(greeter: Greeter, transport: HttpTransport) -> None:
    deadline = asyncio.get_running_loop().time() + 10
    for value in ("first", "second"):
        await transport.request("POST", f"{greeter.url}/hello", headers={"X-Which": value}, deadline=deadline)
    assert greeter.last_headers["hello"]["x-which"] == "second"


async def test_it_counts_how_many_requests_were_under_way_at_once(greeter: Greeter, transport: HttpTransport) -> None:
    greeter.play(Fault(route="hello", delay_seconds=0.1, times=None))
    await asyncio.gather(*(ask(transport, f"{greeter.url}/hello") for _ in range(3)))
    await ask(transport, f"{greeter.url}/hello")
    await ask(transport, f"{greeter.url}/no")
    assert greeter.most_at_once == {"hello": 3, "no": 1}


async def test_faults_are_played_in_order_for_their_route_and_number_of_times(
    greeter: Greeter, transport: HttpTransport
) -> None:
    greeter.play(Fault(route="no", status=418), Fault(route="hello", status=503, times=2), Fault(status=500))
    statuses = [(await ask(transport, f"{greeter.url}/hello")).status for _ in range(4)]
    assert statuses == [503, 503, 500, 200]
    assert (await ask(transport, f"{greeter.url}/no")).status == 418


async def test_a_fault_without_end_is_played_until_recovery(greeter: Greeter, transport: HttpTransport) -> None:
    greeter.play(Fault(status=503, times=None, headers={"Retry-After": "1"}))
    answers = [await ask(transport, f"{greeter.url}/hello") for _ in range(3)]
    assert {(answer.status, answer.headers["retry-after"]) for answer in answers} == {(503, "1")}
    greeter.recover()
    assert (await ask(transport, f"{greeter.url}/hello")).status == 200


async def test_a_body_alone_replaces_that_of_the_normal_answer(greeter: Greeter, transport: HttpTransport) -> None:
    greeter.play(Fault(body=b"nonsense", content_type="text/plain"))
    answer = await ask(transport, f"{greeter.url}/hello")
    assert (answer.status, answer.body, greeter.handled) == (200, b"nonsense", 1)


async def test_a_delay_alone_is_followed_by_the_normal_answer(greeter: Greeter, transport: HttpTransport) -> None:
    greeter.play(Fault(delay_seconds=0.01))
    assert (await ask(transport, f"{greeter.url}/hello")).body == b'{"hello": "you"}'


@pytest.mark.parametrize(
    ("fault", "handled"),
    [
        (Fault(connection="reset"), 0),
        (Fault(connection="lose"), 1),
        (Fault(connection="truncate"), 1),
        (Fault(connection="truncate", status=200, body=b"half of this"), 0),
    ],
)
async def test_a_broken_connection_ends_without_an_answer(
    greeter: Greeter, transport: HttpTransport, fault: Fault, handled: int
) -> None:
    greeter.play(fault)
    with pytest.raises(ConnectionLostError):
        await ask(transport, f"{greeter.url}/hello")
    assert greeter.handled == handled
    assert (await ask(transport, f"{greeter.url}/hello")).status == 200


async def test_an_answer_that_the_handler_raises_is_lost_too(greeter: Greeter, transport: HttpTransport) -> None:
    greeter.play(Fault(connection="lose"))
    with pytest.raises(ConnectionLostError):
        await ask(transport, f"{greeter.url}/no")
    assert greeter.handled == 1


async def test_seen_returns_once_enough_requests_have_arrived(greeter: Greeter, transport: HttpTransport) -> None:
    greeter.play(Fault(delay_seconds=0.05))
    asking = asyncio.gather(*(ask(transport, f"{greeter.url}/hello") for _ in range(2)))
    async with asyncio.timeout(5):
        await greeter.seen("hello", 2)
    assert greeter.requests["hello"] == 2
    await asking


async def test_it_can_be_started_again_on_the_same_port(transport: HttpTransport) -> None:
    async with Greeter() as first:
        url = first.url
    second = Emulator([], port=int(url.rpartition(":")[2]))
    async with second:
        assert second.url == url
