"""Records of calls over a real spool: exactly one for each, however it ends."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from msgspec import json
from structlog.testing import capture_logs

from gateway.payloadlog.call_record import Unlogged, outcome_of
from gateway.payloadlog.database import connect
from gateway.payloadlog.reading import SpoolReader
from schemas.errors import (
    EngineEndpointNotFoundError,
    EngineError,
    EngineRefusedError,
    EngineReplyError,
    EngineTimeoutError,
    EngineUnavailableError,
    SpoolFullError,
    SpoolUnavailableError,
)
from schemas.payload import decode_record
from schemas.scoring import ScoringRequest, ScoringResponse
from tests.fakes.gateways import tapped_call
from tests.fakes.taps import REQUEST, RESPONSE, RESPONSE_TEXT, bench


async def fail(record: Any, error: BaseException) -> None:
    async with record:
        record.answered(RESPONSE, RESPONSE_TEXT)
        raise error


async def test_record_holds_request_and_response_as_they_were(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        call = tapped_call(transaction_id="t 1", started_ns=1_700_000_000_123_456_789, caller_gone=lambda: True)
        async with at.open(call) as record:
            record.engine_seconds = 0.0425
            record.answered(RESPONSE, RESPONSE_TEXT)
        (stored,) = SpoolReader(at.spool).records()
        kept = decode_record(stored.line)
        assert bytes(kept.response) == RESPONSE_TEXT
        assert json.decode(kept.request) == {"fields": ["Name", "Age"], "values": [["Ann", 41], ["Bob", 17]]}
        assert kept.scoring_timestamp == "2023-11-14T22:13:20.123456Z"
        assert (kept.response_time, kept.rows, kept.caller_gone, kept.transaction_id) == (42, 2, True, "t 1")
        assert (stored.scored_at_us, stored.outcome, stored.origin) == (
            1_700_000_000_123_456,
            "scored",
            "application",
        )
        assert at.counted.reports == [("recorded", "credit", "scored")]


@pytest.mark.parametrize(
    ("error", "outcome", "status"),
    [
        (EngineRefusedError("x"), "engine_error", 502),
        (EngineReplyError("x"), "engine_error", 502),
        (EngineEndpointNotFoundError("x"), "engine_error", 502),
        (EngineError("x"), "engine_error", 502),
        (EngineUnavailableError("x"), "engine_unavailable", 503),
        (EngineTimeoutError("x"), "engine_timeout", 504),
        (KeyError("x"), "gateway_error", 500),
        (asyncio.CancelledError(), "gateway_error", 500),
    ],
)
async def test_failed_call_leaves_one_record_without_response(
    tmp_path: Path, error: BaseException, outcome: str, status: int
) -> None:
    assert outcome_of(error) == outcome
    async with bench(tmp_path) as at:
        with pytest.raises(type(error)):
            await fail(at.open(), error)
        (record,) = at.records()
        assert (record["outcome"], record["status"], record["response"]) == (outcome, status, None)
        assert record["response_time"] is None
        assert record["request"]["values"] == REQUEST.values


async def test_request_is_recorded_as_it_was_when_the_call_came(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        request = ScoringRequest([[1], [2]], None)
        async with at.open(request=request) as record:
            request.values[0][0] = 99
            record.answered(RESPONSE, RESPONSE_TEXT)
        assert at.records()[0]["request"] == {"values": [[1], [2]]}


async def test_full_spool_refuses_before_anything_is_paid_for(tmp_path: Path) -> None:
    async with bench(tmp_path, max_bytes=1) as at:
        with pytest.raises(SpoolFullError):
            async with at.open():
                raise AssertionError
        assert at.counted.reports == []


async def test_full_spool_answers_all_the_same_where_told_to_and_counts_the_loss(tmp_path: Path) -> None:
    async with bench(tmp_path, max_bytes=1, on_failure="answer") as at:
        with capture_logs() as log:
            async with at.open() as record:
                record.answered(RESPONSE, RESPONSE_TEXT)
        assert at.counted.reports == [("lost", "credit")]
        (line,) = log
        assert (line["event"], line["log_level"]) == ("record lost", "error")
        assert "Ann" not in str(line)
        assert at.records() == []


@pytest.mark.parametrize(("on_failure", "lost"), [("refuse", False), ("answer", True)])
async def test_spool_that_fails_at_the_end_of_a_call(tmp_path: Path, on_failure: str, lost: bool) -> None:
    async with bench(tmp_path, on_failure=on_failure) as at:

        async def call() -> None:
            async with at.open() as record:
                record.answered(RESPONSE, RESPONSE_TEXT)
                await at.writer.close()

        with capture_logs():
            if lost:
                await call()
            else:
                with pytest.raises(SpoolUnavailableError):
                    await call()
        assert at.counted.reports == ([("lost", "credit")] if lost else [])


async def test_redacted_columns_are_gone_from_request_and_response(tmp_path: Path) -> None:
    async with bench(tmp_path, redaction_key="k") as at:
        response = ScoringResponse(["Name", "prediction"], [["Ann", 1], ["Bob", 0]])
        async with at.open(redact={"Name": "drop", "Age": "hash"}) as record:
            record.answered(response, json.encode(response))
        (kept,) = at.records()
        assert kept["request"]["fields"] == ["Age"]
        assert [len(row[0]) for row in kept["request"]["values"]] == [64, 64]
        assert kept["response"] == {"fields": ["prediction"], "values": [[1], [0]]}


async def test_call_that_is_cancelled_while_its_record_is_written_ends_as_the_record_says(tmp_path: Path) -> None:
    async with bench(tmp_path) as tapped:

        async def scored() -> str:
            async with tapped.open() as record:
                record.answered(RESPONSE, RESPONSE_TEXT)
            return "answered"

        async def failed() -> None:
            async with tapped.open():
                raise EngineRefusedError("no", engine_status=400)

        busy = connect(tapped.spool)
        busy.execute("BEGIN IMMEDIATE")
        calls = [asyncio.create_task(scored()), asyncio.create_task(failed())]
        await asyncio.sleep(0)
        # Twice: a server that stops may do so.
        for _ in range(2):
            for call in calls:
                call.cancel()
            await asyncio.sleep(0)
        assert not any(call.done() for call in calls)
        busy.execute("ROLLBACK")
        busy.close()
        assert await calls[0] == "answered"
        with pytest.raises(asyncio.CancelledError):
            await calls[1]
        assert [record["outcome"] for record in tapped.records()] == ["scored", "engine_error"]


async def test_unlogged_call_fails_as_it_would_otherwise() -> None:
    with pytest.raises(KeyError):
        await fail(Unlogged(), KeyError())


async def test_calls_at_a_slow_engine_are_refused_where_their_records_would_not_fit_beside_each_other(
    tmp_path: Path,
) -> None:
    request = ScoringRequest([["x" * 90_000]], ["text"])
    async with bench(tmp_path, max_bytes=2_000_000) as at:
        answered, refused = asyncio.Event(), asyncio.Event()
        entered = turned_away = 0

        async def call() -> None:
            nonlocal entered, turned_away
            try:
                async with at.open(request=request) as record:
                    entered += 1
                    await answered.wait()
                    record.answered(RESPONSE, RESPONSE_TEXT)
            except SpoolFullError:
                turned_away += 1
                refused.set()

        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            for _ in range(50):
                tasks.create_task(call())
            await refused.wait()
            answered.set()
        assert entered + turned_away == 50
        assert len(at.records()) == entered > 0
        assert SpoolReader(at.spool).depth().bytes < 2_000_000


@pytest.mark.parametrize("error", [None, EngineRefusedError("x"), KeyError("x"), asyncio.CancelledError()])
@pytest.mark.parametrize("on_failure", ["refuse", "answer"])
async def test_reserved_room_is_given_back_on_every_way_out(
    tmp_path: Path, error: BaseException | None, on_failure: str
) -> None:
    request = ScoringRequest([["x" * 800_000]], ["text"])
    async with bench(tmp_path, max_bytes=4_000_000, on_failure=on_failure) as at:
        with suppress(EngineRefusedError, KeyError, asyncio.CancelledError):
            async with at.open(request=request) as record:
                record.answered(RESPONSE, RESPONSE_TEXT)
                if error is not None:
                    raise error
        at.writer.reserve(1_700_000)
        at.writer.release(1_700_000)
        await at.writer.close()
        with suppress(SpoolUnavailableError), capture_logs():
            async with at.open(request=request) as record:
                record.answered(RESPONSE, RESPONSE_TEXT)
        at.writer.reserve(1_700_000)
