"""SIGTERM: stop accepting, finish the calls in flight, flush, exit 0."""

import asyncio
from pathlib import Path

import apsw
import pytest

from adapters.testing.emulator import Fault
from adapters.testing.sagemaker import SageMakerEmulator
from tests.gateway_process import StartGateway
from tests.process.calling import (
    SPOOL,
    calling,
    connected,
    credit_rows,
    raw_request,
    records,
    refuses_connections,
    score,
)
from tests.process.clouds import AWS, aws_part, configuration

CALLS = 6

one_and_two_workers = pytest.mark.parametrize("workers", [1, 2])


@one_and_two_workers
async def test_calls_in_flight_are_finished_and_recorded(
    workers: int, sagemaker: SageMakerEmulator, start_gateway: StartGateway, tmp_path: Path
) -> None:
    gateway = await start_gateway(configuration(aws_part(sagemaker.url), server={"workers": workers}))
    sagemaker.play(Fault(route="invocations", times=None, delay_seconds=1.5))
    async with calling(gateway) as session:
        calls = [asyncio.create_task(score(session, AWS)) for _ in range(CALLS)]
        await sagemaker.seen("invocations", CALLS)

        gateway.ask_to_stop()
        await refuses_connections(gateway.url)
        assert not any(call.done() for call in calls)
        answers = await asyncio.gather(*calls)

    assert await gateway.stop() == 0
    assert {answer.status for answer in answers} == {200}
    assert sorted(record["scoring_id"] for record in records(tmp_path)) == sorted(
        answer.scoring_id for answer in answers
    )


@one_and_two_workers
async def test_calls_beyond_the_patience_are_cancelled_and_recorded(
    workers: int, sagemaker: SageMakerEmulator, start_gateway: StartGateway, tmp_path: Path
) -> None:
    server = {"workers": workers, "drain_seconds": 0.3}
    gateway = await start_gateway(configuration(aws_part(sagemaker.url), server=server))
    sagemaker.play(Fault(route="invocations", times=None, delay_seconds=60.0))
    async with calling(gateway) as session:
        calls = [asyncio.create_task(score(session, AWS)) for _ in range(CALLS)]
        await sagemaker.seen("invocations", CALLS)

        async with asyncio.timeout(10):
            assert await gateway.stop() == 0
        answers = await asyncio.gather(*calls)

    assert {(answer.status, answer.body["errors"][0]["code"]) for answer in answers} == {(500, "gateway_error")}
    assert sorted(record["scoring_id"] for record in records(tmp_path)) == sorted(
        answer.scoring_id for answer in answers
    )
    assert {(record["outcome"], record["status"], record["response"]) for record in records(tmp_path)} == {
        ("gateway_error", 500, None)
    }


async def test_a_call_that_is_cancelled_while_its_record_is_written_is_answered_as_the_record_says(
    sagemaker: SageMakerEmulator, start_gateway: StartGateway, tmp_path: Path
) -> None:
    gateway = await start_gateway(configuration(aws_part(sagemaker.url), server={"drain_seconds": 1.0}))
    busy = apsw.Connection(str(tmp_path / SPOOL))
    async with calling(gateway) as session:
        busy.execute("BEGIN IMMEDIATE")
        call = asyncio.create_task(score(session, AWS))
        await sagemaker.seen("invocations")
        gateway.ask_to_stop()
        await gateway.logged("calls cancelled")
        busy.execute("ROLLBACK")
        busy.close()
        answer = await call
    assert await gateway.stop() == 0
    assert answer.status == 200
    (record,) = records(tmp_path)
    assert (record["scoring_id"], record["outcome"]) == (answer.scoring_id, "scored")


async def test_a_gateway_without_calls_stops_at_once_though_connections_are_open(
    sagemaker: SageMakerEmulator, start_gateway: StartGateway
) -> None:
    gateway = await start_gateway(configuration(aws_part(sagemaker.url)))
    async with calling(gateway) as session:
        assert (await score(session, AWS)).status == 200
        async with asyncio.timeout(5):
            assert await gateway.stop() == 0


async def test_what_comes_over_open_connections_meanwhile_is_answered_and_the_connection_closed(
    sagemaker: SageMakerEmulator, start_gateway: StartGateway, tmp_path: Path
) -> None:
    gateway = await start_gateway(configuration(aws_part(sagemaker.url)))
    request, body = raw_request(AWS, credit_rows())
    sagemaker.play(Fault(route="invocations", delay_seconds=1.5))
    async with calling(gateway) as session, connected(gateway) as sending, connected(gateway) as idle:
        slow = asyncio.create_task(score(session, AWS))
        await sagemaker.seen("invocations")
        sending[1].write(request + body[:50])
        idle[1].write(request + body)
        assert b"200 OK" in await idle[0].readuntil(b"\r\n\r\n")

        gateway.ask_to_stop()
        await refuses_connections(gateway.url)
        sending[1].write(body[50:])
        idle[1].write(request + body)
        for reader, _ in (sending, idle):
            answer = (await reader.read()).decode()
            assert "200 OK" in answer
            assert "Connection: close" in answer
        assert not slow.done()
        assert (await slow).status == 200
    assert await gateway.stop() == 0
    assert len(records(tmp_path)) == 4


async def test_records_that_are_written_later_are_written_before_the_end(
    sagemaker: SageMakerEmulator, start_gateway: StartGateway, tmp_path: Path
) -> None:
    gateway = await start_gateway(configuration(aws_part(sagemaker.url), payload_log={"durability": "async"}))
    async with calling(gateway) as session:
        answers = await asyncio.gather(*(score(session, AWS) for _ in range(50)))
        assert await gateway.stop() == 0
    assert sorted(record["scoring_id"] for record in records(tmp_path)) == sorted(
        answer.scoring_id for answer in answers
    )
