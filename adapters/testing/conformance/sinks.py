"""What every sink promises to the shipper (adapters.base.sink), over sockets, against its far side."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from typing import ClassVar, get_args

import msgspec
import pytest
import pytest_asyncio

from adapters.base import API_VERSION, RecordFilter, Settlement
from adapters.testing.conformance.cancelling import assert_ends_when_cancelled
from adapters.testing.conformance.contents import content_of, distinct_record
from adapters.testing.conformance.records import CANARY, DEPLOYMENT, batch_of, in_seconds, payload_record
from adapters.testing.conformance.sink_bench import LinkFault, SinkBench
from adapters.testing.conformance.speech import SECRETS_WANTED, speech, takes_secrets
from schemas.configuration import SelectingSinkSettings
from schemas.errors import SinkRefusedError, SinkUnavailableError


class SinkConformance:
    """Subclass it as `Test...` and set `case`, the class of a bench."""

    case: ClassVar[type[SinkBench]]

    @pytest_asyncio.fixture
    async def bench(self, request: pytest.FixtureRequest) -> AsyncIterator[SinkBench]:
        """The sink beside its far side."""
        bench = self.case(request)
        async with AsyncExitStack() as stack:
            await bench.open(stack)
            yield bench

    def test_its_descriptor_names_its_kind_and_the_api(self) -> None:
        assert self.case.plugin.kind
        assert self.case.plugin.api_version == API_VERSION

    @pytest.mark.asyncio
    async def test_a_settled_batch_is_stored_with_every_row_of_every_record(self, bench: SinkBench) -> None:
        settlement = await bench.deliver(bench.batch("a", "b", rows=2))
        assert settlement == Settlement(state="stored")
        assert await bench.ids() == ["a-1", "a-2", "b-1", "b-2"]

    @pytest.mark.asyncio
    async def test_its_bench_names_the_secrets_that_it_uses(self, bench: SinkBench) -> None:
        config = msgspec.json.encode(bench.config).decode()
        named = [secret for secret in bench.secrets if secret in config]
        assert named or not takes_secrets(self.case.plugin.settings), SECRETS_WANTED

    @pytest.mark.asyncio
    async def test_each_record_is_stored_with_its_own_request_and_response(self, bench: SinkBench) -> None:
        records = [distinct_record("a", rows=2), distinct_record("b", rows=3)]
        await bench.deliver(batch_of(records, bench.sink.partition(records[0])))
        for record in records:
            assert await bench.content(record.scoring_id) in (None, content_of(record)), (
                "Each row is stored beside its own prediction, under its own record, its cells as they were."
            )

    @pytest.mark.asyncio
    async def test_a_batch_that_comes_again_in_other_cuts_is_stored_once(self, bench: SinkBench) -> None:
        await bench.deliver(bench.batch("a", "b"))
        await bench.deliver(bench.batch("a"))
        await bench.deliver(bench.batch("b", "c"))
        assert await bench.ids() == ["a-1", "b-1", "c-1"]

    @pytest.mark.asyncio
    async def test_a_batch_whose_answer_was_lost_is_unavailable_and_stored_once_when_it_comes_again(
        self, bench: SinkBench
    ) -> None:
        bench.play("lose")
        with pytest.raises(SinkUnavailableError):
            await bench.sink.send(bench.batch("a"), deadline=in_seconds(10))
        await bench.deliver(bench.batch("a"))
        assert await bench.ids() == ["a-1"]

    @pytest.mark.parametrize("fault", sorted({*get_args(LinkFault)} - {"stall"}))
    @pytest.mark.asyncio
    async def test_a_broken_connection_is_unavailable_and_the_sink_goes_on(
        self, bench: SinkBench, fault: LinkFault
    ) -> None:
        bench.play(fault)
        with pytest.raises(SinkUnavailableError):
            await bench.sink.send(bench.batch("a"), deadline=in_seconds(10))
        assert (await bench.deliver(bench.batch("b"))).state == "stored"

    @pytest.mark.asyncio
    async def test_nobody_listening_is_unavailable(self, bench: SinkBench) -> None:
        await bench.stop()
        with pytest.raises(SinkUnavailableError):
            await bench.sink.send(bench.batch("a"), deadline=in_seconds(10))

    @pytest.mark.asyncio
    async def test_a_refused_record_is_found_and_costs_no_other(self, bench: SinkBench) -> None:
        await bench.refuse("b")
        batches = [bench.batch("a", "b"), bench.batch("b"), bench.batch("a")]
        assert [await bench.verdict(batch) for batch in batches][1:] == [{"b"}, set()], (
            "Alone, the refused record is refused, and any other stored: raise SinkRefusedError, or settle with "
            "`refused` or as `failed`."
        )
        assert await bench.ids() == ["a-1"]

    @pytest.mark.asyncio
    async def test_a_batch_with_a_refused_record_is_not_said_to_be_stored(self, bench: SinkBench) -> None:
        await bench.refuse("b")
        assert "b" in await bench.verdict(bench.batch("a", "b")), (
            "Name the record at fault in `refused`, or refuse or fail the batch, so that the shipper looks for it."
        )

    @pytest.mark.asyncio
    async def test_a_slow_far_side_is_left_at_the_deadline(self, bench: SinkBench) -> None:
        await bench.deliver(bench.batch("a"))
        bench.play("stall")
        async with asyncio.timeout(5):
            with pytest.raises(SinkUnavailableError):
                await bench.sink.send(bench.batch("b"), deadline=in_seconds(0.3))

    @pytest.mark.asyncio
    async def test_a_deadline_in_the_past_is_unavailable_at_once(self, bench: SinkBench) -> None:
        with pytest.raises(SinkUnavailableError):
            await bench.sink.send(bench.batch("a"), deadline=in_seconds(-1))

    @pytest.mark.asyncio
    async def test_settling_ends_by_its_deadline(self, bench: SinkBench) -> None:
        receipt = await bench.sink.send(bench.batch("a"), deadline=in_seconds(10))
        async with asyncio.timeout(5):
            with suppress(SinkUnavailableError):
                await bench.sink.settle(receipt, deadline=in_seconds(-1))
        assert (await bench.settled(receipt)).state == "stored", "A question that came too late changes nothing."

    @pytest.mark.asyncio
    async def test_a_cancelled_send_ends_at_once_and_the_sink_goes_on(self, bench: SinkBench) -> None:
        bench.play("stall")
        sending = asyncio.create_task(bench.sink.send(bench.batch("a"), deadline=in_seconds(60)))
        async with asyncio.timeout(5):
            await bench.seen()
        await assert_ends_when_cancelled(sending)
        await bench.deliver(bench.batch("b"))
        assert await bench.ids() == ["b-1"]

    @pytest.mark.asyncio
    async def test_batches_may_be_under_way_at_the_same_time(self, bench: SinkBench) -> None:
        ids = [f"{n:02}" for n in range(20)]
        settlements = await asyncio.gather(*(bench.deliver(bench.batch(scoring_id)) for scoring_id in ids))
        assert {settlement.state for settlement in settlements} == {"stored"}
        assert await bench.ids() == [f"{scoring_id}-1" for scoring_id in ids]

    @pytest.mark.asyncio
    async def test_the_filter_and_the_partition_stay_the_same(self, bench: SinkBench) -> None:
        record = payload_record()
        assert bench.sink.filter == bench.sink.filter
        assert bench.sink.partition(record) == bench.sink.partition(record)

    @pytest.mark.asyncio
    async def test_it_is_owed_what_its_settings_select(self, bench: SinkBench) -> None:
        if not issubclass(self.case.plugin.settings, SelectingSinkSettings):
            return
        selected = {"deployments": [DEPLOYMENT, "another"], "outcomes": ["engine_error"], "origins": ["monitor"]}
        async with bench.connected(**selected) as sink:
            owed = msgspec.convert(selected, RecordFilter)
            assert sink.filter == owed, "Return `record_filter(settings)` as `filter`: the shipper selects by it."

    @pytest.mark.asyncio
    async def test_no_error_and_no_log_line_holds_a_payload_value_or_a_secret(
        self, bench: SinkBench, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> None:
        caplog.set_level(logging.DEBUG)
        await bench.refuse("b")
        spoken = [repr(bench.sink), await self._words_of_a_refusal(bench)]
        bench.play("reset")
        with pytest.raises(SinkUnavailableError) as unavailable:
            await bench.sink.send(bench.batch("a"), deadline=in_seconds(10))
        said = "\n".join([*spoken, speech(unavailable.value), caplog.text, *capfd.readouterr()])
        leaks = [what for what, text in forbidden(bench).items() if text in said]
        assert leaks == [], "Say what kind of error it is, and no value; raise `from None` where a cause quotes one."

    async def _words_of_a_refusal(self, bench: SinkBench) -> str:
        try:
            settlement = await bench.deliver(bench.batch("b"))
        except SinkRefusedError as error:
            return speech(error)
        return f"{settlement.reason} {settlement.refused}"


def forbidden(bench: SinkBench) -> dict[str, str]:
    """Return what must not be said, by what it is."""
    secrets = {f"secrets[{k}]": secret for k, secret in enumerate(bench.secrets)}
    return {"a payload value": CANARY} | secrets | bench.transport.credentials
