"""An engine whose answers a test writes, and answers to give it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from msgspec import json

from adapters.base import CallContext, Engine, EnginePlugin, NativeRequest, NativeResponse, Transport
from schemas.configuration import EngineSettings
from schemas.deployment import Endpoint

Answer = Callable[[NativeRequest], Awaitable[NativeResponse]]

ENDPOINT = Endpoint(name="model")


async def first_cells(request: NativeRequest) -> NativeResponse:
    """Predict of each row what its first cell says: order can be seen."""
    values = json.decode(request.body)["values"]
    return answered({"fields": ["prediction"], "values": [[row[0]] for row in values]})


def answered(body: Any) -> NativeResponse:
    """A success with this JSON, or these bytes."""
    return NativeResponse(200, body if isinstance(body, bytes) else json.encode(body), "application/json")


def says(body: Any) -> Answer:
    """Always answer this."""

    async def answer(_: NativeRequest) -> NativeResponse:
        return answered(body)

    return answer


def raises(error: BaseException) -> Answer:
    """Always fail with this."""

    async def answer(_: NativeRequest) -> NativeResponse:
        raise error

    return answer


def in_turn(*answers: Answer) -> Answer:
    """Answer as each of these, one after another, and then as the last for ever."""
    left = list(answers)

    async def answer(request: NativeRequest) -> NativeResponse:
        return await (left.pop(0) if len(left) > 1 else left[0])(request)

    return answer


async def never(_: NativeRequest) -> NativeResponse:
    """Answer nothing, for ever."""
    await asyncio.Event().wait()
    raise AssertionError


class Held:
    """Answers when `release` is set; `asked` is set while somebody waits."""

    def __init__(self, answer: Answer = first_cells) -> None:
        self.asked = asyncio.Event()
        self.release = asyncio.Event()
        self._answer = answer

    async def __call__(self, request: NativeRequest) -> NativeResponse:
        self.asked.set()
        await self.release.wait()
        return await self._answer(request)


class ScriptedEngine:
    """Answers as told, and remembers what it was asked.

    Attributes:
        answer: makes the answers; may be replaced at any time.
        requests: what was asked, in order; `contexts` likewise.
        at_once: most requests that were under way at the same time.
    """

    def __init__(
        self, answer: Answer = first_cells, endpoints: Sequence[Endpoint] = (ENDPOINT,), found: Sequence[Endpoint] = ()
    ) -> None:
        self.answer = answer
        self.requests: list[NativeRequest] = []
        self.contexts: list[CallContext] = []
        self.at_once = 0
        self._under_way = 0
        self._endpoints = endpoints
        self.found: Sequence[Endpoint] | Exception = found

    def configured(self) -> Sequence[Endpoint]:
        return self._endpoints

    async def endpoints(self) -> Sequence[Endpoint]:
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    async def invoke(self, endpoint: Endpoint, request: NativeRequest, context: CallContext) -> NativeResponse:
        self.requests.append(request)
        self.contexts.append(context)
        self._under_way += 1
        self.at_once = max(self.at_once, self._under_way)
        try:
            return await self.answer(request)
        finally:
            self._under_way -= 1

    def plugin(self) -> EnginePlugin:
        """Return the descriptor of a kind whose every connection is this engine."""

        @asynccontextmanager
        async def connect(settings: EngineSettings, transport: Transport) -> AsyncIterator[Engine]:
            yield self

        return EnginePlugin(kind="scripted", settings=EngineSettings, connect=connect, timeout_seconds=5.0)
