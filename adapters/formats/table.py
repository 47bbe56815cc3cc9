"""JSON with column names and rows apart: `{"fields": ["Age"], "values": [[33]]}`, `{"columns": ..., "data": ...}`.

Source: OpenScale "Custom machine learning frameworks" (fields, values), watsonx.ai Runtime "Deployments: predictions",
MLflow "Deploy MLflow model locally" (dataframe_split), Machine Learning Studio classic "Consume a web service".
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec

from adapters.base import Body, Format, FormatPlugin
from adapters.formats.cells import json_rows
from adapters.formats.columns import Names, check_fields, check_n_rows, check_names, check_widths, named_table
from adapters.formats.json_places import MISSING, Place, Template, describe, find, parse_places
from adapters.formats.json_reading import error_text, kind_of, labels_beside, read_json, refuse_error
from adapters.formats.text_cells import Conversions, converted, converters, text_rows
from schemas.configuration import Doc, Settings
from schemas.errors import EngineReplyError
from schemas.table import Cell, Table

JSON = "application/json"


class TableSettings(Settings, frozen=True, kw_only=True):
    """Options of the codec `table`."""

    at: Annotated[
        str | tuple[str, ...],
        Doc(
            "Where the object with columns and rows is: a dotted path such as `Results.output1.value`; empty: the body "
            "itself. Of a list, the first that holds rows is read, and the first is written."
        ),
    ] = ""
    columns: Annotated[str, Doc("Key of the column names.")] = "fields"
    rows: Annotated[str, Doc("Key of the rows.")] = "values"
    body_constants: Annotated[dict[str, Any], Doc("Merged into the body of a request.")] = msgspec.field(
        default_factory=dict
    )
    cells: Annotated[
        Literal["native", "text"],
        Doc("native: cells are written with their JSON types; text: all as strings."),
    ] = "native"
    types: Annotated[
        str | None,
        Doc("Key of the columns' types (Int32, Double, Boolean, ...), by which strings of an answer are converted."),
    ] = None
    convert: Conversions = msgspec.field(default_factory=dict)
    fields: Names = None


class TableFormat:
    """See the module."""

    media_type = JSON

    def __init__(self, settings: TableSettings) -> None:
        check_fields(settings.fields)
        if settings.columns == settings.rows:
            raise ValueError("`columns` and `rows` name the same key.")
        self._places = parse_places(settings.at)
        constants = settings.body_constants
        self._named = Template(self._places[0], (settings.columns, settings.rows), constants)
        # Images come without names, and then the key has to be absent.
        self._unnamed = Template(self._places[0], (settings.rows,), constants)
        self._settings = settings

    def encode(self, table: Table) -> Body:
        """Write columns and rows at the first place; without names of columns, the rows alone."""
        rows = json_rows(text_rows(table.rows) if self._settings.cells == "text" else table.rows)
        if table.columns is None:
            return Body(self._unnamed.fill(rows), JSON)
        return Body(self._named.fill(msgspec.json.encode(table.columns), rows), JSON)

    def decode(self, body: Body, n_rows: int | None) -> Table:
        """Read columns and rows at the first place that holds rows."""
        content = read_json(body.content)
        return converted(self._read(self._holder(content), content, n_rows), self._settings.convert)

    def _read(self, holder: dict[str, Any], content: Any, n_rows: int | None) -> Table:
        rows = self._rows(holder, n_rows)
        names, labels = holder.get(self._settings.columns), labels_beside(holder, content)
        if names is None:
            return msgspec.structs.replace(named_table(rows, self._settings.fields), labels=labels)
        if not isinstance(names, list):
            raise EngineReplyError(f"`{self._settings.columns}` of the answer is {kind_of(names)}, not an array.")
        columns = tuple(check_names(names))
        check_widths(rows, len(columns))
        return Table(columns, self._typed(rows, holder), labels)

    def _holder(self, body: Any) -> dict[str, Any]:
        refuse_error(body)
        for place in self._places:
            holder = find(body, place)
            if holder is not MISSING and isinstance(holder, dict) and self._settings.rows in holder:
                self._refuse_further(holder, find(body, place[:-1]), place)
                return holder
        raise EngineReplyError(
            f"The endpoint's answer has no `{self._settings.rows}` at {' or '.join(map(describe, self._places))}.",
            engine_message=error_text(body),
        )

    def _refuse_further(self, holder: dict[str, Any], elements: Any, place: Place) -> None:
        """Refuse rows that follow in further elements of a list: they answer nothing that was asked.

        Other columns are those of another output, which nobody asked for here.
        """
        columns, rows = self._settings.columns, self._settings.rows
        alike = (None, holder.get(columns))
        for element in elements[int(place[-1]) + 1 :] if isinstance(elements, list) else ():
            if isinstance(element, dict) and element.get(rows) and element.get(columns) in alike:
                raise EngineReplyError(
                    f"The endpoint's answer goes on with `{rows}` behind {describe(place)}, but one table was sent."
                )

    def _rows(self, holder: dict[str, Any], n_rows: int | None) -> list[list[Cell]]:
        rows = holder[self._settings.rows]
        if not isinstance(rows, list):
            raise EngineReplyError(f"`{self._settings.rows}` of the answer is {kind_of(rows)}, not an array.")
        if rows and n_rows in (1, None) and not all(isinstance(row, list) for row in rows):
            # A single row may come flat; a vector in it is a cell.
            return [rows]
        check_n_rows(rows, n_rows)
        for n, row in enumerate(rows):
            if not isinstance(row, list):
                raise EngineReplyError(f"Row {n} of the answer is {kind_of(row)}, not an array.")
        return rows

    def _typed(self, rows: list[list[Cell]], holder: dict[str, Any]) -> list[list[Cell]]:
        types = holder.get(self._settings.types) if self._settings.types is not None else None
        if not isinstance(types, list) or not rows or len(types) != len(rows[0]):
            return rows
        return _convert(rows, types)


def _convert(rows: list[list[Cell]], types: Sequence[Any]) -> list[list[Cell]]:
    convert = converters(types)
    return [
        [one(cell) if isinstance(cell, str) else cell for one, cell in zip(convert, row, strict=True)] for row in rows
    ]


def _build(settings: TableSettings) -> Format:
    return TableFormat(settings)


plugin = FormatPlugin(kind="table", settings=TableSettings, build=_build)
