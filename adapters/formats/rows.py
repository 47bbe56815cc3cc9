"""JSON with a list of rows somewhere: `{"output": [{"Age": 33}]}`, `{"predictions": [[0.1, 0.9]]}`, `[0, 1]`.

What stands at `at` may be the rows, or an object with one array for each column; an object of one named output is
opened first (Azure ML designer: `{"WebServiceOutput0": [...]}`).
"""

from typing import Annotated, Any, Literal

import msgspec

from adapters.base import Body, Format, FormatPlugin
from adapters.formats.cells import json_rows, unwritable
from adapters.formats.columns import Names, check_fields
from adapters.formats.json_places import MISSING, Place, Template, describe, find, parse_places
from adapters.formats.json_reading import error_text, kind_of, labels_beside, read_json, refuse_error
from adapters.formats.row_forms import ROW_FORMS, RowName, column_values, read_columns, read_rows, row_values
from adapters.formats.text_cells import Conversions, converted
from schemas.configuration import Doc, Settings
from schemas.errors import EngineReplyError
from schemas.table import Table

JSON = "application/json"


class RowsSettings(Settings, frozen=True, kw_only=True):
    """Options of the codec `rows`."""

    at: Annotated[
        str | tuple[str, ...],
        Doc(
            "Where the rows are: a dotted path such as `Results.output[0]`; empty: the body itself. Of a list, the "
            "first that is present is read, and the first is written."
        ),
    ] = ""
    row: Annotated[
        RowName | Literal["columns"],
        Doc(f'{ROW_FORMS} columns: no rows, but one array for each column, {{"Age": [33, 51]}}.'),
    ] = "object"
    body_constants: Annotated[dict[str, Any], Doc("Merged into the body of a request.")] = msgspec.field(
        default_factory=dict
    )
    convert: Conversions = msgspec.field(default_factory=dict)
    fields: Names = None


class RowsFormat:
    """See the module."""

    media_type = JSON

    def __init__(self, settings: RowsSettings) -> None:
        check_fields(settings.fields)
        self._places = parse_places(settings.at)
        self._template = Template(self._places[0], (), settings.body_constants)
        self._form = settings.row
        self._fields = settings.fields
        self._convert = settings.convert

    def encode(self, table: Table) -> Body:
        """Write the rows at the first place."""
        if self._form == "array":
            return Body(self._template.fill(json_rows(table.rows)), JSON)
        values = column_values(table) if self._form == "columns" else row_values(table, self._form)
        try:
            text = msgspec.json.encode(values)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise unwritable(table.rows) from error
        return Body(self._template.fill(text), JSON)

    def decode(self, body: Body, n_rows: int | None) -> Table:
        """Read the rows at the first place that is present."""
        content = read_json(body.content)
        refuse_error(content)
        place, value = self._payload(content)
        table = converted(self._table(value, n_rows, content), self._convert)
        if place:
            labels = labels_beside(find(content, place[:-1]), content)
            return table if labels is None else msgspec.structs.replace(table, labels=labels)
        return table

    def _table(self, value: Any, n_rows: int | None, content: Any) -> Table:
        if isinstance(value, list):
            return read_rows(value, n_rows, self._form, self._fields)
        if isinstance(value, dict):
            refuse_error(value)
            table = self._from_object(value, n_rows)
            if table is not None:
                return table
        raise EngineReplyError(
            f"The endpoint's answer has {kind_of(value)} where rows were expected ({describe(self._places[0])}).",
            engine_message=value if isinstance(value, str) else error_text(value) or error_text(content),
        )

    def _payload(self, body: Any) -> tuple[Place, Any]:
        for place in self._places:
            value = find(body, place)
            if value is not MISSING:
                return place, value
        raise EngineReplyError(
            f"The endpoint's answer has no rows at {' or '.join(map(describe, self._places))}.",
            engine_message=error_text(body),
        )

    def _from_object(self, value: dict[str, Any], n_rows: int | None) -> Table | None:
        if len(value) == 1 and self._form != "columns":
            (only,) = value.values()
            if isinstance(only, list) and only and isinstance(only[0], dict):
                return read_rows(only, n_rows, self._form, self._fields)
        return read_columns(value, n_rows)


def _build(settings: RowsSettings) -> Format:
    return RowsFormat(settings)


plugin = FormatPlugin(kind="rows", settings=RowsSettings, build=_build)
