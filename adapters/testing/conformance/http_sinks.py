"""What every sink over HTTP promises: what the statuses of its far side mean for a batch."""

import logging

import pytest

from adapters.testing.conformance.records import CANARY, in_seconds
from adapters.testing.conformance.sink_bench import HttpSinkBench, SinkBench
from adapters.testing.conformance.sinks import SinkConformance, forbidden
from adapters.testing.conformance.speech import speech
from schemas.errors import GatewayError, SinkRefusedError, SinkUnavailableError


class HttpSinkConformance(SinkConformance):
    """Subclass it as `Test...` and set `case`, the class of an `HttpSinkBench`."""

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run the tests of statuses once for each."""
        for name in ("down_status", "refused_status", "misconfigured_status"):
            if name in metafunc.fixturenames:
                metafunc.parametrize(name, sorted(getattr(self.case, f"{name}es")))

    @pytest.fixture
    def http_bench(self, bench: SinkBench) -> HttpSinkBench:
        """The same bench, with statuses to answer."""
        assert isinstance(bench, HttpSinkBench), "`case` has to be an HttpSinkBench"
        return bench

    @pytest.mark.asyncio
    async def test_a_far_side_that_is_down_is_unavailable_and_says_how_long_to_wait(
        self, http_bench: HttpSinkBench, down_status: int
    ) -> None:
        http_bench.answer(down_status, headers={"Retry-After": "7"})
        with pytest.raises(SinkUnavailableError) as caught:
            await http_bench.sink.send(http_bench.batch("a"), deadline=in_seconds(10))
        assert caught.value.retry_after == 7
        assert await http_bench.ids() == []
        assert (await http_bench.deliver(http_bench.batch("a"))).state == "stored"

    @pytest.mark.asyncio
    async def test_a_body_that_the_far_side_will_never_take_is_refused(
        self, http_bench: HttpSinkBench, refused_status: int
    ) -> None:
        http_bench.answer(refused_status)
        with pytest.raises(SinkRefusedError):
            await http_bench.sink.send(http_bench.batch("a", "b"), deadline=in_seconds(10))

    @pytest.mark.asyncio
    async def test_a_fault_of_the_configuration_never_costs_a_record(
        self, http_bench: HttpSinkBench, misconfigured_status: int
    ) -> None:
        http_bench.answer(misconfigured_status, times=None)
        with pytest.raises(SinkUnavailableError):
            await http_bench.sink.send(http_bench.batch("a"), deadline=in_seconds(10))

    @pytest.mark.asyncio
    async def test_what_a_far_side_quotes_reaches_no_error_and_no_log_line(
        self, http_bench: HttpSinkBench, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        words = " ".join([CANARY, *http_bench.secrets])
        quote = f'{{"errors": [{{"code": "{words}", "message": "{words}"}}], "trace": "{words}"}}'
        spoken = [repr(http_bench.sink)]
        statuses = (*http_bench.down_statuses, *http_bench.refused_statuses, *http_bench.misconfigured_statuses)
        for status in statuses:
            http_bench.answer(status, body=quote.encode(), times=None)
            with pytest.raises(GatewayError) as caught:
                await http_bench.sink.send(http_bench.batch("a"), deadline=in_seconds(10))
            spoken.append(speech(caught.value))
            http_bench.emulator.recover()
        said = "\n".join([*spoken, caplog.text])
        leaks = [what for what, text in forbidden(http_bench).items() if text in said]
        assert leaks == [], "The far side's words can quote a record: say the status, and what to do."
