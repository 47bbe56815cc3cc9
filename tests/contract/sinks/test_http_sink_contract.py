"""What every sink over HTTP promises: what the statuses of its far side mean for a batch."""

import logging

import pytest

from schemas.errors import GatewayError, SinkRefusedError, SinkUnavailableError
from tests.contract.sinks.benches import HttpBench
from tests.contract.sinks.records import CANARY, in_seconds


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
async def test_a_far_side_that_is_down_is_unavailable_and_says_how_long_to_wait(
    http_bench: HttpBench, status: int
) -> None:
    http_bench.answer(status, headers={"Retry-After": "7"})
    with pytest.raises(SinkUnavailableError) as caught:
        await http_bench.sink.send(http_bench.batch("a"), deadline=in_seconds(10))
    assert caught.value.retry_after == 7
    assert await http_bench.stored() == []
    assert (await http_bench.deliver(http_bench.batch("a"))).state == "stored"


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_a_body_that_the_far_side_will_never_take_is_refused(http_bench: HttpBench, status: int) -> None:
    http_bench.answer(status)
    with pytest.raises(SinkRefusedError):
        await http_bench.sink.send(http_bench.batch("a", "b"), deadline=in_seconds(10))


@pytest.mark.parametrize("status", [302, 403, 404])
async def test_a_fault_of_the_configuration_never_costs_a_record(http_bench: HttpBench, status: int) -> None:
    http_bench.answer(status)
    with pytest.raises(SinkUnavailableError) as caught:
        await http_bench.sink.send(http_bench.batch("a"), deadline=in_seconds(10))
    assert str(status) in caught.value.message


async def test_no_error_and_no_log_line_holds_a_payload_value_or_a_secret(
    http_bench: HttpBench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = http_bench.secrets[0]
    quote = f'{{"errors": [{{"code": "{CANARY} {secret}", "message": "{CANARY}"}}], "trace": "{CANARY}"}}'
    texts = []
    for status in (400, 401, 401, 403, 413, 422, 429, 500, 302, 200):
        http_bench.answer(status, body=quote.encode())
    for _ in range(9):
        with pytest.raises(GatewayError) as caught:
            await http_bench.sink.send(http_bench.batch("a"), deadline=in_seconds(10))
        texts.append(f"{caught.value} {caught.value!r} {caught.value.__cause__!r} {caught.value.target}")
    texts += [repr(http_bench.sink), caplog.text]
    for forbidden in (CANARY, *http_bench.secrets):
        assert forbidden not in "\n".join(texts)
