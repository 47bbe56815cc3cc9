"""Tables and consoles of commands, by rich; apart from `console`, because rich takes its time to load."""

import sys
from typing import IO

from rich.console import Console
from rich.table import Table

from gateway.cli.console import printable

# In a pipe a line is as long as it has to be: nobody can put a folded id or URL together again.
PIPE_COLUMNS = 100_000


def output_console(*, errors: bool = False) -> Console:
    """Return a console that shows text as it is: no markup, no emoji; standard error with `errors`."""
    stream: IO[str] = sys.stderr if errors else sys.stdout
    width = None if stream.isatty() else PIPE_COLUMNS
    return Console(file=stream, width=width, markup=False, emoji=False, highlight=False)


def new_table(*columns: str, numbers: tuple[str, ...] = ()) -> Table:
    """Return a table without lines, whose cells are folded where they don't fit, and never cut.

    Args:
        columns: names, from left to right.
        numbers: which of them are aligned to the right.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold", justify="right" if column in numbers else "left")
    return table


def add_row(table: Table, *cells: object) -> None:
    """Add a row of cells, shown as text."""
    table.add_row(*(printable(str(cell)) for cell in cells))
