"""The hot path with scripted engines, real formats, mapping, tap and spool."""

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import uvloop
from msgspec import json

from adapters.base import NativeRequest, NativeResponse
from gateway import scoring
from gateway.scoring import MAX_ATTEMPTS
from schemas.configuration import OutputSettings
from schemas.deployment import Endpoint, Limits
from schemas.errors import (
    EngineEndpointNotFoundError,
    EngineError,
    EngineRefusedError,
    EngineReplyError,
    EngineTimeoutError,
    EngineUnavailableError,
    InvalidRequestError,
    SpoolFullError,
    UnprocessableRequestError,
)
from tests.fakes.engines import Held, ScriptedEngine, first_cells, in_turn, never, raises, says
from tests.fakes.gateways import MONITOR, deployed, scoring_bench

ROWS = {"fields": ["a"], "values": [[1], [2], [3]]}
THROTTLED = EngineUnavailableError("Throttled.", retryable=True, retry_after=0.0)


def split(**limits: Any) -> tuple[Endpoint, ...]:
    return (Endpoint(name="model", limits=Limits(**limits)),)


async def test_rows_are_answered_in_order_with_one_record(tmp_path: Path) -> None:
    async with scoring_bench(tmp_path, ScriptedEngine()) as bench:
        assert await bench.score(ROWS) == {"fields": ["prediction"], "values": [[1], [2], [3]]}
        (record,) = bench.records()
        assert (record["outcome"], record["response"]["values"]) == ("scored", [[1], [2], [3]])
        assert bench.count("calls_total", deployment="credit", outcome="scored", origin="application") == 1
        assert bench.count("records_total", deployment="credit", outcome="scored") == 1
        assert bench.count("engine_seconds_count", deployment="credit") == 1
        assert bench.count("overhead_seconds_count", deployment="credit") == 1


def test_times_are_finer_than_the_milliseconds_of_the_serving_loop(tmp_path: Path) -> None:
    async def beside_whole_milliseconds() -> list[float]:
        async with scoring_bench(tmp_path, ScriptedEngine()) as bench:
            await bench.score(ROWS)
            times = [bench.count(f"{name}_seconds_sum", deployment="credit") * 1000 for name in ("engine", "overhead")]
            return [abs(time_ms - round(time_ms)) for time_ms in times]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert max(runner.run(beside_whole_milliseconds())) > 1e-5


async def test_monitors_call_is_scored_counted_and_not_recorded(tmp_path: Path) -> None:
    async with scoring_bench(tmp_path, ScriptedEngine()) as bench:
        assert (await bench.score(ROWS, MONITOR))["values"] == [[1], [2], [3]]
        assert bench.records() == []
        assert bench.count("calls_total", deployment="credit", outcome="scored", origin="monitor") == 1
        assert bench.count("unrecorded_calls_total", deployment="credit", reason="monitor") == 1


async def test_bad_call_asks_nobody_and_leaves_nothing(tmp_path: Path) -> None:
    engine = ScriptedEngine()
    async with scoring_bench(tmp_path, engine) as bench:
        with pytest.raises(InvalidRequestError):
            await bench.score(b"{")
        with pytest.raises(UnprocessableRequestError):
            await bench.score({"input_data": [ROWS, {"fields": ["b"], "values": [[1]]}]})
        assert (engine.requests, bench.records()) == ([], [])
        assert bench.count("calls_total", deployment="credit", outcome="gateway_error", origin="application") == 0


async def test_throttled_call_is_sent_again_and_leaves_one_record(tmp_path: Path) -> None:
    engine = ScriptedEngine(in_turn(raises(THROTTLED), raises(THROTTLED), first_cells))
    async with scoring_bench(tmp_path, engine) as bench:
        assert (await bench.score(ROWS))["values"] == [[1], [2], [3]]
        assert len(engine.requests) == 3
        assert len({request.body for request in engine.requests}) == 1
        assert [record["outcome"] for record in bench.records()] == ["scored"]


