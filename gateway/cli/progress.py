"""A progress bar for what takes long: on a terminal, from the second step on."""

import sys
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, SpinnerColumn, TextColumn
from rich.progress import Progress as Bar

from gateway.cli.tables import output_console


class Progress:
    """Counts things; entered for as long as they are being counted.

    Args:
        noun: what they are.
    """

    def __init__(self, noun: str) -> None:
        columns = (SpinnerColumn(), BarColumn(), TextColumn("{task.fields[things]:,.0f} " + noun))
        self._bar = Bar(*columns, console=output_console(errors=True), disable=not sys.stderr.isatty(), transient=True)
        self._task = self._bar.add_task("", total=1.0, things=0)
        self._steps = 0
        self._things = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.stop()

    def advance(self, things: int, share: float | None = None) -> None:
        """Count more things; `share` is how much is done, from 0 to 1, None where nobody knows."""
        self._steps += 1
        self._things += things
        if self._steps == 2:  # noqa: PLR2004 - what is done in one step needs no bar
            self._bar.start()
        self._bar.update(self._task, completed=share or 0.0, total=None if share is None else 1.0, things=self._things)
