"""Rows as JSON values: objects by column, arrays, single values, or SageMaker's `{"features": [...]}`.

Source of SageMaker's forms: SageMaker Developer Guide, "Common data formats for inference".
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from typing import Annotated, Any, Literal

from adapters.formats.cells import named_columns
from adapters.formats.columns import check_n_rows, named_table
from adapters.formats.json_reading import kind_of, labels_beside, refuse_error
from schemas.configuration import Doc
from schemas.errors import EngineReplyError, UnprocessableRequestError
from schemas.table import Cell, Rows, Table

ROW_FORMS = (
    'How a row is written. object: {"Age": 33}; array: [33]; features: {"features": [33]}; data: {"data": {"features": '
    '{"values": [33]}}}; value: 33, for a single column.'
)
RowName = Literal["object", "array", "features", "data", "value"]
RowForm = Annotated[RowName, Doc(ROW_FORMS)]

_CLASS_SCORE = {"label", "score"}
_WAYS: Mapping[str, tuple[str, ...]] = {"features": ("features",), "data": ("data", "features", "values")}
"""Keys on the way to the cells of a row."""


def row_values(table: Table, form: str) -> Rows | list[Cell]:
    """Return what stands for each row of a table.

    Raises:
        UnprocessableRequestError: objects need columns with names, and `value` a single column.
    """
    if form == "array":
        return table.rows
    if form == "features":
        return [{"features": row} for row in table.rows]
    if form == "data":
        return [{"data": {"features": {"values": row}}} for row in table.rows]
    if form == "value":
        return _only_cells(table.rows)
    columns = named_columns(table, "rows as objects")
    return [dict(zip(columns, row, strict=True)) for row in table.rows]


def column_values(table: Table) -> dict[str, list[Cell]]:
    """Return one array for each column of a table.

    Raises:
        UnprocessableRequestError: its columns have no names.
    """
    columns = named_columns(table, "one array for each column")
    return {name: [row[m] for row in table.rows] for m, name in enumerate(columns)}


def read_rows(values: list[Any], n_rows: int | None, form: str, fields: Sequence[str] | None) -> Table:
    """Read rows, each an object, an array or a single scalar, as the first is.

    Source of the forms: Azure ML "How to consume a web service", SageMaker "Common data formats for inference", MLflow
    "pyfunc scoring server", Hugging Face "Text classification" (all scores of a row in one array).

    Args:
        values: one JSON value for each row.
        n_rows: how many there must be; None: any number.
        form: `features` and `data` look for the row under their keys; of `value`, anything is the only cell.
        fields: names for columns that have none.

    Raises:
        EngineReplyError: another number of rows, rows of different kinds, or a row with nothing but an error.
    """
    check_n_rows(values, n_rows)
    if not values:
        return named_table([], fields)
    if form == "value":
        return named_table([[value] for value in values], fields)
    first = values[0]
    if isinstance(first, dict):
        if form in _WAYS:
            return _array_rows([_cells(n, value, _WAYS[form]) for n, value in enumerate(values)], fields)
        objects = _all_of(dict, values)
        _refuse_errors(objects)
        return _object_rows(objects, fields)
    if isinstance(first, list):
        return _array_rows(_all_of(list, values), fields)
    for n, value in enumerate(values):
        if isinstance(value, list | dict):
            raise EngineReplyError(f"Row {n} of the answer is {kind_of(value)}, the first one is {kind_of(first)}.")
    return named_table([[value] for value in values], fields)


def read_columns(columns: Mapping[str, Any], n_rows: int | None) -> Table | None:
    """Read an object with one array for each column; None where it is not such an object.

    An array `labels` that is of another length than all others states the order of classes, and is no column.

    Raises:
        EngineReplyError: another number of rows than `n_rows`.
    """
    columns, labels = _labels_apart(columns)
    arrays = list(columns.values())
    if not arrays or not all(isinstance(array, list) for array in arrays) or len(set(map(len, arrays))) != 1:
        return None
    check_n_rows(arrays[0], n_rows)
    return Table(tuple(columns), [list(row) for row in zip(*arrays, strict=True)], labels)


def _labels_apart(columns: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[Any] | None]:
    labels = labels_beside(columns)
    others = {name: array for name, array in columns.items() if name != "labels"}
    if labels is None or not others:
        return columns, None
    if any(isinstance(array, list) and len(array) == len(labels) for array in others.values()):
        return columns, None
    return others, labels


def _refuse_errors(rows: list[dict[str, Cell]]) -> None:
    refuse_error(rows[0])
    usual = rows[0].keys()
    for row in rows:
        if row.keys() != usual:
            refuse_error(row)


def _object_rows(rows: list[dict[str, Cell]], fields: Sequence[str] | None) -> Table:
    columns = _union(rows)
    if columns == ("0",):
        # pandas gives this name to a column that has none.
        return named_table([[row.get("0")] for row in rows], fields)
    if not columns:
        raise EngineReplyError("The rows of the answer have no columns.")
    get: Callable[[dict[str, Cell], Any], Any] = dict.get
    return Table(columns, [list(map(get, repeat(row), columns)) for row in rows], optional=True)


def _union(rows: list[dict[str, Cell]]) -> tuple[str, ...]:
    """Return the keys of all rows, in order of first appearance."""
    columns = dict.fromkeys(rows[0])
    known = columns.keys()
    for row in rows:
        if row.keys() != known:
            columns.update(dict.fromkeys(row))
    return tuple(columns)


def _array_rows(rows: list[list[Cell]], fields: Sequence[str] | None) -> Table:
    if rows[0] and all(_is_class_score(cell) for row in rows for cell in row):
        if all(len(row) == 1 for row in rows):
            # The winner alone, in an array of its own where `top_k` asks for one.
            return _object_rows([row[0] for row in rows], fields)
        return _object_rows([_by_class(n, row) for n, row in enumerate(rows)], fields)
    return named_table(rows, fields)


def _by_class(n: int, row: list[Cell]) -> dict[str, Cell]:
    scores = {str(cell["label"]): cell["score"] for cell in row}
    if len(scores) != len(row):
        raise EngineReplyError(f"Row {n} of the answer has two scores for one label.")
    return scores


def _is_class_score(cell: Cell) -> bool:
    return isinstance(cell, dict) and cell.keys() == _CLASS_SCORE


def _cells(n: int, value: Any, way: Sequence[str]) -> list[Cell]:
    for key in way:
        value = value.get(key) if isinstance(value, dict) else None
    if not isinstance(value, list):
        raise EngineReplyError(f"Row {n} of the answer has no array under `{'.'.join(way)}`.")
    return value


def _only_cells(rows: Rows) -> list[Cell]:
    for row in rows:
        if len(row) != 1:
            raise UnprocessableRequestError(
                f"This endpoint takes a single column, the request makes {len(row)}: name the one in `input.fields`.",
                target="fields",
            )
    return [row[0] for row in rows]


def _all_of(kind: type[Any], values: list[Any]) -> list[Any]:
    for n, value in enumerate(values):
        if not isinstance(value, kind):
            raise EngineReplyError(f"Row {n} of the answer is {kind_of(value)}, the first one is {kind_of(values[0])}.")
    return values
