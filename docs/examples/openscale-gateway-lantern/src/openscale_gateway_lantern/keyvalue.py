"""Lantern's bodies: a line for each row, `Age=33;Job=%22clerk%22`, names and JSON scalars percent-encoded.

Source: Lantern handbook, "Bodies".
"""

import json
import math
from collections.abc import Sequence
from urllib.parse import quote, unquote

from adapters.base import Body, Format, FormatPlugin
from schemas.configuration import Settings
from schemas.errors import EngineReplyError, UnprocessableRequestError
from schemas.table import Cell, Table

MEDIA_TYPE = "text/x-keyvalue"


class KeyValueSettings(Settings, frozen=True, kw_only=True):
    """Options of the codec `keyvalue`: it has none."""


class KeyValueFormat:
    """See the module."""

    media_type = MEDIA_TYPE

    def encode(self, table: Table) -> Body:
        """Write a line for each row."""
        if table.columns is None:
            raise UnprocessableRequestError("Lantern wants names: send `fields` with the values.", target="fields")
        try:
            names = [quote(name, safe="") for name in table.columns]
        except UnicodeEncodeError as error:
            raise UnprocessableRequestError("A column's name is no Unicode text.", target="fields") from error
        lines = [_line(names, row, n) for n, row in enumerate(table.rows)]
        return Body("".join(f"{line}\n" for line in lines).encode("ascii"), MEDIA_TYPE)

    def decode(self, body: Body, n_rows: int | None) -> Table:
        """Read a row from each line; all must have the columns of the first."""
        try:
            lines = body.content.decode("ascii").split("\n")[:-1]
        except UnicodeDecodeError as error:
            raise EngineReplyError(f"Lantern's answer is not ASCII (byte {error.start}).") from error
        if n_rows is not None and len(lines) != n_rows:
            raise EngineReplyError(f"Lantern answered {len(lines)} rows to {n_rows}.")
        rows = [_read(line, n) for n, line in enumerate(lines)]
        columns = tuple(rows[0]) if rows else ("prediction",)
        for n, row in enumerate(rows):
            if tuple(row) != columns:
                raise EngineReplyError(f"Row {n} of Lantern's answer has other columns than the first.")
        return Table(columns, [list(row.values()) for row in rows])


def _line(names: Sequence[str], row: Sequence[Cell], n: int) -> str:
    return ";".join(f"{name}={_text(cell, n, m)}" for m, (name, cell) in enumerate(zip(names, row, strict=True)))


def _text(cell: Cell, n: int, m: int) -> str:
    if isinstance(cell, list | dict):
        raise UnprocessableRequestError(
            "The cell is no scalar: Lantern takes nothing else.", target=f"values[{n}][{m}]"
        )
    if isinstance(cell, float) and not math.isfinite(cell):
        cell = None
    try:
        return quote(json.dumps(cell, ensure_ascii=False), safe="")
    except ValueError as error:
        raise UnprocessableRequestError("The cell can't be written.", target=f"values[{n}][{m}]") from error


def _read(line: str, n: int) -> dict[str, Cell]:
    row: dict[str, Cell] = {}
    for pair in line.split(";"):
        name, equals, value = pair.partition("=")
        try:
            cell = json.loads(unquote(value, errors="strict"), parse_constant=lambda _: None, parse_float=_finite)
            column = unquote(name, errors="strict")
        except (ValueError, RecursionError) as error:
            # Its text may quote the value.
            raise EngineReplyError(f"Row {n} of Lantern's answer has a value that can't be read.") from error
        if not equals or column in row:
            raise EngineReplyError(f"Row {n} of Lantern's answer is no list of name=value, each name once.")
        row[column] = cell
    return row


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _build(settings: KeyValueSettings) -> Format:
    return KeyValueFormat()


plugin = FormatPlugin(kind="keyvalue", settings=KeyValueSettings, build=_build)
