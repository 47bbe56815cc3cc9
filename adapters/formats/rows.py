"""JSON with a list of rows somewhere: `{"output": [{"Age": 33}]}`, `{"predictions": [[0.1, 0.9]]}`, `[0, 1]`.

What stands at `at` may be the rows, or an object with one array for each column; an object of one named output is
opened first (Azure ML designer: `{"WebServiceOutput0": [...]}`).
"""

from typing import Annotated, Any

import msgspec

from adapters.base import Body, Format, FormatPlugin
from adapters.formats.cells import json_rows, unwritable
from adapters.formats.columns import Names, check_fields
from adapters.formats.json_places import MISSING, Template, describe, find, parse_places
from adapters.formats.json_reading import error_text, kind_of, read_json, refuse_error
from adapters.formats.row_forms import RowForm, read_columns, read_rows, row_values
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
    row: RowForm = "object"
    body_constants: Annotated[dict[str, Any], Doc("Merged into the body of a request.")] = msgspec.field(
        default_factory=dict
    )
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

    def encode(self, table: Table) -> Body:
        """Write the rows at the first place."""
        if self._form == "array":
            return Body(self._template.fill(json_rows(table.rows)), JSON)
        values = row_values(table, self._form)
        try:
            text = msgspec.json.encode(values)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise unwritable(table.rows) from error
        return Body(self._template.fill(text), JSON)

    def decode(self, body: Body, n_rows: int | None) -> Table:
        """Read the rows at the first place that is present."""
        value = self._payload(read_json(body.content))
        if isinstance(value, list):
            return read_rows(value, n_rows, self._form, self._fields)
        if isinstance(value, dict):
            table = self._from_object(value, n_rows)
            if table is not None:
                return table
        raise EngineReplyError(
            f"The endpoint's answer has {kind_of(value)} where rows were expected ({describe(self._places[0])}).",
            engine_message=value if isinstance(value, str) else error_text(value),
        )

    def _payload(self, body: Any) -> Any:
        refuse_error(body)
        for place in self._places:
            value = find(body, place)
            if value is not MISSING:
                return value
        raise EngineReplyError(
            f"The endpoint's answer has no rows at {' or '.join(map(describe, self._places))}.",
            engine_message=error_text(body),
        )

    def _from_object(self, value: dict[str, Any], n_rows: int | None) -> Table | None:
        if len(value) == 1:
            (only,) = value.values()
            if isinstance(only, list) and only and isinstance(only[0], dict):
                return read_rows(only, n_rows, self._form, self._fields)
        return read_columns(value, n_rows)


def _build(settings: RowsSettings) -> Format:
    return RowsFormat(settings)


plugin = FormatPlugin(kind="rows", settings=RowsSettings, build=_build)