async def test_throttled_to_the_end_is_unavailable(tmp_path: Path) -> None:
    engine = ScriptedEngine(raises(THROTTLED))
    async with scoring_bench(tmp_path, engine) as bench:
        with pytest.raises(EngineUnavailableError):
            await bench.score(ROWS)
        assert len(engine.requests) == MAX_ATTEMPTS
        assert [record["outcome"] for record in bench.records()] == ["engine_unavailable"]
        assert bench.records()[0]["response_time"] is not None


async def test_what_is_worth_two_attempts_gets_no_third(tmp_path: Path) -> None:
    failed = EngineRefusedError("Failed.", engine_status=500, retryable=True, retry_after=0.0, max_attempts=2)
    engine = ScriptedEngine(raises(failed))
    async with scoring_bench(tmp_path, engine) as bench:
        with pytest.raises(EngineRefusedError):
            await bench.score(ROWS)
        assert (len(engine.requests), len(bench.records())) == (2, 1)


async def test_pause_without_advice_is_short_and_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "FIRST_PAUSE_SECONDS", 0.02)
    times: list[float] = []

    async def unreachable(_: NativeRequest) -> NativeResponse:
        times.append(time.monotonic())
        raise EngineUnavailableError("Refused.", retryable=True)

    async with scoring_bench(tmp_path, ScriptedEngine(unreachable)) as bench:
        with pytest.raises(EngineUnavailableError):
            await bench.score(ROWS)
    assert times[1] - times[0] >= 0.01
    assert times[2] - times[1] >= 0.02


async def test_pause_that_would_outlast_the_deadline_is_not_begun(tmp_path: Path) -> None:
    engine = ScriptedEngine(raises(EngineUnavailableError("Later.", retryable=True, retry_after=3_600.0)))
    async with scoring_bench(tmp_path, engine) as bench:
        with pytest.raises(EngineUnavailableError):
            await bench.score(ROWS)
        assert len(engine.requests) == 1


@pytest.mark.parametrize(
    "error",
    [
        EngineRefusedError("No."),
        EngineReplyError("Nonsense."),
        EngineTimeoutError("Too slow."),
        EngineUnavailableError("Reset."),
        EngineError("Whatever."),
    ],
)
async def test_what_the_platform_may_have_worked_on_is_not_sent_again(tmp_path: Path, error: EngineError) -> None:
    engine = ScriptedEngine(raises(error))
    async with scoring_bench(tmp_path, engine) as bench:
        with pytest.raises(type(error)):
            await bench.score(ROWS)
        assert len(engine.requests) == 1
        assert len(bench.records()) == 1


async def test_engine_that_never_answers_is_ended_at_the_deadline(tmp_path: Path) -> None:
    ended = asyncio.Event()

    async def hang(request: NativeRequest) -> NativeResponse:
        try:
            return await never(request)
        finally:
            ended.set()

    engine = ScriptedEngine(hang)
    async with scoring_bench(tmp_path, engine, deployment=deployed(timeout_seconds=0.05)) as bench:
        with pytest.raises(EngineTimeoutError, match=r"within 0\.05 s"):
            await bench.score(ROWS)
        assert ended.is_set()
        (record,) = bench.records()
        assert (record["outcome"], record["status"]) == ("engine_timeout", 504)
        assert record["response_time"] >= 50
        assert engine.contexts[0].deadline <= asyncio.get_running_loop().time()


async def test_fault_of_ours_leaves_its_record_too(tmp_path: Path) -> None:
    async with scoring_bench(tmp_path, ScriptedEngine(raises(KeyError("bug")))) as bench:
        with pytest.raises(KeyError):
            await bench.score(ROWS)
        assert [record["outcome"] for record in bench.records()] == ["gateway_error"]
        assert bench.count("calls_total", deployment="credit", outcome="gateway_error", origin="application") == 1


