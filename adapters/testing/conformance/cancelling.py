"""Cancelling what is under way."""

import asyncio
from typing import Any

SOON_SECONDS = 5.0


async def assert_ends_when_cancelled(task: "asyncio.Task[Any]") -> None:
    """Cancel a task and check that it ends at once, cancelled."""
    # A task that goes on may fail later, when nobody asks any more: that is no further complaint.
    task.add_done_callback(_retrieve)
    task.cancel()
    # Not `await task` under a timeout: that cancels it a second time, which a task that ignored the first may heed.
    ended, _ = await asyncio.wait([task], timeout=SOON_SECONDS)
    assert ended, "Cancelled, it has to end at once: let CancelledError pass, and wait for nothing more."
    assert task.cancelled(), "Cancelled, it has to end with CancelledError."


def _retrieve(task: "asyncio.Task[Any]") -> None:
    if not task.cancelled():
        task.exception()
