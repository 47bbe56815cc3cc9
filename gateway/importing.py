"""Importing what entry points name: whatever a module does meanwhile, and without waiting for it for ever."""

import time
from collections.abc import Sequence
from importlib.metadata import EntryPoint
from threading import Event, Thread
from typing import Any

from msgspec import Struct

# A module that takes longer is imported beside those after it: several that hang are waited for together.
PATIENCE_SECONDS = 2.0


class Imported(Struct, frozen=True):
    """How an import ended.

    Attributes:
        value: what the entry point names.
        fault: what the module raised instead, be it `SystemExit` or the panic of an extension.
    """

    value: Any = None
    fault: BaseException | None = None


def import_all(entry_points: Sequence[EntryPoint], seconds: float) -> list[Imported]:
    """Import what entry points name, and tell in the same order how that ended.

    Each is imported in a thread of its own: a module that waits (for a server, for a lock) can't be stopped, but it can
    be left behind.

    Args:
        entry_points: imported one after the other, unless one of them is slow.
        seconds: from the first import to the end of the wait for the last one.
    """
    deadline = time.monotonic() + seconds
    begun = []
    for entry_point in entry_points:
        begun.append(_Import(entry_point))
        begun[-1].wait(min(PATIENCE_SECONDS, seconds))
    for one in begun:
        one.wait(max(deadline - time.monotonic(), 0.0))
    late = Imported(fault=TimeoutError(f"its import did not end within {seconds:g} s"))
    return [one.ended or late for one in begun]


class _Import:
    """An import under way; `ended` is None until then."""

    def __init__(self, entry_point: EntryPoint) -> None:
        self.ended: Imported | None = None
        self._entry_point = entry_point
        self._over = Event()
        Thread(target=self._run, name=f"import {entry_point.value}", daemon=True).start()

    def wait(self, seconds: float) -> None:
        self._over.wait(seconds)

    def _run(self) -> None:
        try:
            self.ended = Imported(value=self._entry_point.load())
        except BaseException as fault:  # noqa: BLE001 - the caller's to judge; it is raised in no thread of the gateway
            self.ended = Imported(fault=fault)
        self._over.set()
