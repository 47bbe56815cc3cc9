import pytest

from gateway.circuit import FAILURES_TO_OPEN, FIRST_PAUSE_SECONDS, Circuit
from schemas.errors import EngineUnavailableError


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def opened(clock: Clock) -> Circuit:
    circuit = Circuit(clock)
    for _ in range(FAILURES_TO_OPEN):
        circuit.check()
        circuit.failed()
    return circuit


def test_stays_closed_below_ten_failures_in_a_row() -> None:
    circuit = Circuit(Clock())
    for _ in range(3):
        for _ in range(FAILURES_TO_OPEN - 1):
            circuit.check()
            circuit.failed()
        circuit.succeeded()
    circuit.check()
    assert not circuit.is_open


def test_open_circuit_refuses_and_says_when_to_come_back() -> None:
    circuit = opened(Clock())
    with pytest.raises(EngineUnavailableError) as refusal:
        circuit.check()
    assert refusal.value.retry_after == pytest.approx(FIRST_PAUSE_SECONDS)
    assert not refusal.value.retryable


def test_one_call_at_a_time_tries_an_open_circuit() -> None:
    clock = Clock()
    circuit = opened(clock)
    clock.now += FIRST_PAUSE_SECONDS
    circuit.check()
    with pytest.raises(EngineUnavailableError):
        circuit.check()


def test_failed_trial_waits_longer_and_success_closes() -> None:
    clock = Clock()
    circuit = opened(clock)
    clock.now += FIRST_PAUSE_SECONDS
    circuit.check()
    circuit.failed()
    clock.now += FIRST_PAUSE_SECONDS
    with pytest.raises(EngineUnavailableError):
        circuit.check()
    clock.now += FIRST_PAUSE_SECONDS
    circuit.check()
    circuit.succeeded()
    for _ in range(5):
        circuit.check()
    assert not circuit.is_open
