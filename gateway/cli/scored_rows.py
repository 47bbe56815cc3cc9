"""What `score` prints: a table of the first rows, or the JSON of all of them, written as they come."""

import sys
from typing import Any

import msgspec

from gateway.cli.console import counted
from gateway.cli.tables import add_row, new_table, output_console
from schemas.scoring import ScoringResponse, Values

SHOWN_ROWS = 50


class ScoredTable:
    """Keeps the first rows, and shows them at the end."""

    def __init__(self) -> None:
        self._fields: list[str] = []
        self._shown: Values = []
        self._n_rows = 0

    def add(self, answer: ScoringResponse) -> None:
        """Take the next rows."""
        self._fields = answer.fields
        self._shown += answer.values[: SHOWN_ROWS - len(self._shown)]
        self._n_rows += len(answer.values)

    def end(self) -> None:
        """Print the table."""
        table = new_table("row", *self._fields, numbers=("row",))
        for n, row in enumerate(self._shown, start=1):
            add_row(table, n, *map(shown, row))
        console = output_console()
        console.print(table)
        more = "" if self._n_rows <= SHOWN_ROWS else f", the first {SHOWN_ROWS} are shown; --json prints all"
        console.print(f"{counted(self._n_rows, 'row')} scored{more}.")


class ScoredJson:
    """Writes one fields/values object to standard output, in constant memory."""

    def __init__(self) -> None:
        self._begun = False
        self._separator = b""

    def add(self, answer: ScoringResponse) -> None:
        """Write the next rows."""
        out = sys.stdout.buffer
        if not self._begun:
            head = {"fields": answer.fields} | ({} if answer.labels is None else {"labels": answer.labels})
            out.write(msgspec.json.encode(head)[:-1] + b',"values":[')
            self._begun = True
        if answer.values:
            out.write(self._separator + msgspec.json.encode(answer.values)[1:-1])
            self._separator = b","

    def end(self) -> None:
        """Close the object."""
        sys.stdout.buffer.write(b"]}\n")


def shown(cell: Any) -> str:
    """Return a cell as a person reads it: numbers with six digits, nothing for null."""
    match cell:
        case None:
            return ""
        case str():
            return cell
        case float():
            return f"{cell:.6g}"
        case [*items]:
            return f"[{', '.join(map(shown, items))}]"
    return msgspec.json.encode(cell).decode()
