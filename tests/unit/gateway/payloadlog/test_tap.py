"""The tap over a real spool: one record for each call that is to be recorded, however it ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec import json
from structlog.testing import capture_logs

from gateway.payloadlog.database import connect
from gateway.payloadlog.reading import SpoolReader
from gateway.payloadlog.spool import Spool
from gateway.payloadlog.tap import CallRecord, Tap, TappedCall, Unlogged, outcome_of, unrecorded
from gateway.payloadlog.writer import SpoolWriter
from gateway.scoring_id import mint
from schemas.configuration import DeploymentSettings, InputSettings, LogMarkerSettings, PayloadLogSettings
from schemas.deployment import Deployment, Endpoint
from schemas.errors import (
    EngineEndpointNotFoundError,
    EngineError,
    EngineRefusedError,
    EngineReplyError,
    EngineTimeoutError,
    EngineUnavailableError,
    SpoolFullError,
    SpoolUnavailableError,
    UnprocessableRequestError,
)
from schemas.payload import decode_record
from schemas.scoring import ScoringRequest, ScoringResponse
from tests.fakes.gateways import MONITOR, tapped_call

REQUEST = ScoringRequest([["Ann", 41], ["Bob", 17]], ["Name", "Age"])
RESPONSE = ScoringResponse(["prediction"], [["Risk"], ["No Risk"]])
RESPONSE_TEXT = json.encode(RESPONSE)


class Counted:
    """Remembers what the tap reports."""

    def __init__(self) -> None:
        self.reports: list[tuple[str, ...]] = []

    def recorded(self, deployment_id: str, outcome: str) -> None:
        self.reports.append(("recorded", deployment_id, outcome))

    def not_recorded(self, deployment_id: str, reason: str) -> None:
        self.reports.append(("not recorded", deployment_id, reason))

    def lost(self, deployment_id: str) -> None:
        self.reports.append(("lost", deployment_id))


class Bench:
    def __init__(self, tap: Tap, counted: Counted, spool: Path, writer: SpoolWriter) -> None:
        self.tap = tap
        self.counted = counted
        self.spool = spool
        self.writer = writer

    def open(self, call: TappedCall | None = None, request: ScoringRequest = REQUEST, **settings: Any) -> Any:
        deployment = Deployment(
            id="credit", engine="aws", endpoint=Endpoint(name="model"), settings=DeploymentSettings(**settings)
        )
        return self.tap.open(deployment, call or tapped_call(), request)

    def records(self) -> list[dict[str, Any]]:
        return [json.decode(stored.line) for stored in SpoolReader(self.spool).records()]


@asynccontextmanager
async def bench(tmp_path: Path, max_bytes: int = 1_000_000_000, **settings: Any) -> AsyncIterator[Bench]:
    path = Spool.open(tmp_path / "payloads.db", max_bytes=1_000_000_000).path
    counted = Counted()
    async with SpoolWriter(path, max_bytes=max_bytes) as writer:
        yield Bench(Tap(PayloadLogSettings(**settings), writer, counted), counted, path, writer)


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


@pytest.mark.parametrize(
    ("settings", "call", "reason"),
    [
        ({}, {}, None),
        ({}, {"caller": MONITOR}, "monitor"),
        ({}, {"never_logged": True}, "monitor"),
        ({"log": "all"}, {"caller": MONITOR}, None),
        ({"log": "all"}, {"caller": MONITOR, "never_logged": True}, "monitor"),
        ({"log": "none"}, {}, "log_none"),
        ({"log": "none"}, {"caller": MONITOR}, "log_none"),
        ({"log_marker": LogMarkerSettings(header="x")}, {}, "no_marker"),
        ({"log_marker": LogMarkerSettings(header="x")}, {"marked": True}, None),
        ({"log_marker": LogMarkerSettings(header="x")}, {"marked": True, "caller": MONITOR}, "monitor"),
        ({"sample": 0.0}, {}, "sampled_out"),
        ({"sample": 1.0}, {}, None),
        ({"sample": 0.0, "log": "none"}, {}, "log_none"),
    ],
)
async def test_what_is_not_recorded_is_counted_with_its_reason(
    tmp_path: Path, settings: dict[str, Any], call: dict[str, Any], reason: str | None
) -> None:
    tapped = tapped_call(**call)
    assert unrecorded(DeploymentSettings(**settings), tapped) == reason
    async with bench(tmp_path) as at:
        async with at.open(tapped, **settings) as record:
            record.answered(RESPONSE, RESPONSE_TEXT)
        assert isinstance(record, CallRecord if reason is None else Unlogged)
        assert len(at.records()) == (reason is None)
        counted = ("recorded", "credit", "scored") if reason is None else ("not recorded", "credit", reason)
        assert at.counted.reports == [counted]


def test_sample_is_a_share_of_calls_told_by_their_id_alone() -> None:
    calls = [tapped_call(scoring_id=mint(n)) for n in range(4_000)]

    def kept(sample: float) -> set[str]:
        settings = DeploymentSettings(sample=sample)
        return {call.scoring_id for call in calls if unrecorded(settings, call) is None}

    assert 800 < len(kept(0.25)) < 1_200
    assert kept(0.25) == kept(0.25)
    assert kept(0.25) < kept(0.5)


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


async def test_unnamed_columns_are_redacted_as_the_mapping_takes_them(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        unnamed = ScoringRequest(REQUEST.values, None)
        columns = InputSettings(fields=("Source", "Name", "Age"), constants={"Source": "web"})
        async with at.open(request=unnamed, redact={"Name": "mask"}, input=columns) as record:
            record.answered(RESPONSE, RESPONSE_TEXT)
        assert at.records()[0]["request"] == {"values": [["***", 41], ["***", 17]]}


async def test_unnamed_columns_that_nobody_knows_are_refused(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        with pytest.raises(UnprocessableRequestError, match="send `fields`"):
            at.open(request=ScoringRequest([["Ann"]], None), redact={"Name": "drop"})
        assert at.records() == []


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
