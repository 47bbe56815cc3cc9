"""What Studio's web services take and answer.

Source: API help pages of services (table style, `details`), samples of "New" services (`format=swagger`), "Machine
Learning Studio (classic) REST API error codes".
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from adapters.testing.azure_studio.models import BadArgumentError, Scored


def read_rows(body: bytes, columns: Sequence[str], *, swagger: bool) -> list[Mapping[str, str | None]]:
    """Read the rows of a request, with exactly these columns.

    Args:
        body: of the request.
        columns: of the service's input.
        swagger: whether the rows are objects.

    Raises:
        BadArgumentError: it is something else.
    """
    read: Callable[[Any], list[dict[str, Any]]] = _read_objects if swagger else _read_table
    rows = read(_input(body))
    if any(set(row) != set(columns) for row in rows):
        raise BadArgumentError("The columns of input1 are not those of the service.")
    return [{name: cell if cell is None else str(cell) for name, cell in row.items()} for row in rows]


def objects(scored: Scored) -> list[dict[str, str | None]]:
    """Return an output in rows style."""
    return [dict(zip(scored.columns, row, strict=True)) for row in scored.rows]


def table(scored: Scored, *, details: bool) -> dict[str, Any]:
    """Return an output in table style; its columns have types with `details`."""
    types = {"ColumnTypes": list(scored.types)} if details else {}
    return {
        "type": "table",
        "value": {"ColumnNames": list(scored.columns), **types, "Values": [list(row) for row in scored.rows]},
    }


def error_document(code: str, message: str, detail: str = "") -> dict[str, Any]:
    """Return the body of an error."""
    details = [{"code": code, "message": detail}] if detail else []
    return {"error": {"code": code, "message": message, "details": details}}


def _input(body: bytes) -> Any:
    try:
        return json.loads(body)["Inputs"]["input1"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadArgumentError("The request has no Inputs.input1.") from error


def _read_objects(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise BadArgumentError("input1 has to be a list of objects.")
    return value


def _read_table(value: Any) -> list[dict[str, Any]]:
    names = value.get("ColumnNames") if isinstance(value, dict) else None
    rows = value.get("Values") if isinstance(value, dict) else None
    if not isinstance(names, list) or not isinstance(rows, list):
        raise BadArgumentError("input1 needs ColumnNames and Values.")
    if not all(isinstance(row, list) and len(row) == len(names) for row in rows):
        raise BadArgumentError("A row of input1 has another length than ColumnNames.")
    return [dict(zip(names, row, strict=True)) for row in rows]
