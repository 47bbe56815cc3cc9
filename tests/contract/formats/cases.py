"""The codecs and presets under contract: which tables each carries, with which options."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hypothesis import strategies as st
from msgspec import Struct

from adapters.formats import csv, jsonlines, rows, table, tensors
from adapters.formats.json_reading import ERROR_KEYS
from adapters.formats.presets import presets
from adapters.testing.conformance import FormatCase, tables
from schemas.table import Cell, Table

CODECS = {module.plugin.kind: module.plugin for module in (csv, jsonlines, rows, table, tensors)}

_LIKE_NUMBERS = ("0", "7", "-0", "1.50", "1e5", "9.1E-02", ".5", "007", "+49", "1_0", "0x1F", "\u0663", "1,5", "9" * 30)
_LIKE_NOTHING = (
    "",
    " ",
    "\t",
    "true",
    "False",
    "null",
    "None",
    "NaN",
    "nan",
    "-Infinity",
    "inf",
    "?",
    "#",
    "a#b",
    "x ",
)
_LIKE_SYNTAX = (
    '"',
    '""',
    "'",
    "\\",
    ",",
    "a,b",
    '"a",b',
    "a\nb",
    "a\rb",
    "\r\n",
    "[",
    "[1]",
    "[a",
    "b]",
    "{}",
    "{",
    "][",
)
_LIKE_UNICODE = ("\ufeff", "\ufeffa", "\u2028", "\x00", "\x1c", "\x0b", "\u00a0", "\U0001d518", "e\u0301", "\u202eabc")
LOOKALIKES = (*_LIKE_NUMBERS, *_LIKE_NOTHING, *_LIKE_SYNTAX, *_LIKE_UNICODE)
"""Texts that some reader takes for something else."""
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(LOOKALIKES)
FLOATS = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(
    [-0.0, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 0.1 + 0.2, 1e16, 1e-05, 1e22, 4152.0]
)
INTEGERS = st.integers() | st.sampled_from(
    [2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63), 2**63, 2**64, -(2**64), 10**40]
)
SCALARS = st.none() | st.booleans() | INTEGERS | FLOATS | TEXTS


def _is_no_error(key: str) -> bool:
    # A row that is its only cell may not be an object that holds nothing but an error.
    return key not in ERROR_KEYS


# st.recursive makes the same three times more slowly.
NESTED = (
    st.lists(SCALARS, max_size=3)
    | st.lists(st.lists(FLOATS, max_size=3), max_size=3)
    | st.dictionaries(TEXTS.filter(_is_no_error), SCALARS | st.lists(SCALARS, max_size=2), max_size=2)
)
JSON_CELLS = SCALARS | NESTED
# Alone, such a name stands for something else: a column of pandas without a name, an error.
NAMES = (st.text(st.characters(exclude_categories=["Cs"]), min_size=1) | st.sampled_from(LOOKALIKES)).filter(
    lambda name: name not in ("", "0", *ERROR_KEYS)
)
JSON_TABLES = tables(JSON_CELLS, names=NAMES)
NOT_JSON = ("\ud800", ["\ud800"], {"\udfff": 1}, {"a": 10**5000}, [[10**5000]])


def named(columns: Any) -> dict[str, Any]:
    return {"fields": tuple(columns)}


def _json(codec: Any, *, nameless: bool = False, max_width: int = 4, **options: Any) -> FormatCase:
    return FormatCase(
        plugin=codec.plugin,
        options=options,
        tables=tables(JSON_CELLS, names=NAMES, max_width=max_width),
        refused=NOT_JSON,
        **({"reading": named} if nameless else {}),
    )


ROWS_OBJECT = _json(rows, at="input")
ROWS_ARRAY = _json(rows, at="a.b[0]", row="array", nameless=True)
ROWS_FEATURES = _json(rows, at="instances", row="features", nameless=True)
ROWS_DATA = _json(rows, at="instances", row="data", nameless=True)
ROWS_VALUE = _json(rows, at="inputs", row="value", nameless=True, max_width=1)
ROWS_COLUMNS = _json(rows, at="inputs", row="columns")

JSON_LINES_OBJECT = _json(jsonlines)
JSON_LINES_ARRAY = _json(jsonlines, row="array", nameless=True)
JSON_LINES_FEATURES = _json(jsonlines, row="features", nameless=True)
JSON_LINES_DATA = _json(jsonlines, row="data", nameless=True)
JSON_LINES_VALUE = _json(jsonlines, row="value", nameless=True, max_width=1)

TABLE_FIELDS = _json(table)
TABLE_WML = _json(table, at="input_data[0]")
TABLE_MLFLOW = _json(table, at="dataframe_split", columns="columns", rows="data")


def _spelled(cell: Cell) -> Cell:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return repr(cell) if isinstance(cell, int | float) else cell


def _of_strings(written: Table) -> Table:
    return Table(written.columns, [[_spelled(cell) for cell in row] for row in written.rows])


TABLE_STUDIO = FormatCase(
    plugin=table.plugin,
    options={"at": "Inputs.input1", "columns": "ColumnNames", "rows": "Values", "cells": "text"},
    tables=tables(SCALARS, names=NAMES),
    comes_back=_of_strings,
    refused=([1], [], {}, 10**5000, *NOT_JSON),
)


def _is_plain(text: str) -> bool:
    """Whether CSV, which has no types, leaves a text what it is."""
    trimmed = text.strip()
    if not trimmed or trimmed[0] + trimmed[-1] in ("[]", "{}"):
        return False
    try:
        float(trimmed)
    except ValueError:
        return True
    # Python reads more as numbers than CSV does.
    return trimmed.lstrip("-") in ("007", "+49", "1_0", "\u0663")


CSV_NUMBERS = st.none() | INTEGERS | FLOATS
CSV_TEXTS = TEXTS.filter(_is_plain) | st.text(st.sampled_from(',"\r\n [')).map("x{}".format)
NOT_CSV = ([1], [], {"a": 1}, "\ud800", 10**5000)


def _of_ones(written: Table) -> Table:
    return Table(
        written.columns, [[int(cell) if isinstance(cell, bool) else cell for cell in row] for row in written.rows]
    )


CSV_PLAIN = FormatCase(
    plugin=csv.plugin,
    reading=named,
    tables=tables(CSV_NUMBERS | CSV_TEXTS | st.booleans(), names=NAMES),
    comes_back=_of_ones,
    refused=NOT_CSV,
)
CSV_HEADER = FormatCase(
    plugin=csv.plugin,
    options={"header": True},
    tables=tables(CSV_NUMBERS | CSV_TEXTS | st.booleans(), names=NAMES),
    comes_back=_of_ones,
    refused=NOT_CSV,
)
CSV_OF_NUMBERS = FormatCase(
    plugin=csv.plugin,
    options={"cells": "numbers"},
    reading=named,
    tables=tables(CSV_NUMBERS | st.booleans(), names=NAMES),
    comes_back=_of_ones,
    refused=("x", "007", "#", "1,5", "a#b", "nan", "inf", "1e999", " ", "7\n", *NOT_CSV),
)

_WHOLE = st.integers(-(2**63), 2**63 - 1)
_VECTORS = [st.lists(cells, min_size=2, max_size=2) for cells in (FLOATS, _WHOLE, TEXTS, st.booleans())]
_MATRICES = st.lists(st.lists(FLOATS, min_size=1, max_size=1), min_size=3, max_size=3)
_MIXED = FLOATS | st.integers(-(2**53), 2**53)
TENSOR_KINDS = st.sampled_from(
    [st.booleans(), _WHOLE, st.integers(0, 2**64 - 1), FLOATS, _MIXED, TEXTS, *_VECTORS, _MATRICES]
)


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
    tables=tables(FLOATS | st.integers(-(2**53), 2**53), names=NAMES, min_width=2),
    refused=(None, "1", True, math.inf, 2**53 + 1, {"a": 1}, []),
)
_DATATYPES: Mapping[str, tuple[str, st.SearchStrategy[Cell]]] = {
    "owns": ("BOOL", st.booleans()),
    "n": ("UINT8", st.integers(0, 255)),
    "amount": ("INT64", _WHOLE),
    "rate": ("FP64", FLOATS),
    "score": ("FP32", st.floats(-3.4028235e38, 3.4028235e38)),
    "weight": ("FP16", st.floats(-65504, 65504) | st.integers(-65504, 65504)),
    "job": ("BYTES", TEXTS),
}
_SMALL_FLOATS = {name: _DATATYPES[name] for name in ("score", "weight")} | {
    "share": ("BF16", st.floats(-3.3895314e38, 3.3895314e38))
}


def _typed(datatypes: Mapping[str, tuple[str, st.SearchStrategy[Cell]]], *refused: Cell) -> FormatCase:
    rows = st.tuples(*(cells for _, cells in datatypes.values())).map(list)
    return FormatCase(
        plugin=tensors.plugin,
        options={"datatypes": {name: datatype for name, (datatype, _) in datatypes.items()}},
        tables=st.lists(rows, min_size=1, max_size=4).map(lambda read: Table(tuple(datatypes), read)),
        refused=refused,
    )


TENSORS_TYPED = _typed(_DATATYPES, None, math.nan, {"a": 1}, 10**400)
TENSORS_SMALL_FLOATS = _typed(_SMALL_FLOATS, None, math.nan, 3.41e38, -3.41e38, 1e39, -1e300, 10**40, "1", True)


class Form(Struct, frozen=True):
    """A codec or preset, and what of a table fits into it."""

    name: str
    case: FormatCase
    width: int | None = None

    def fitting(self, written: Table) -> Table:
        """Return the table, or its first column where the form has but one."""
        if self.width is None:
            return written
        return Table((written.columns or ())[: self.width], [row[: self.width] for row in written.rows])


class Family(Struct, frozen=True):
    """Forms that carry the same tables: made once, each goes through all of them."""

    name: str
    tables: st.SearchStrategy[Table]
    forms: Sequence[Form]


def _of_presets(takes: Callable[[Mapping[str, Any]], bool], like: FormatCase) -> list[Form]:
    """Return both directions of each preset whose options are taken; they carry what `like` does."""
    found: list[Form] = []
    for preset in presets:
        for direction, options in (("request", preset.request), ("response", preset.response)):
            if takes(options):
                rest = {key: value for key, value in options.items() if key != "format"}
                nameless = options["format"] == "csv" or options.get("row") == "array"
                case = FormatCase(
                    plugin=CODECS[options["format"]],
                    options=rest,
                    tables=like.tables,
                    comes_back=like.comes_back,
                    refused=like.refused,
                    **({"reading": named} if nameless else {}),
                )
                found.append(Form(f"{preset.name}: {direction}", case))
    return found


JSON_FORMS = [
    Form("rows: object", ROWS_OBJECT),
    Form("rows: array", ROWS_ARRAY),
    Form("rows: features", ROWS_FEATURES),
    Form("rows: data", ROWS_DATA),
    Form("rows: value", ROWS_VALUE, width=1),
    Form("rows: columns", ROWS_COLUMNS),
    Form("jsonlines: object", JSON_LINES_OBJECT),
    Form("jsonlines: array", JSON_LINES_ARRAY),
    Form("jsonlines: features", JSON_LINES_FEATURES),
    Form("jsonlines: data", JSON_LINES_DATA),
    Form("jsonlines: value", JSON_LINES_VALUE, width=1),
    Form("table", TABLE_FIELDS),
    *_of_presets(lambda options: options["format"] in ("rows", "table") and "cells" not in options, TABLE_FIELDS),
]
CSV_FORMS = [Form("csv", CSV_PLAIN), Form("csv: header", CSV_HEADER)]
CSV_NUMBER_FORMS = [
    Form("csv: numbers", CSV_OF_NUMBERS),
    *_of_presets(lambda options: options.get("cells") == "numbers", CSV_OF_NUMBERS),
]
STUDIO_FORMS = _of_presets(lambda options: options.get("cells") == "text", TABLE_STUDIO)

FAMILIES = [
    Family("json", JSON_TABLES, JSON_FORMS),
    Family("text", TABLE_STUDIO.tables, STUDIO_FORMS),
    Family("csv", CSV_PLAIN.tables, CSV_FORMS),
    Family("csv of numbers", CSV_OF_NUMBERS.tables, CSV_NUMBER_FORMS),
    Family(
        "tensors",
        by_datatype(),
        [Form("tensors: rank 2", TENSORS_COLUMNS), Form("tensors: rank 1", TENSORS_FLAT_COLUMNS)],
    ),
    Family("tensors with datatypes", TENSORS_TYPED.tables, [Form("tensors: datatypes", TENSORS_TYPED)]),
    Family(
        "tensors of small floats", TENSORS_SMALL_FLOATS.tables, [Form("tensors: small floats", TENSORS_SMALL_FLOATS)]
    ),
    Family("matrix", TENSORS_MATRIX.tables, [Form("tensors: tensor", TENSORS_MATRIX)]),
]
