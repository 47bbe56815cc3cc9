"""Sinks that answer one question wrongly about what they hold: see `broken_engines`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any, ClassVar

import msgspec

from adapters.base import Held, SinkPlugin
from adapters.sinks import openscale
from adapters.testing.conformance import AuditableSinkConformance, SinkBench, SinkConformance
from adapters.testing.conformance.records import DEPLOYMENT
from schemas.errors import SinkUnavailableError
from tests.contract.sinks.case_openscale import OpenScaleBench
from tests.contract.sinks.case_webhook import WebhookBench


class Auditing(SinkConformance, AuditableSinkConformance):
    """Both suites: the first brings the bench."""


class Sound:
    """Passes on what a sink does; those below make a mistake on the way."""

    def __init__(self, sink: Any, settings: Any) -> None:
        self._sink = sink
        self._settings = settings

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sink, name)

    async def held(self, deployment_id: str, *, start: Any, end: Any, deadline: float) -> AsyncIterator[Held]:
        async for one in self._sink.held(deployment_id, start=start, end=end, deadline=deadline):
            yield one


def bench_of(sink: type[Sound]) -> type[SinkBench]:
    @asynccontextmanager
    async def connect(settings: Any, transport: Any) -> Any:
        async with openscale.plugin.connect(settings, transport) as connected:
            yield sink(connected, settings)

    plugin = SinkPlugin(kind="broken", settings=openscale.plugin.settings, connect=connect)
    return type("Bench", (OpenScaleBench,), {"plugin": plugin})


class TestSilent(Auditing):
    """A sink that can't be asked at all."""

    case = WebhookBench
    fails: ClassVar = {"test_it_can_be_asked_what_it_holds": "Give the sink the method `held`"}


class Doubling(Sound):
    """Counts each row twice."""

    async def held(self, deployment_id: str, **asked: Any) -> AsyncIterator[Held]:
        async for one in super().held(deployment_id, **asked):
            yield msgspec.structs.replace(one, rows=one.rows * 2)


class TestDoubling(Auditing):
    case = bench_of(Doubling)
    fails: ClassVar = {"test_it_holds_the_rows_of_what_was_delivered_and_nothing_before": "each once"}


class Rounding(Sound):
    """Asks from second to second."""

    def held(self, deployment_id: str, *, start: Any, end: Any, deadline: float) -> AsyncIterator[Held]:
        later = end.replace(microsecond=0) + timedelta(seconds=1)
        return super().held(deployment_id, start=start, end=later, deadline=deadline)


class TestRounding(Auditing):
    case = bench_of(Rounding)
    fails: ClassVar = {"test_it_tells_a_time_to_the_microsecond_with_its_end_outside": "Compare whole timestamps"}


class Shortsighted(Sound):
    """Looks at no more than a day, and a thousand records, of always the same deployment."""

    async def held(self, deployment_id: str, *, start: Any, end: Any, deadline: float) -> AsyncIterator[Held]:
        held = super().held(DEPLOYMENT, start=start, end=min(end, start + timedelta(days=1)), deadline=deadline)
        n_records = 0
        async for one in held:
            n_records += 1
            if n_records > 1000:
                return
            yield one


class TestShortsighted(Auditing):
    case = bench_of(Shortsighted)
    fails: ClassVar = {
        "test_it_finds_what_began_on_any_day_of_the_time": "Look into every day",
        "test_it_holds_nothing_of_a_deployment_that_it_knows_nothing_of": "Yield what belongs to `deployment_id`",
        "test_it_holds_more_than_a_page": "Ask for one page after another",
    }


class Comforting(Sound):
    """Says that nothing is held where it can't be told."""

    async def held(self, deployment_id: str, **asked: Any) -> AsyncIterator[Held]:
        with suppress(SinkUnavailableError):
            async for one in super().held(deployment_id, **asked):
                yield one


class TestComforting(Auditing):
    case = bench_of(Comforting)
    fails: ClassVar = {
        "test_nobody_there_to_be_asked_is_unavailable_and_no_secret_is_told": "DID NOT RAISE",
        "test_to_ask_with_a_deadline_in_the_past_is_unavailable": "DID NOT RAISE",
    }


class Clinging(Sound):
    """Answers no second question before the first was answered to its end."""

    _asked = False

    async def held(self, deployment_id: str, **asked: Any) -> AsyncIterator[Held]:
        if not self._asked:
            self._asked = True
            async for one in super().held(deployment_id, **asked):
                yield one
            self._asked = False


class TestClinging(Auditing):
    case = bench_of(Clinging)
    fails: ClassVar = {"test_who_stops_listening_leaves_a_sink_that_goes_on": "Let go of what an answer holds"}
