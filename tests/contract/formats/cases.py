"""The codecs under contract: which tables each carries, with which options."""

import math
from typing import Any

from hypothesis import strategies as st

from adapters.formats import csv, jsonlines, rows, table, tensors
from adapters.formats.json_reading import ERROR_KEYS
from adapters.testing.conformance import FormatCase, tables
from schemas.table import Cell, Table

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | st.integers() | FLOATS | TEXTS
JSON_CELLS = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=5)
# Alone, such a name stands for something else: a column of pandas without a name, an error.
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(
    lambda name: name not in ("0", *ERROR_KEYS)
)
NOT_JSON = ("\ud800", ["\ud800"], {"a": 10**5000})


def named(columns: Any) -> dict[str, Any]:
    return {"fields": tuple(columns)}


ROWS_OBJECT = FormatCase(
    plugin=rows.plugin, options={"at": "input"}, tables=tables(JSON_CELLS, names=NAMES), refused=NOT_JSON
)
ROWS_ARRAY = FormatCase(
    plugin=rows.plugin,
    options={"at": "a.b[0]", "row": "array"},
    reading=named,
    tables=tables(JSON_CELLS, first=SCALARS),
    refused=NOT_JSON,
)
ROWS_FEATURES = FormatCase(
    plugin=rows.plugin,
    options={"at": "instances", "row": "features"},
    reading=named,
    tables=tables(JSON_CELLS, first=SCALARS),
    refused=NOT_JSON,
)
ROWS_DATA = FormatCase(
    plugin=rows.plugin,
    options={"at": "instances", "row": "data"},
    reading=named,
    tables=tables(JSON_CELLS, first=SCALARS),
    refused=NOT_JSON,
)
ROWS_VALUE = FormatCase(
    plugin=rows.plugin,
    options={"row": "value", "at": "inputs"},
    reading=named,
    tables=tables(JSON_CELLS, max_width=1),
    refused=NOT_JSON,
)
ROWS_COLUMNS = FormatCase(
    plugin=rows.plugin, options={"at": "inputs", "row": "columns"}, tables=tables(JSON_CELLS), refused=NOT_JSON
)

JSON_LINES_OBJECT = FormatCase(plugin=jsonlines.plugin, tables=tables(JSON_CELLS, names=NAMES), refused=NOT_JSON)
JSON_LINES_ARRAY = FormatCase(
    plugin=jsonlines.plugin,
    options={"row": "array"},
    reading=named,
    tables=tables(JSON_CELLS, first=SCALARS),
    refused=NOT_JSON,
)
JSON_LINES_FEATURES = FormatCase(
    plugin=jsonlines.plugin,
    options={"row": "features"},
    reading=named,
    tables=tables(JSON_CELLS, first=SCALARS),
    refused=NOT_JSON,
)

TABLE_FIELDS = FormatCase(plugin=table.plugin, tables=tables(JSON_CELLS), refused=NOT_JSON)
TABLE_WML = FormatCase(
    plugin=table.plugin, options={"at": "input_data[0]"}, tables=tables(JSON_CELLS), refused=NOT_JSON
)
TABLE_MLFLOW = FormatCase(
    plugin=table.plugin,
    options={"at": "dataframe_split", "columns": "columns", "rows": "data"},
    tables=tables(JSON_CELLS),
    refused=NOT_JSON,
)


def _spelled(cell: Cell) -> Cell:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return repr(cell) if isinstance(cell, int | float) else cell


def _of_strings(written: Table) -> Table:
    return Table(written.columns, [[_spelled(cell) for cell in row] for row in written.rows])


TABLE_STUDIO = FormatCase(
    plugin=table.plugin,
    options={"at": "Inputs.input1", "columns": "ColumnNames", "rows": "Values", "cells": "text"},
    tables=tables(SCALARS),
    comes_back=_of_strings,
    refused=([1], {}, *NOT_JSON),
)

CSV_NUMBERS = st.none() | st.integers() | FLOATS
# A text that reads as a number, as nothing or as a vector is read so.
CSV_TEXTS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(',"\r\n ')).map("x{}".format)
NOT_CSV = ([1], {"a": 1}, "\ud800", 10**5000)


def _of_ones(written: Table) -> Table:
    return Table(
        written.columns, [[int(cell) if isinstance(cell, bool) else cell for cell in row] for row in written.rows]
    )


CSV_PLAIN = FormatCase(
    plugin=csv.plugin,
    reading=named,
    tables=tables(CSV_NUMBERS | CSV_TEXTS | st.booleans()),
    comes_back=_of_ones,
    refused=NOT_CSV,
)
CSV_HEADER = FormatCase(
    plugin=csv.plugin, options={"header": True}, tables=tables(CSV_NUMBERS | CSV_TEXTS), refused=NOT_CSV
)

VECTORS = st.lists(FLOATS, min_size=2, max_size=2)
TENSOR_KINDS = st.sampled_from([st.booleans(), st.integers(-(2**63), 2**63 - 1), FLOATS, TEXTS, VECTORS])


@st.composite
def by_datatype(draw: st.DrawFn) -> Table:
    columns = draw(st.lists(TEXTS, min_size=1, max_size=4, unique=True))
    n_rows = draw(st.integers(1, 4))
    cells = [draw(st.lists(draw(TENSOR_KINDS), min_size=n_rows, max_size=n_rows)) for _ in columns]
    return Table(tuple(columns), [list(row) for row in zip(*cells, strict=True)])


TENSORS_COLUMNS = FormatCase(plugin=tensors.plugin, tables=by_datatype(), refused=({"a": 1},))
TENSORS_FLAT_COLUMNS = FormatCase(plugin=tensors.plugin, options={"rank": 1}, tables=by_datatype(), refused=({"a": 1},))
TENSORS_MATRIX = FormatCase(
    plugin=tensors.plugin,
    options={"tensor": "x", "datatypes": {"x": "FP64"}},
    reading=named,
    tables=tables(FLOATS | st.integers(-(2**53), 2**53), min_width=2),
    refused=(None, "1", True, math.inf, {"a": 1}),
)
