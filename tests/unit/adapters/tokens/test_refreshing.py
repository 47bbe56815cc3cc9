import asyncio

import pytest

from adapters.base import Token
from adapters.tokens.refreshing import PAUSE_SECONDS, RefreshingTokens
from schemas.errors import EngineError, EngineRefusedError, EngineUnavailableError


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class NumberedTokens(RefreshingTokens):
    """Issues t1, t2, ..., each with 100 s to live, as soon as `gate` is open."""

    def __init__(self, clock: Clock) -> None:
        super().__init__("The numbering office", clock=clock)
        self.clock = clock
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = asyncio.Event()
        self.fetches = 0
        self.failure: EngineError | None = None

    async def fetch(self, deadline: float) -> Token:
        self.fetches += 1
        number = self.fetches
        self.asked.set()
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return Token(f"t{number}", self.clock() + 100.0)


def in_seconds(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


async def value(tokens: RefreshingTokens, *, rejected: Token | None = None, seconds: float = 10.0) -> str:
    return (await tokens.token(deadline=in_seconds(seconds), rejected=rejected)).value


async def waiting(tokens: NumberedTokens, callers: int) -> list["asyncio.Task[str]"]:
    """Start callers, and return once one has asked the service and the others wait for it."""
    tokens.asked.clear()
    tasks = [asyncio.create_task(value(tokens)) for _ in range(callers)]
    await tokens.asked.wait()
    return tasks


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def tokens(clock: Clock) -> NumberedTokens:
    return NumberedTokens(clock)


async def test_a_token_is_kept_until_80_percent_of_its_life(tokens: NumberedTokens, clock: Clock) -> None:
    assert await value(tokens) == "t1"
    clock.now += 79.9
    assert await value(tokens) == "t1"
    clock.now += 0.2
    assert await value(tokens) == "t2"


async def test_many_callers_without_a_token_wait_for_one_fetch(tokens: NumberedTokens) -> None:
    tokens.gate.clear()
    tasks = await waiting(tokens, 50)
    tokens.gate.set()
    assert set(await asyncio.gather(*tasks)) == {"t1"}
    assert tokens.fetches == 1


async def test_nobody_waits_for_an_early_renewal_but_the_task_that_makes_it(
    tokens: NumberedTokens, clock: Clock
) -> None:
    await value(tokens)
    clock.now += 85
    tokens.gate.clear()
    [renewing] = await waiting(tokens, 1)
    assert await value(tokens) == "t1"
    tokens.gate.set()
    assert await renewing == "t2"
    assert await value(tokens) == "t2"


@pytest.mark.parametrize("kind", [EngineUnavailableError, EngineRefusedError])
async def test_a_failed_early_renewal_leaves_the_token_in_use_until_it_is_about_to_expire(
    tokens: NumberedTokens, clock: Clock, kind: type[EngineError]
) -> None:
    await value(tokens)
    clock.now += 80
    tokens.failure = kind("down")
    assert [await value(tokens), await value(tokens)] == ["t1", "t1"]
    assert tokens.fetches == 2
    clock.now += 15
    with pytest.raises(kind):
        await value(tokens)


async def test_a_silent_service_costs_an_early_renewal_half_of_the_time_left(
    tokens: NumberedTokens, clock: Clock
) -> None:
    await value(tokens)
    clock.now += 85
    tokens.gate.clear()
    assert await value(tokens, seconds=0.1) == "t1"


async def test_a_rejected_token_is_replaced_once_for_all_who_report_it(tokens: NumberedTokens) -> None:
    rejected = await tokens.token(deadline=in_seconds(10))
    values = await asyncio.gather(*(value(tokens, rejected=rejected) for _ in range(10)))
    assert set(values) == {"t2"}
    assert await value(tokens) == "t2"
    assert tokens.fetches == 2


async def test_a_service_that_is_silent_is_left_at_the_deadline(tokens: NumberedTokens) -> None:
    tokens.gate.clear()
    with pytest.raises(EngineUnavailableError, match="numbering office"):
        await value(tokens, seconds=0.02)
    tokens.gate.set()
    assert await value(tokens) == "t2"


async def test_a_waiting_caller_leaves_at_its_own_deadline(tokens: NumberedTokens) -> None:
    tokens.gate.clear()
    [fetching] = await waiting(tokens, 1)
    with pytest.raises(EngineUnavailableError):
        await value(tokens, seconds=0.02)
    tokens.gate.set()
    assert await fetching == "t1"


async def test_when_the_fetching_caller_is_cancelled_another_fetches(tokens: NumberedTokens) -> None:
    tokens.gate.clear()
    first, *others = await waiting(tokens, 5)
    first.cancel()
    tokens.gate.set()
    assert set(await asyncio.gather(*others)) == {"t2"}


async def test_callers_that_waited_for_a_refusal_do_not_ask_again(tokens: NumberedTokens) -> None:
    tokens.gate.clear()
    tokens.failure = EngineRefusedError("no", engine_status=400)
    tasks = await waiting(tokens, 20)
    tokens.gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(result) for result in results} == {EngineRefusedError}
    assert tokens.fetches == 1


@pytest.mark.parametrize("status", [400, None])
async def test_after_a_refusal_nobody_asks_again_for_ten_seconds(
    tokens: NumberedTokens, clock: Clock, status: int | None
) -> None:
    tokens.failure = EngineRefusedError("no", engine_status=status)
    for _ in range(3):
        with pytest.raises(EngineRefusedError):
            await value(tokens)
    assert tokens.fetches == 1
    tokens.failure = None
    clock.now += PAUSE_SECONDS
    assert await value(tokens) == "t2"


async def test_a_refusal_is_forgotten_where_the_clock_was_set_back(tokens: NumberedTokens, clock: Clock) -> None:
    tokens.failure = EngineRefusedError("no", engine_status=400)
    with pytest.raises(EngineRefusedError):
        await value(tokens)
    tokens.failure = None
    clock.now -= 3600
    assert await value(tokens) == "t2"


async def test_a_service_that_is_down_is_asked_by_the_next_caller(tokens: NumberedTokens) -> None:
    tokens.failure = EngineUnavailableError("down", engine_status=503)
    with pytest.raises(EngineUnavailableError):
        await value(tokens)
    tokens.failure = None
    assert await value(tokens) == "t2"


async def test_one_callers_tight_deadline_is_not_passed_on(tokens: NumberedTokens) -> None:
    tokens.gate.clear()
    tokens.asked.clear()
    hasty = asyncio.create_task(value(tokens, seconds=0.02))
    await tokens.asked.wait()
    patient = asyncio.create_task(value(tokens))
    with pytest.raises(EngineUnavailableError):
        await hasty
    tokens.gate.set()
    assert await patient == "t2"