async def test_cancelled_call_leaves_one_record(tmp_path: Path) -> None:
    held = Held()
    async with scoring_bench(tmp_path, ScriptedEngine(held)) as bench:
        call = asyncio.create_task(bench.score(ROWS))
        await held.asked.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert [record["outcome"] for record in bench.records()] == ["gateway_error"]


async def test_circuit_opens_after_failures_and_tries_again_later(tmp_path: Path) -> None:
    now = [0.0]
    engine = ScriptedEngine(raises(EngineUnavailableError("Down.")))
    async with scoring_bench(tmp_path, engine, clock=lambda: now[0]) as bench:
        for _ in range(10):
            with pytest.raises(EngineUnavailableError, match="Down"):
                await bench.score(ROWS)
        with pytest.raises(EngineUnavailableError, match="10 calls in a row") as refused:
            await bench.score(ROWS)
        assert refused.value.retry_after == 1.0
        assert len(engine.requests) == 10
        assert bench.pipelines.open_circuits() == ["credit"]
        assert len(bench.records()) == 11
        assert bench.records()[-1]["outcome"] == "engine_unavailable"
        now[0] = 1.0
        engine.answer = first_cells
        assert (await bench.score(ROWS))["values"] == [[1], [2], [3]]
        assert bench.pipelines.open_circuits() == []


async def test_batch_in_parts_closes_the_circuit_of_an_engine_that_is_well_again(tmp_path: Path) -> None:
    now = [0.0]
    engine = ScriptedEngine(raises(EngineUnavailableError("Down.")), endpoints=split(max_rows=1, max_parallel=4))
    async with scoring_bench(tmp_path, engine, clock=lambda: now[0]) as bench:
        batch = {"fields": ["a"], "values": [[1], [2], [3], [4]]}
        for _ in range(10):
            with pytest.raises(EngineUnavailableError, match="Down"):
                await bench.score(batch)
        assert bench.pipelines.open_circuits() == ["credit"]
        now[0] = 1.0
        engine.answer = first_cells
        assert (await bench.score(batch))["values"] == batch["values"]
        assert bench.pipelines.open_circuits() == []


async def test_throttled_attempts_and_parts_of_a_call_are_one_failure(tmp_path: Path) -> None:
    engine = ScriptedEngine(raises(THROTTLED), endpoints=split(max_rows=1, max_parallel=4))
    async with scoring_bench(tmp_path, engine) as bench:
        for _ in range(9):
            with pytest.raises(EngineUnavailableError, match="Throttled"):
                await bench.score(ROWS)
        assert bench.pipelines.open_circuits() == []
        with pytest.raises(EngineUnavailableError, match="Throttled"):
            await bench.score(ROWS)
        assert bench.pipelines.open_circuits() == ["credit"]


async def test_cancelled_trial_of_an_open_circuit_lets_the_next_call_try(tmp_path: Path) -> None:
    now, held = [0.0], Held()
    engine = ScriptedEngine(raises(EngineUnavailableError("Down.")))
    async with scoring_bench(tmp_path, engine, clock=lambda: now[0]) as bench:
        for _ in range(10):
            with pytest.raises(EngineUnavailableError, match="Down"):
                await bench.score(ROWS)
        now[0] = 1.0
        engine.answer = held
        trial = asyncio.create_task(bench.score(ROWS))
        await held.asked.wait()
        trial.cancel()
        await asyncio.gather(trial, return_exceptions=True)
        engine.answer = first_cells
        assert (await bench.score(ROWS))["values"] == [[1], [2], [3]]


async def test_refusals_do_not_open_the_circuit(tmp_path: Path) -> None:
    engine = ScriptedEngine(raises(EngineRefusedError("No.")))
    async with scoring_bench(tmp_path, engine) as bench:
        for _ in range(12):
            with pytest.raises(EngineRefusedError):
                await bench.score(ROWS)
        assert len(engine.requests) == 12


