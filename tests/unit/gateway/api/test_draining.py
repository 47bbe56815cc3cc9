import asyncio

from gateway.api.draining import Draining


class Request:
    """A request that is answered when it is released; it remembers whether it was cancelled."""

    def __init__(self, draining: Draining) -> None:
        self.released = asyncio.Event()
        self.cancelled_when_impatient = False
        self._draining = draining
        self.task = asyncio.create_task(self._answer())

    async def _answer(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._draining.begin(task)
        try:
            await self.released.wait()
        except asyncio.CancelledError:
            self.cancelled_when_impatient = self._draining.impatient
        finally:
            self._draining.end(task)


async def test_requests_that_end_in_time_are_waited_for() -> None:
    draining = Draining(60.0)
    requests = [Request(draining) for _ in range(3)]
    await asyncio.sleep(0)

    finishing = asyncio.create_task(draining.finish())
    await asyncio.sleep(0)
    assert not finishing.done()
    for request in requests:
        request.released.set()
    await finishing

    assert all(request.task.done() for request in requests)
    assert not any(request.cancelled_when_impatient for request in requests)


async def test_requests_that_take_too_long_are_cancelled_and_waited_for() -> None:
    draining = Draining(0.01)
    late = Request(draining)
    await asyncio.sleep(0)
    assert not draining.impatient

    await draining.finish()

    assert late.task.done()
    assert late.cancelled_when_impatient


async def test_a_request_that_has_its_answer_is_not_cancelled() -> None:
    draining = Draining(0.01)
    sent = asyncio.Event()

    async def answer_slowly_read() -> None:
        task = asyncio.current_task()
        assert task is not None
        draining.begin(task)
        draining.end(task)
        await sent.wait()

    answering = asyncio.create_task(answer_slowly_read())
    await asyncio.sleep(0)
    await draining.finish()
    sent.set()
    await answering


async def test_without_requests_nothing_is_waited_for() -> None:
    async with asyncio.timeout(1):
        await Draining(60.0).finish()
