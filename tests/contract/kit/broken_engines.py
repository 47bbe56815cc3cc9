"""Engines that break one promise each, under the kit: run by test_kit.py in a process of its own, where they fail.

`fails` names the tests that have to fail, with words of what they say.
"""

import asyncio
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import msgspec

from adapters.base import EnginePlugin
from adapters.engines import custom
from adapters.testing.conformance import EngineConformance
from schemas.deployment import Limits
from schemas.errors import EngineError, EngineRefusedError, EngineReplyError, EngineTimeoutError, EngineUnavailableError
from tests.contract.engines.case_custom import CUSTOM

LATE = 60.0


class Sound:
    """Passes on what an engine does; those below make a mistake on the way."""

    def __init__(self, engine: Any, settings: Any) -> None:
        self._engine = engine
        self._settings = settings
        self._calls = 0

    def configured(self) -> Any:
        return self._engine.configured()

    async def endpoints(self) -> Any:
        return await self._engine.endpoints()

    async def invoke(self, endpoint: Any, request: Any, context: Any) -> Any:
        return await self._engine.invoke(endpoint, request, context)


class Boundless:
    """A transport that is asked for answers of any size."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    async def request(self, method: str, url: str, *, max_bytes: int | None = None, **options: Any) -> Any:
        return await self._transport.request(method, url, **options)


def case_of(engine: type[Sound], *, boundless: bool = False, **changes: Any) -> Any:
    @asynccontextmanager
    async def connect(settings: Any, transport: Any) -> Any:
        async with custom.plugin.connect(settings, Boundless(transport) if boundless else transport) as connected:
            yield engine(connected, settings)

    plugin = EnginePlugin(kind="broken", settings=custom.plugin.settings, connect=connect)
    failures = [failure for failure in CUSTOM.failures if failure.engine_status == 504]
    return msgspec.structs.replace(CUSTOM, **({"plugin": plugin, "failures": failures} | changes))


def fresh(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


class TestOfAnotherApi(EngineConformance):
    case = case_of(Sound, plugin=EnginePlugin(kind="", settings=custom.plugin.settings, connect=custom.plugin.connect))
    fails: ClassVar = {"test_its_descriptor_names_its_kind_and_the_api": "assert ''"}


def counterpart_with(**changes: Any) -> Any:
    @asynccontextmanager
    async def started() -> Any:
        async with CUSTOM.start() as counterpart:
            yield msgspec.structs.replace(counterpart, **changes)

    return started


class TestWithoutFailures(EngineConformance):
    case = case_of(Sound, failures=[])
    fails: ClassVar = {
        "test_its_case_says_what_its_platforms_failures_become": "List the platform's errors in `failures`"
    }


class Fickle(Sound):
    def configured(self) -> Any:
        self._calls += 1
        return [msgspec.structs.replace(item, description=str(self._calls)) for item in self._engine.configured()]

    async def endpoints(self) -> Any:
        self._calls += 1
        found = await self._engine.endpoints()
        return [msgspec.structs.replace(item, description=str(self._calls)) for item in found]


class TestFickle(EngineConformance):
    case = case_of(Fickle)
    fails: ClassVar = {
        "test_connecting_and_the_configured_endpoints_need_no_network": "assert [Endpoint(",
        "test_discovery_lists_what_scores_and_the_same_again": "Nothing has changed at the platform",
    }


class Unconfigured(Sound):
    """Knows endpoints by discovery alone, which its case doesn't say."""

    def configured(self) -> Any:
        return []


class TestUnconfigured(EngineConformance):
    case = case_of(Unconfigured)
    fails: ClassVar = {
        "test_connecting_and_the_configured_endpoints_need_no_network": "say `discovery_only=True` in the case",
    }


class TestBoundless(EngineConformance):
    case = case_of(Sound, boundless=True)
    fails: ClassVar = {
        "test_discovery_is_bounded_in_bytes_and_time": "Pass `max_bytes` to the transport",
        "test_every_exchange_of_a_call_is_bounded_in_bytes_and_by_the_deadline": "Pass `max_bytes` to the transport",
    }


def going_on(step: Any) -> Any:
    """Start what goes on when its caller is cancelled; its failure is nobody's business then."""
    task = asyncio.ensure_future(step)
    task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    return task


