"""What every engine promises (adapters.base.engine), over real sockets, against a counterpart that can fail."""

import asyncio
import re
from datetime import datetime

import msgspec
import pytest

from adapters.base import API_VERSION, Engine
from adapters.testing.conformance.cancelling import SOON_SECONDS, assert_ends_when_cancelled
from adapters.testing.conformance.engine_case import Counterpart, Failure
from adapters.testing.conformance.engine_exchange import EngineExchange
from adapters.testing.conformance.engine_fidelity import EngineFidelity
from adapters.testing.conformance.engine_secrets import EngineSecrets
from adapters.testing.conformance.engine_setting import call_context, discovered
from adapters.testing.conformance.watched_transport import WatchedTransport
from adapters.testing.emulator import Fault
from schemas.deployment import Endpoint
from schemas.errors import EngineError, EngineRefusedError

DISCOVERY_SECONDS = 600.0


class EngineConformance(EngineExchange, EngineFidelity, EngineSecrets):
    """Subclass it as `Test...` and set `case`."""

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run the test of failures once for each."""
        if "failure" in metafunc.fixturenames:
            failures = self.case.failures
            metafunc.parametrize("failure", failures, ids=[failure.name for failure in failures])

    def test_its_descriptor_names_its_kind_and_the_api(self) -> None:
        plugin = self.case.plugin
        assert plugin.kind
        assert plugin.api_version == API_VERSION
        assert plugin.timeout_seconds > 0

    def test_its_case_says_what_its_platforms_failures_become(self) -> None:
        assert self.case.failures, "List the platform's errors in `failures`; `http_failures` makes the usual ones."

    @pytest.mark.asyncio
    async def test_connecting_and_the_configured_endpoints_need_no_network(
        self, scorer: Engine, counterpart: Counterpart
    ) -> None:
        names = [] if self.case.discovery_only else [counterpart.endpoint]
        assert [endpoint.name for endpoint in scorer.configured()] == names, (
            "`configured` returns the endpoints that the settings name. If discovery alone can tell what an endpoint "
            "is, say `discovery_only=True` in the case."
        )
        assert scorer.configured() == scorer.configured()
        assert counterpart.emulator.requests == {}

    @pytest.mark.asyncio
    async def test_discovery_lists_what_scores_and_the_same_again(
        self, engine: Engine, counterpart: Counterpart
    ) -> None:
        endpoints = await engine.endpoints()
        names = [endpoint.name for endpoint in endpoints]
        assert counterpart.endpoint in names or self.case.control_route is None
        assert len(set(names)) == len(names), "A name stands for one endpoint: the directory finds it again by it."
        assert list(await engine.endpoints()) == list(endpoints), "Nothing has changed at the platform in between."

    @pytest.mark.asyncio
    async def test_discovery_is_bounded_in_bytes_and_time(self, engine: Engine, transport: WatchedTransport) -> None:
        await engine.endpoints()
        latest = asyncio.get_running_loop().time() + DISCOVERY_SECONDS
        for exchange in transport.exchanges:
            assert exchange.max_bytes is not None, "Pass `max_bytes` to the transport: a list may be of any size."
            assert exchange.deadline <= latest, f"Give discovery a deadline, at most {DISCOVERY_SECONDS:g} s from now."

    @pytest.mark.asyncio
    async def test_cancelling_discovery_ends_it_at_once(self, engine: Engine, counterpart: Counterpart) -> None:
        if self.case.control_route is None:
            return
        counterpart.emulator.play(Fault(route=self.case.control_route, delay_seconds=20.0, times=None))
        asking = asyncio.create_task(_ask(engine))
        async with asyncio.timeout(SOON_SECONDS):
            await counterpart.emulator.seen(self.case.control_route)
        await assert_ends_when_cancelled(asking)

    @pytest.mark.asyncio
    async def test_an_endpoint_carries_the_limits_of_its_platform_or_its_settings(
        self, engine: Engine, counterpart: Counterpart
    ) -> None:
        endpoint = await discovered(engine, counterpart)
        assert endpoint.limits == counterpart.limits, "Larger batches are split by `Endpoint.limits`: fill it."

    @pytest.mark.asyncio
    async def test_endpoints_carry_dates_assets_and_limits_in_their_one_form(self, engine: Engine) -> None:
        for endpoint in await engine.endpoints():
            for date in (endpoint.created_at, endpoint.modified_at):
                assert date is None or (date.endswith("Z") and datetime.fromisoformat(date))
            assert endpoint.asset is None or re.fullmatch(r"\S+", endpoint.asset.id)
            limits = endpoint.limits
            assert all(most is None or most > 0 for most in (limits.max_bytes, limits.max_rows, limits.max_parallel))
            assert endpoint.timeout_seconds is None or endpoint.timeout_seconds > 0

    @pytest.mark.asyncio
    async def test_a_discovered_endpoint_scores_and_so_does_its_persisted_copy(
        self, engine: Engine, counterpart: Counterpart
    ) -> None:
        endpoint = await discovered(engine, counterpart)
        copy = msgspec.json.decode(msgspec.json.encode(endpoint), type=Endpoint)
        assert copy == endpoint
        for known in (endpoint, copy):
            assert (await engine.invoke(known, counterpart.request, call_context())).body == counterpart.answer

    @pytest.mark.asyncio
    async def test_an_endpoint_that_another_release_persisted_is_scored_or_refused_with_our_error(
        self, scorer: Engine, counterpart: Counterpart
    ) -> None:
        stranger = Endpoint(name=counterpart.endpoint, native={"of": ["another", "release"]})
        try:
            await scorer.invoke(stranger, counterpart.request, call_context())
        except EngineError as error:
            assert not error.retryable  # noqa: PT017 - either ending is right

    @pytest.mark.asyncio
    async def test_a_failure_becomes_our_error(
        self, scorer: Engine, endpoint: Endpoint, counterpart: Counterpart, failure: Failure
    ) -> None:
        counterpart.emulator.play(failure.fault)
        with pytest.raises(EngineError) as caught:
            await scorer.invoke(endpoint, counterpart.request, call_context())
        error = caught.value
        assert type(error) is failure.error
        assert error.retryable is failure.retryable
        assert error.engine_status == failure.engine_status
        assert error.retry_after == failure.retry_after
        if failure.engine_message is not None:
            assert error.engine_message == failure.engine_message
            assert failure.engine_message not in error.message

    @pytest.mark.asyncio
    async def test_it_recovers_with_its_platform(
        self, scorer: Engine, endpoint: Endpoint, counterpart: Counterpart
    ) -> None:
        counterpart.emulator.play(Fault(route=self.case.scoring_route, status=500, body=b"{}"))
        with pytest.raises(EngineError):
            await scorer.invoke(endpoint, counterpart.request, call_context())
        assert (await scorer.invoke(endpoint, counterpart.request, call_context())).body == counterpart.answer

    @pytest.mark.asyncio
    async def test_wrong_credentials_are_refused_in_scoring_and_discovery(
        self, endpoint: Endpoint, counterpart: Counterpart, transport: WatchedTransport
    ) -> None:
        if counterpart.wrong_credentials is None:
            return
        async with self.case.plugin.connect(counterpart.wrong_credentials, transport) as stranger:
            with pytest.raises(EngineRefusedError):
                await stranger.invoke(endpoint, counterpart.request, call_context())
            if self.case.control_route is not None:
                with pytest.raises(EngineRefusedError):
                    await stranger.endpoints()

    @pytest.mark.asyncio
    async def test_discovery_reports_a_control_plane_that_fails_and_recovers_with_it(
        self, engine: Engine, counterpart: Counterpart
    ) -> None:
        if self.case.control_route is None:
            return
        counterpart.emulator.play(Fault(route=self.case.control_route, status=400, body=b"{}", times=None))
        with pytest.raises(EngineError):
            await engine.endpoints()
        counterpart.emulator.recover()
        assert await asyncio.wait_for(engine.endpoints(), 30)


async def _ask(engine: Engine) -> None:
    await engine.endpoints()
