import asyncio
import sys
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from gateway.translating import LARGE_BODY_BYTES, TRANSLATING_THREADS, Translating

LARGE = bytes(LARGE_BODY_BYTES)


@pytest.fixture
def translating() -> Iterator[Translating]:
    with closing(Translating()) as translating:
        yield translating


async def test_small_bodies_are_translated_at_once(translating: Translating) -> None:
    assert await translating.run(LARGE[1:], threading.get_ident) == threading.get_ident()


async def test_large_bodies_are_translated_beside_the_loop(translating: Translating) -> None:
    assert await translating.run(LARGE, threading.get_ident) != threading.get_ident()


async def test_what_is_refused_there_is_refused_here(translating: Translating) -> None:
    for body in (b"", LARGE):
        with pytest.raises(ValueError, match="invalid literal"):
            await translating.run(body, int, "x")


async def test_the_interpreter_changes_hands_sooner_while_a_large_body_is_translated(translating: Translating) -> None:
    usual = sys.getswitchinterval()
    both = threading.Barrier(2)

    def turns() -> float:
        both.wait(10)
        return sys.getswitchinterval()

    taken = await asyncio.gather(*(translating.run(LARGE, turns) for _ in range(2)))
    assert max(taken) < usual
    with pytest.raises(ValueError, match="invalid literal"):
        await translating.run(LARGE, int, "x")
    assert sys.getswitchinterval() == usual
    assert await translating.run(b"", sys.getswitchinterval) == usual


async def test_threads_that_others_occupy_hold_up_no_body(translating: Translating) -> None:
    loop, release = asyncio.get_running_loop(), threading.Event()
    occupied = [loop.run_in_executor(None, release.wait) for _ in range(64)]
    try:
        async with asyncio.timeout(10):
            assert await translating.run(LARGE, len, LARGE) == LARGE_BODY_BYTES
    finally:
        release.set()
        await asyncio.gather(*occupied)


async def test_no_more_bodies_are_translated_at_a_time_than_there_are_threads(translating: Translating) -> None:
    together = threading.Barrier(TRANSLATING_THREADS + 1)
    waiting = [
        asyncio.ensure_future(translating.run(LARGE, together.wait, 0.2)) for _ in range(TRANSLATING_THREADS + 1)
    ]
    ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(error) for error in ended} == {threading.BrokenBarrierError}
