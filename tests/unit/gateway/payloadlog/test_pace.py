import asyncio

from gateway.payloadlog.pace import Backoff, Budget, Pace


def test_pauses_double_up_to_the_longest_and_begin_anew_after_success() -> None:
    backoff = Backoff(Pace(backoff=1.0, backoff_at_most=5.0, jitter=lambda: 1.0))
    assert [backoff.next() for _ in range(4)] == [1.0, 2.0, 4.0, 5.0]
    backoff.reset()
    assert backoff.next() == 1.0


def test_sink_that_asks_for_a_pause_gets_it_within_reason() -> None:
    backoff = Backoff(Pace(backoff=1.0, backoff_at_most=5.0, jitter=lambda: 0.5))
    assert backoff.next(retry_after=3.0) == 3.0
    assert backoff.next(retry_after=3600.0) == 5.0


def test_jitter_spreads_the_pauses() -> None:
    assert all(0.25 <= Backoff(Pace(backoff=0.5)).next() <= 0.5 for _ in range(100))


def test_years_of_failures_overflow_nothing() -> None:
    backoff = Backoff(Pace())
    backoff.failures = 10_000
    assert backoff.next() <= 60.0


async def test_budget_holds_batches_back_until_there_is_room_but_lets_a_large_one_go_alone() -> None:
    budget = Budget(100)
    await budget.take(60)
    second = asyncio.create_task(budget.take(60))
    await asyncio.sleep(0)
    assert not second.done()
    await budget.give_back(60)
    await second
    await budget.give_back(60)
    await budget.take(1000)
