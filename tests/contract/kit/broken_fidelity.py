"""Engines that take one call for another: see `broken_engines`."""

import asyncio
from typing import Any, ClassVar

import msgspec

from adapters.base import CallContext, NativeRequest
from adapters.testing.conformance import EngineConformance, KnownCall
from tests.contract.kit.broken_engines import Sound, case_of, counterpart_with

ONE_AFTER_ANOTHER = "test_calls_one_after_another_get_the_answers_of_their_own_endpoints_to_their_own_requests"
AT_THE_SAME_TIME = "test_calls_at_the_same_time_get_the_answers_of_their_own_endpoints_to_their_own_requests"
ITS_OWN = "Call the endpoint that `invoke` is given"


class TestAmbiguous(EngineConformance):
    call = KnownCall("credit", NativeRequest(b"", "text/csv"), b"1")
    case = case_of(Sound, start=counterpart_with(others=[call, call]))
    fails: ClassVar = {"test_the_answers_of_its_case_tell_its_calls_apart": "answer each of `others` with another body"}


class Mixing(Sound):
    """Returns the answer that came last to all who wait for one."""

    def __init__(self, engine: Any, settings: Any) -> None:
        super().__init__(engine, settings)
        self._quiet = asyncio.Event()

    async def invoke(self, endpoint: Any, request: Any, context: Any) -> Any:
        self._calls += 1
        self._last = await super().invoke(endpoint, request, context)
        self._calls -= 1
        if not self._calls:
            self._quiet.set()
        await self._quiet.wait()
        return self._last


class TestMixing(EngineConformance):
    case = case_of(Mixing)
    fails: ClassVar = {AT_THE_SAME_TIME: ITS_OWN}


class Repeating(Sound):
    """Sends the first request that it was given, for ever."""

    _first: Any = None

    async def invoke(self, endpoint: Any, request: Any, context: Any) -> Any:
        self._first = self._first or request
        return await super().invoke(endpoint, self._first, context)


class TestRepeating(EngineConformance):
    case = case_of(Repeating)
    fails: ClassVar = {ONE_AFTER_ANOTHER: ITS_OWN, AT_THE_SAME_TIME: ITS_OWN}


class Faithful(Sound):
    """Calls the first endpoint that it was given, for ever."""

    _first: Any = None

    async def invoke(self, endpoint: Any, request: Any, context: Any) -> Any:
        self._first = self._first or endpoint
        return await super().invoke(self._first, request, context)


class TestFaithful(EngineConformance):
    case = case_of(Faithful)
    fails: ClassVar = {ONE_AFTER_ANOTHER: ITS_OWN, AT_THE_SAME_TIME: ITS_OWN}


class Headless(Sound):
    """Sends nothing but the body."""

    async def invoke(self, endpoint: Any, request: Any, context: Any) -> Any:
        bare = NativeRequest(request.body, "application/octet-stream")
        return await super().invoke(endpoint, bare, CallContext("", context.deadline))


class TestHeadless(EngineConformance):
    case = case_of(Headless)
    fails: ClassVar = {
        "test_a_request_goes_out_in_its_media_type_and_with_its_headers": "Send `content_type` as Content-Type",
        "test_the_platform_is_told_the_scoring_id": "Send `context.scoring_id` in `scoring_id_header`",
    }


class Undemanding(Sound):
    """Takes answers of any media type."""

    async def invoke(self, endpoint: Any, request: Any, context: Any) -> Any:
        return await super().invoke(endpoint, msgspec.structs.replace(request, accept=None), context)


class TestUndemanding(EngineConformance):
    case = case_of(Undemanding)
    fails: ClassVar = {"test_a_request_goes_out_in_its_media_type_and_with_its_headers": "Send `accept` as Accept"}


class Selective(Sound):
    """Sends no header but its own."""

    async def invoke(self, endpoint: Any, request: Any, context: Any) -> Any:
        return await super().invoke(endpoint, msgspec.structs.replace(request, headers={}), context)


class TestSelective(EngineConformance):
    case = case_of(Selective)
    fails: ClassVar = {"test_a_request_goes_out_in_its_media_type_and_with_its_headers": "Send `headers` beside those"}