async def test_endpoint_that_is_gone_asks_for_a_discovery(tmp_path: Path) -> None:
    refreshes: list[str] = []
    engine = ScriptedEngine(raises(EngineEndpointNotFoundError("Gone.")))
    async with scoring_bench(tmp_path, engine, want_refresh=refreshes.append) as bench:
        with pytest.raises(EngineEndpointNotFoundError):
            await bench.score(ROWS)
    assert refreshes == ["aws"]


async def test_batch_is_split_to_the_limits_and_joined_in_order(tmp_path: Path) -> None:
    engine = ScriptedEngine(endpoints=split(max_rows=3, max_parallel=2))
    async with scoring_bench(tmp_path, engine) as bench:
        values = [[n] for n in range(10)]
        assert (await bench.score({"fields": ["a"], "values": values}))["values"] == values
        assert [len(json.decode(request.body)["values"]) for request in engine.requests] == [3, 3, 3, 1]
        assert engine.at_once <= 2
        (record,) = bench.records()
        assert (record["rows"], record["response"]["values"]) == (10, values)
        assert bench.count("engine_seconds_count", deployment="credit") == 1


async def test_parts_that_overtake_each_other_are_put_in_order(tmp_path: Path) -> None:
    second_done = asyncio.Event()

    async def second_first(request: NativeRequest) -> NativeResponse:
        if json.decode(request.body)["values"] == [[1]]:
            await second_done.wait()
        else:
            second_done.set()
        return await first_cells(request)

    engine = ScriptedEngine(second_first, endpoints=split(max_rows=1))
    async with scoring_bench(tmp_path, engine) as bench:
        assert (await bench.score({"fields": ["a"], "values": [[1], [2]]}))["values"] == [[1], [2]]
        assert engine.at_once == 2


async def test_failed_part_fails_the_call_and_ends_the_others(tmp_path: Path) -> None:
    ended: list[bool] = []

    async def one_fails(request: NativeRequest) -> NativeResponse:
        if json.decode(request.body)["values"] == [[3]]:
            raise EngineRefusedError("No.")
        try:
            return await never(request)
        finally:
            ended.append(True)

    engine = ScriptedEngine(one_fails, endpoints=split(max_rows=1))
    async with scoring_bench(tmp_path, engine) as bench:
        with pytest.raises(EngineRefusedError):
            await bench.score(ROWS)
        assert ended == [True, True]
        (record,) = bench.records()
        assert (record["outcome"], record["rows"], record["response"]) == ("engine_error", 3, None)


async def test_parts_together_have_one_deadline(tmp_path: Path) -> None:
    engine = ScriptedEngine(never, endpoints=split(max_rows=1, max_parallel=1))
    async with scoring_bench(tmp_path, engine, deployment=deployed(timeout_seconds=0.05)) as bench:
        with pytest.raises(EngineTimeoutError):
            await bench.score(ROWS)
        assert len({context.deadline for context in engine.contexts}) == 1
        assert [record["outcome"] for record in bench.records()] == ["engine_timeout"]


async def test_each_part_has_the_time_that_a_platform_allows_for_a_request(tmp_path: Path) -> None:
    async def slow(request: NativeRequest) -> NativeResponse:
        await asyncio.sleep(0.3)
        return await first_cells(request)

    limits = Limits(max_rows=1, max_parallel=1)
    engine = ScriptedEngine(slow, endpoints=(Endpoint(name="model", limits=limits, timeout_seconds=0.4),))
    async with scoring_bench(tmp_path, engine) as bench:
        assert (await bench.score(ROWS))["values"] == [[1], [2], [3]]
        deadlines = [context.deadline for context in engine.contexts]
        assert deadlines[0] < deadlines[1] < deadlines[2]