class Stubborn(Sound):
    async def endpoints(self) -> Any:
        asking = going_on(self._engine.endpoints())
        try:
            return await asyncio.shield(asking)
        except asyncio.CancelledError:
            return await asking

    async def invoke(self, endpoint: Any, request: Any, context: Any) -> Any:
        return await asyncio.shield(going_on(self._engine.invoke(endpoint, request, context)))


class TestStubborn(EngineConformance):
    case = case_of(Stubborn)
    fails: ClassVar = {
        "test_cancelling_discovery_ends_it_at_once": "Cancelled, it has to end at once",
        "test_cancelling_a_call_closes_its_exchange": "TimeoutError",
    }


class Misdescribing(Sound):
    async def endpoints(self) -> Any:
        found = await self._engine.endpoints()
        changes = {"created_at": "2026-01-01 10:00", "native": {"ports": (80, 81)}, "limits": Limits(max_parallel=9)}
        return [msgspec.structs.replace(item, **changes) for item in found]

    async def invoke(self, endpoint: Any, request: Any, context: Any) -> Any:
        if "of" in endpoint.native:
            raise KeyError("url")
        return await super().invoke(self._engine.configured()[0], request, context)


class TestMisdescribing(EngineConformance):
    case = case_of(Misdescribing)
    fails: ClassVar = {
        "test_endpoints_carry_dates_assets_and_limits_in_their_one_form": "endswith",
        "test_a_discovered_endpoint_scores_and_so_does_its_persisted_copy": "assert Endpoint(",
        "test_an_endpoint_that_another_release_persisted_is_scored_or_refused_with_our_error": "KeyError",
        "test_an_endpoint_carries_the_limits_of_its_platform_or_its_settings": "Larger batches are split by",
    }


class Mistaken(Sound):
    """Takes every error for another."""

    async def endpoints(self) -> Any:
        try:
            return await self._engine.endpoints()
        except EngineError:
            return []

    async def invoke(self, endpoint: Any, request: Any, context: Any) -> Any:
        try:
            return await self._engine.invoke(endpoint, request, context)
        except EngineUnavailableError as error:
            raise EngineUnavailableError(error.message, retryable=not error.retryable) from error
        except EngineReplyError as error:
            raise EngineUnavailableError(error.message, retryable=True) from error
        except (EngineRefusedError, EngineTimeoutError) as error:
            raise EngineReplyError(error.message) from error


class TestMistaken(EngineConformance):
    case = case_of(Mistaken)
    fails: ClassVar = {
        "test_a_failure_becomes_our_error": "EngineTimeoutError",
        "test_wrong_credentials_are_refused_in_scoring_and_discovery": "EngineReplyError",
        "test_discovery_reports_a_control_plane_that_fails_and_recovers_with_it": "DID NOT RAISE",
        "test_an_answer_beyond_the_bound_is_no_reply_and_must_not_be_asked_for_again": "EngineUnavailableError",
        "test_a_lost_connection_must_not_be_retried": "assert not True",
        "test_what_was_never_sent_may_be_retried": "assert False",
    }


class Resentful(Sound):
    """Remembers an error for ever, scores one call at a time, and every call twice."""

    async def invoke(self, endpoint: Any, request: Any, context: Any) -> Any:
        self._calls += 1
        if self._calls > 1:
            raise EngineUnavailableError("Broken, or busy.")
        await super().invoke(endpoint, request, context)
        answer = await super().invoke(endpoint, request, context)
        self._calls = 0
        return msgspec.structs.replace(answer, body=answer.body[: 2**20])


class TestResentful(EngineConformance):
    case = case_of(Resentful)
    fails: ClassVar = {
        "test_it_recovers_with_its_platform": "Broken, or busy.",
        "test_calls_may_be_under_way_at_the_same_time": "Broken, or busy.",
        "test_a_call_is_one_exchange_and_returns_the_platforms_bytes": "assert 2 == 1",
        "test_a_large_answer_comes_back_whole": "assert b'",
    }


class Patient(Sound):
    async def invoke(self, endpoint: Any, request: Any, context: Any) -> Any:
        return await super().invoke(endpoint, request, msgspec.structs.replace(context, deadline=fresh(LATE)))


class TestPatient(EngineConformance):
    case = case_of(Patient)
    fails: ClassVar = {
        "test_every_exchange_of_a_call_is_bounded_in_bytes_and_by_the_deadline": "Pass `context.deadline`",
        "test_silence_ends_at_the_deadline_and_must_not_be_retried": "TimeoutError",
        "test_a_deadline_in_the_past_ends_at_once_and_calls_nobody": "DID NOT RAISE",
    }
