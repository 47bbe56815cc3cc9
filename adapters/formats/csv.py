"""CSV, in both dialects: one row a line, and all rows on one line.

Source: SageMaker Developer Guide, "Common data formats for inference" and "XGBoost algorithm"; the SageMaker XGBoost
container writes the numbers of all rows on one line, vectors as `[0.1, 0.9],[0.8, 0.2]`.

A cell that reads as a number is one, quoted or not; a number with leading zeros is an id and stays text. Blanks are cut
off numbers only. Numbers in brackets are a vector. `nan` and an empty cell are None.

Texts are for readers that heed quotes. SageMaker's built-in algorithms and framework containers don't: there a text may
become nan, a comma or `#` in it moves or cuts the columns after it, and the prediction is another one.
"""

import math
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec

from adapters.base import Body, Format, FormatPlugin
from adapters.formats.cells import named_columns, refused_cell, unwritable
from adapters.formats.columns import Names, check_fields, check_names, check_widths, named_table
from adapters.formats.csv_lines import csv_text, numeric_lines, read_cell, split_lines
from adapters.formats.text_cells import as_text, is_plain_number
from schemas.configuration import Doc, Settings
from schemas.errors import EngineReplyError
from schemas.table import Cell, Rows, Table

CSV = "text/csv"

# A bracket may begin a vector, and a byte order mark at the beginning of a body is none of its text.
_SPECIAL = frozenset(',"\r\n[\ufeff')
# In the JSON of rows: what is escaped, an object, a byte order mark.
_NOT_PLAIN = [b"\\", b"{", b"\xef\xbb\xbf"]
# Numbers that Python writes otherwise, once all digits but 0 are 1.
_OTHERWISE = [b"0e", b"1e", b"0.0000"]
_DIGITS = bytes.maketrans(b"23456789", b"11111111")
_LITERALS = ((b",null", b","), (b",true", b",1"), (b",false", b",0"))


class CsvSettings(Settings, frozen=True, kw_only=True):
    """Options of the codec `csv`."""

    header: Annotated[bool, Doc("The first line names the columns.")] = False
    cells: Annotated[
        Literal["any", "numbers"],
        Doc(
            "any: texts are written, too, quoted after RFC 4180; numbers: a text is refused unless it is a finite "
            "number, or empty as a missing one is."
        ),
    ] = "any"
    fields: Names = None


class CsvFormat:
    """See the module."""

    media_type = CSV

    def __init__(self, settings: CsvSettings) -> None:
        check_fields(settings.fields)
        self._header = settings.header
        self._numbers_only = settings.cells == "numbers"
        self._fields = settings.fields

    def encode(self, table: Table) -> Body:
        """Write one row a line, quoted after RFC 4180 where a text needs it; booleans are 1 and 0, null is empty."""
        text = _plain_text(table.rows, texts=not self._numbers_only)
        if text is None:
            if self._numbers_only:
                _refuse_texts(table.rows)
            text = _utf8("\n".join([_line(row, n) for n, row in enumerate(table.rows)]), table.rows)
        if self._header:
            names = named_columns(table, "CSV with a header line")
            text = ",".join(map(_quoted, names)).encode() + b"\n" + text
        return Body(text, CSV)

    def decode(self, body: Body, n_rows: int | None) -> Table:
        """Read either dialect; which one it is shows in the number of lines."""
        if not self._header:
            numbers = numeric_lines(body.content)
            if numbers is not None:
                return self._nameless(_rows_of(numbers, n_rows))
        lines = split_lines(csv_text(body.content))
        names = lines.pop(0) if self._header and lines else None
        # A line for a lone empty cell has its quotes; without them nothing tells it from a blank one.
        lines = [line for line in lines if line[0] is None or len(line) > 1 or line[0].strip()]
        rows = [list(map(read_cell, line)) for line in _rows_of(lines, n_rows)]
        if len(lines) != len(rows):
            _check_kinds(rows)
        if names is None:
            return self._nameless(rows)
        columns = tuple(check_names([name or "" for name in names]))
        check_widths(rows, len(columns))
        return Table(columns, rows)

    def _nameless(self, rows: list[list[Cell]]) -> Table:
        if self._fields is None and rows and sum(isinstance(cell, list) for cell in rows[0]) > 1:
            # They are those of several rows, rather than columns that nobody named.
            raise EngineReplyError(
                "The endpoint answered several vectors to one row: `fields` would name them, if they are."
            )
        return named_table(rows, self._fields)