async def test_after_a_part_has_failed_no_other_is_begun(tmp_path: Path) -> None:
    engine = ScriptedEngine(raises(EngineRefusedError("No.")), endpoints=split(max_rows=1, max_parallel=1))
    async with scoring_bench(tmp_path, engine) as bench:
        with pytest.raises(EngineRefusedError):
            await bench.score(ROWS)
        assert len(engine.requests) == 1


async def test_large_bodies_are_translated_beside_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: set[int] = set()
    parse = scoring.parse_scoring_request

    def noted(body: bytes) -> Any:
        threads.add(threading.get_ident())
        return parse(body)

    monkeypatch.setattr(scoring, "parse_scoring_request", noted)
    async with scoring_bench(tmp_path, ScriptedEngine()) as bench:
        await bench.score(ROWS)
        assert threads == {threading.get_ident()}
        threads.clear()
        values = [[n] for n in range(20_000)]
        assert (await bench.score({"fields": ["a"], "values": values}))["values"] == values
        assert threads.isdisjoint({threading.get_ident()})
        assert bench.records()[1]["rows"] == 20_000


async def test_no_rows_are_answered_without_engine_and_record(tmp_path: Path) -> None:
    engine = ScriptedEngine()
    async with scoring_bench(tmp_path, engine) as bench:
        assert await bench.score({"fields": ["a"], "values": []}) == {"fields": [], "values": []}
        assert (engine.requests, bench.records()) == ([], [])


async def test_full_spool_keeps_the_engine_from_being_paid(tmp_path: Path) -> None:
    engine = ScriptedEngine()
    async with scoring_bench(tmp_path, engine, max_bytes=1) as bench:
        with pytest.raises(SpoolFullError):
            await bench.score(ROWS)
        assert engine.requests == []
    async with scoring_bench(tmp_path, engine, max_bytes=1, on_failure="answer") as bench:
        assert (await bench.score(ROWS))["values"] == [[1], [2], [3]]
        assert bench.count("lost_records_total", deployment="credit") == 1
        assert bench.records() == []


async def test_labels_in_the_wrong_order_are_counted(tmp_path: Path) -> None:
    output = OutputSettings(
        prediction="label", probability="p", probability_of="each", labels=("No Risk", "Risk"), prediction_is="label"
    )
    engine = ScriptedEngine(
        says(
            {"fields": ["label", "p"], "values": [["Risk", [0.9, 0.1]], ["Risk", [0.2, 0.8]], ["No Risk", [0.1, 0.9]]]}
        )
    )
    async with scoring_bench(tmp_path, engine, deployment=deployed(output=output)) as bench:
        await bench.score(ROWS)
        assert bench.count("contradicting_rows_total", deployment="credit") == 2


@pytest.mark.parametrize(("stated", "count"), [(["No Risk", "Risk"], 0), (["Risk", "No Risk"], 1), (["a"], 0)])
async def test_answers_that_state_another_order_of_classes_are_counted(
    tmp_path: Path, stated: list[str], count: int
) -> None:
    output = OutputSettings(prediction="label", probability="p", probability_of="each", labels=("No Risk", "Risk"))
    values = [["Risk", [0.25, 0.75]]] * 3
    engine = ScriptedEngine(says({"fields": ["label", "p"], "labels": stated, "values": values}))
    async with scoring_bench(tmp_path, engine, deployment=deployed(output=output)) as bench:
        response = await bench.score(ROWS)
        assert response == {"fields": ["prediction", "probability"], "values": values, "labels": ["No Risk", "Risk"]}
        assert bench.count("contradicting_labels_total", deployment="credit") == count
        assert bench.count("contradicting_rows_total", deployment="credit") == 0


async def test_async_durability_answers_before_the_record_is_on_disk_and_keeps_it(tmp_path: Path) -> None:
    async with scoring_bench(tmp_path, ScriptedEngine(), durability="async") as bench:
        for _ in range(5):
            await bench.score(ROWS)
    assert len(bench.records()) == 5
