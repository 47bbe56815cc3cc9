"""Importing what an entry point names, and not waiting for it for ever."""

from concurrent.futures import Future
from importlib.metadata import EntryPoint
from threading import Thread
from typing import Any


def load_within(entry_point: EntryPoint, seconds: float) -> Any:
    """Import and return what an entry point names.

    It is imported in a thread of its own: a module that waits (for a server, for a lock) can't be stopped, but it can
    be left behind.

    Raises:
        TimeoutError: it is not imported after so many seconds.
        BaseException: whatever the module raises, `SystemExit` included.
    """
    loaded: Future[Any] = Future()
    Thread(target=_load, args=(entry_point, loaded), name=f"import {entry_point.value}", daemon=True).start()
    try:
        return loaded.result(seconds)
    except TimeoutError:
        if loaded.done():
            raise
        raise TimeoutError(f"its import did not end within {seconds:g} s") from None


def _load(entry_point: EntryPoint, loaded: "Future[Any]") -> None:
    try:
        loaded.set_result(entry_point.load())
    except BaseException as error:  # noqa: BLE001 - the caller's to judge
        loaded.set_exception(error)