def _plain_text(rows: Rows, *, texts: bool) -> bytes | None:
    """Write rows of scalars from their JSON, which is fast; None where a cell may need more care.

    Args:
        rows: all of one width.
        texts: whether cells may be texts; else one of them needs more care.
    """
    try:
        text = msgspec.json.encode(rows)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return None
    if not rows or any(mark in text for mark in _NOT_PLAIN) or not (texts or b'"' not in text):
        return None
    digits = text.translate(_DIGITS)
    if any(number in digits for number in _OTHERWISE):
        return None
    # All brackets and commas are those of the rows, so none is in a text.
    if text.count(b"[") != len(rows) + 1 or text.count(b",") != len(rows) * len(rows[0]) - 1:
        return None
    if len(rows[0]) == 1 and (b"null" in text or b'""' in text):
        return None
    text = b"," + text[2:-2].replace(b"],[", b"\n,")
    for literal, cell in _LITERALS:
        text = text.replace(literal, cell)
    return text[1:].replace(b"\n,", b"\n").replace(b'"', b"")


def _refuse_texts(rows: Rows) -> None:
    for n, row in enumerate(rows):
        for m, cell in enumerate(row):
            if isinstance(cell, str) and cell and not is_plain_number(cell):
                raise refused_cell(n, m, "is a text that is no number, but this endpoint takes numbers only")


def _utf8(text: str, rows: Rows) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise unwritable(rows) from error


def _line(row: Sequence[Cell], n: int) -> str:
    # A line without any character would be no row to the reader.
    return ",".join([_text(cell, n, m) for m, cell in enumerate(row)]) or '""'


def _text(cell: Cell, n: int, m: int) -> str:
    if isinstance(cell, str):
        return _quoted(cell)
    if cell is None or (isinstance(cell, float) and not math.isfinite(cell)):
        return ""
    if isinstance(cell, bool):
        return "1" if cell else "0"
    return as_text(cell, n, m)


def _quoted(text: str) -> str:
    if _SPECIAL.isdisjoint(text):
        return text
    return '"' + text.replace('"', '""') + '"'


def _rows_of(lines: list[list[Cell]], n_rows: int | None) -> list[list[Cell]]:
    """Cut a single line into as many rows as there must be.

    Raises:
        EngineReplyError: the lines can't be that many rows.
    """
    if n_rows is None or len(lines) == n_rows:
        return lines
    if len(lines) != 1 or n_rows == 0 or len(lines[0]) % n_rows:
        raise EngineReplyError(f"The endpoint answered {len(lines)} lines of CSV to {n_rows} rows.")
    (cells,) = lines
    width = len(cells) // n_rows
    return [cells[start : start + width] for start in range(0, len(cells), width)]


def _check_kinds(rows: list[list[Cell]]) -> None:
    """Check that texts and numbers stand in columns of their own: a label and its score are not two rows.

    Raises:
        EngineReplyError: they don't.
    """
    for column in zip(*rows, strict=True):
        if len({isinstance(cell, str) for cell in column if cell is not None}) > 1:
            raise EngineReplyError(
                f"The endpoint answered one line of CSV to {len(rows)} rows, with texts and numbers in one column."
            )


def _build(settings: CsvSettings) -> Format:
    return CsvFormat(settings)


plugin = FormatPlugin(kind="csv", settings=CsvSettings, build=_build)
