"""JSON lines: one row a line.

Source: SageMaker Developer Guide, "Common data formats for inference".
"""

import msgspec

from adapters.base import Body, Format, FormatPlugin
from adapters.formats.cells import unwritable
from adapters.formats.columns import Names, check_fields
from adapters.formats.json_reading import read_json_lines, refuse_error
from adapters.formats.row_forms import RowForm, read_rows, row_values
from schemas.configuration import Settings
from schemas.table import Table

JSON_LINES = "application/jsonlines"

_encoder = msgspec.json.Encoder()


class JsonLinesSettings(Settings, frozen=True, kw_only=True):
    """Options of the codec `jsonlines`."""

    row: RowForm = "object"
    fields: Names = None


class JsonLinesFormat:
    """See the module."""

    media_type = JSON_LINES

    def __init__(self, settings: JsonLinesSettings) -> None:
        check_fields(settings.fields)
        self._form = settings.row
        self._fields = settings.fields

    def encode(self, table: Table) -> Body:
        """Write one line for each row."""
        values = row_values(table, self._form)
        try:
            return Body(_encoder.encode_lines(values), JSON_LINES)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise unwritable(table.rows) from error

    def decode(self, body: Body, n_rows: int | None) -> Table:
        """Read one row from each line that is not blank."""
        values = read_json_lines(body.content, texts=self._form == "value")
        if values:
            # Before the rows are counted: an error is one line, whatever their number.
            refuse_error(values[0])
        return read_rows(values, n_rows, self._form, self._fields)


def _build(settings: JsonLinesSettings) -> Format:
    return JsonLinesFormat(settings)


plugin = FormatPlugin(kind="jsonlines", settings=JsonLinesSettings, build=_build)
