"""Where bodies are translated: small ones at once, large ones beside the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

# From here on a body is translated in a thread, so that the loop goes on answering small calls beside it.
LARGE_BODY_BYTES = 64_000
# They share one interpreter: more would only make small calls wait longer, fewer let one huge body hold up the rest.
TRANSLATING_THREADS = 2

Result = TypeVar("Result")


class Translating:
    """Runs what reads or writes bodies, in threads that discovery and disks can't occupy."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(TRANSLATING_THREADS, thread_name_prefix="translating")

    def close(self) -> None:
        """Let go of the threads; what runs there ends by itself."""
        self._threads.shutdown(wait=False)

    async def run(self, body: bytes, translate: Callable[..., Result], *arguments: object) -> Result:
        """Call `translate` with the arguments: at once, or in a thread where the body of the call is large."""
        if len(body) < LARGE_BODY_BYTES:
            return translate(*arguments)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, copy_context().run, translate, *arguments)
