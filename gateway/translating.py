"""Where bodies are translated: small ones at once, large ones beside the event loop."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from threading import Lock
from typing import TypeVar

# From here on a body is translated in a thread, so that the loop goes on answering small calls beside it.
LARGE_BODY_BYTES = 64_000
# They share one interpreter: more would only make small calls wait longer, fewer let one huge body hold up the rest.
TRANSLATING_THREADS = 2
# A small call asks for the interpreter several times, and waits this long each time while a thread translates.
TURN_SECONDS = 0.0005

Result = TypeVar("Result")


class Translating:
    """Runs what reads or writes bodies, in threads that discovery and disks can't occupy."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(TRANSLATING_THREADS, thread_name_prefix="translating")
        self._lock = Lock()
        self._under_way = 0
        self._usual_seconds = sys.getswitchinterval()

    def close(self) -> None:
        """Let go of the threads; what runs there ends by itself."""
        self._threads.shutdown(wait=False)

    async def run(self, body: bytes, translate: Callable[..., Result], *arguments: object) -> Result:
        """Call `translate` with the arguments: at once, or in a thread where the body of the call is large."""
        if len(body) < LARGE_BODY_BYTES:
            return translate(*arguments)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, copy_context().run, self._in_turns, translate, *arguments)

    def _in_turns(self, translate: Callable[..., Result], *arguments: object) -> Result:
        with self._short_turns():
            return translate(*arguments)

    @contextmanager
    def _short_turns(self) -> Iterator[None]:
        """Have threads hand over the interpreter sooner, for as long as one of them is in here."""
        with self._lock:
            self._under_way += 1
            if self._under_way == 1:
                self._usual_seconds = sys.getswitchinterval()
                sys.setswitchinterval(min(TURN_SECONDS, self._usual_seconds))
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1
                if self._under_way == 0:
                    sys.setswitchinterval(self._usual_seconds)
