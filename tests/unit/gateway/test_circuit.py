import asyncio
from contextlib import AbstractContextManager

import pytest

from gateway.circuit import FAILURES_TO_OPEN, FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, Circuit
from schemas.errors import EngineRefusedError, EngineTimeoutError, EngineUnavailableError


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def succeed(circuit: Circuit) -> None:
    with circuit.call():
        pass


def end(circuit: Circuit, error: BaseException) -> None:
    with pytest.raises(type(error)) as raised, circuit.call():
        raise error
    assert raised.value is error


def fail(circuit: Circuit) -> None:
    end(circuit, EngineUnavailableError("Down."))


def cancel(call: AbstractContextManager[None]) -> None:
    error = asyncio.CancelledError()
    assert not call.__exit__(type(error), error, None)


def opened(clock: Clock) -> Circuit:
    circuit = Circuit(clock)
    for _ in range(FAILURES_TO_OPEN):
        fail(circuit)
    return circuit


def refused(circuit: Circuit) -> EngineUnavailableError:
    with pytest.raises(EngineUnavailableError, match="in a row") as refusal:
        succeed(circuit)
    return refusal.value


def test_stays_closed_below_ten_failures_in_a_row() -> None:
    circuit = Circuit(Clock())
    for _ in range(3):
        for _ in range(FAILURES_TO_OPEN - 1):
            fail(circuit)
        succeed(circuit)
    assert not circuit.is_open


def test_late_and_missing_answers_count_and_refusals_are_answers() -> None:
    circuit = Circuit(Clock())
    for _ in range(FAILURES_TO_OPEN - 1):
        end(circuit, EngineTimeoutError("Too slow."))
    end(circuit, EngineRefusedError("No."))
    fail(circuit)
    assert not circuit.is_open


def test_open_circuit_refuses_and_says_when_to_come_back() -> None:
    refusal = refused(opened(Clock()))
    assert refusal.retry_after == pytest.approx(FIRST_PAUSE_SECONDS)
    assert not refusal.retryable


def test_refusals_of_the_circuit_itself_do_not_count() -> None:
    clock = Clock()
    circuit = opened(clock)
    for _ in range(3):
        assert f" {FAILURES_TO_OPEN} calls" in refused(circuit).message
    clock.now += FIRST_PAUSE_SECONDS
    succeed(circuit)


def test_one_call_at_a_time_tries_an_open_circuit() -> None:
    clock = Clock()
    circuit = opened(clock)
    clock.now += FIRST_PAUSE_SECONDS
    with circuit.call():
        refused(circuit)
    assert not circuit.is_open


def test_failed_trial_waits_longer_and_success_closes() -> None:
    clock = Clock()
    circuit = opened(clock)
    clock.now += FIRST_PAUSE_SECONDS
    fail(circuit)
    clock.now += FIRST_PAUSE_SECONDS
    refused(circuit)
    clock.now += FIRST_PAUSE_SECONDS
    succeed(circuit)
    for _ in range(5):
        succeed(circuit)
    assert not circuit.is_open


def test_pause_stops_growing() -> None:
    clock = Clock()
    circuit = opened(clock)
    for _ in range(10):
        clock.now += LONGEST_PAUSE_SECONDS
        fail(circuit)
    assert refused(circuit).retry_after == pytest.approx(LONGEST_PAUSE_SECONDS)


def test_cancelled_trial_leaves_its_place_to_the_next_call() -> None:
    clock = Clock()
    circuit = opened(clock)
    clock.now += FIRST_PAUSE_SECONDS
    end(circuit, asyncio.CancelledError())
    assert circuit.is_open
    fail(circuit)
    assert refused(circuit).retry_after == pytest.approx(2 * FIRST_PAUSE_SECONDS)


def test_cancelled_call_gives_away_no_place_but_its_own() -> None:
    circuit = Circuit(Clock())
    cancelled = circuit.call()
    cancelled.__enter__()
    for _ in range(FAILURES_TO_OPEN):
        fail(circuit)
    cancel(cancelled)
    refused(circuit)


def test_cancelled_trial_does_not_give_away_the_place_of_a_later_one() -> None:
    clock = Clock()
    circuit = opened(clock)
    earlier, later = circuit.call(), circuit.call()
    for trial in (earlier, later):
        clock.now += 2 * FIRST_PAUSE_SECONDS
        trial.__enter__()
    cancel(earlier)
    refused(circuit)
    later.__exit__(None, None, None)
    assert not circuit.is_open
