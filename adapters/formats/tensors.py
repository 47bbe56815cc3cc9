"""Tensors of the Open Inference Protocol (V2): one a column, or one for all columns.

Source: KServe "Open Inference Protocol (V2)", REST inference request and response; `data` is always written flat, which
is legal everywhere, and read flat or nested. The binary tensor extension is never asked for.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeGuard

import msgspec

from adapters.base import Body, Format, FormatPlugin
from adapters.formats.cells import named_columns, unwritable
from adapters.formats.columns import Names, check_fields, check_names
from adapters.formats.datatypes import DATATYPES, common_datatype, written
from adapters.formats.json_reading import error_text, read_json, refuse_error
from adapters.formats.shapes import flat_cells, read_tensor
from schemas.configuration import Doc, Settings
from schemas.errors import EngineReplyError
from schemas.table import Cell, Table

JSON = "application/json"


class TensorsSettings(Settings, frozen=True, kw_only=True):
    """Options of the codec `tensors`."""

    datatypes: Annotated[
        dict[str, str],
        Doc("Datatype by name of the tensor (INT64, FP32, BYTES, ...); default: the widest that its values need."),
    ] = msgspec.field(default_factory=dict)
    tensor: Annotated[
        str | None, Doc("Name of one tensor [rows, columns] for all columns; null: one tensor for each column.")
    ] = None
    rank: Annotated[
        Literal[1, 2], Doc("Dimensions of a tensor that holds one column of scalars: 1: [rows], 2: [rows, 1].")
    ] = 2
    ranks: Annotated[dict[str, Literal[1, 2]], Doc("The same by name of the tensor, where it differs from `rank`.")] = (
        msgspec.field(default_factory=dict)
    )
    outputs: Annotated[tuple[str, ...], Doc("Names of the outputs to ask for; none: all.")] = ()
    parameters: Annotated[
        dict[str, dict[str, Any]], Doc("`parameters` by name of the tensor, such as {content_type: str}.")
    ] = msgspec.field(default_factory=dict)
    body_constants: Annotated[dict[str, Any], Doc("Merged into the body of a request.")] = msgspec.field(
        default_factory=dict
    )
    fields: Names = None


class TensorsFormat:
    """See the module."""

    media_type = JSON

    def __init__(self, settings: TensorsSettings) -> None:
        check_fields(settings.fields)
        for name, datatype in settings.datatypes.items():
            if datatype not in DATATYPES:
                raise ValueError(f"`datatypes.{name}` is none of {', '.join(DATATYPES)}.")
        taken = {"inputs", "outputs"} & settings.body_constants.keys()
        if taken:
            raise ValueError(f"`body_constants.{min(taken)}` stands where the tensors are: remove it.")
        self._settings = settings

    def encode(self, table: Table) -> Body:
        """Write one tensor for each column, or one for all."""
        name = self._settings.tensor
        if name is not None:
            inputs = [self._tensor(name, list(table.rows), None)]
        else:
            columns = named_columns(table, "one tensor for each column")
            inputs = [self._tensor(column, [row[m] for row in table.rows], m) for m, column in enumerate(columns)]
        body = {"inputs": inputs, **self._settings.body_constants}
        if self._settings.outputs:
            body["outputs"] = [{"name": output} for output in self._settings.outputs]
        try:
            return Body(msgspec.json.encode(body), JSON)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise unwritable(table.rows) from error

    def decode(self, body: Body, n_rows: int | None) -> Table:
        """Read the outputs; a tensor of more than one dimension gives vectors."""
        tensors = _tensors(read_json(body.content))
        names = tuple(check_names([tensor.get("name") for tensor in tensors]))
        columns = [read_tensor(tensor, name, n_rows) for tensor, name in zip(tensors, names, strict=True)]
        if len(set(map(len, columns))) > 1:
            raise EngineReplyError("The outputs of the answer have different numbers of rows.")
        fields = self._settings.fields
        if fields is not None and len(columns) == 1 and _are_all(columns[0], len(fields)):
            return Table(fields, columns[0])
        return Table(names, [list(row) for row in zip(*columns, strict=True)])

    def _tensor(self, name: str, values: list[Cell], column: int | None) -> dict[str, Any]:
        settings = self._settings
        shape, cells, locate = flat_cells(values, column)
        if len(shape) == 1 and settings.ranks.get(name, settings.rank) == 2:  # noqa: PLR2004 - the option's own words
            shape.append(1)
        datatype = settings.datatypes.get(name) or common_datatype(cells)
        tensor = {
            "name": name,
            "shape": shape,
            "datatype": datatype,
            "data": written(cells, datatype, locate),
        }
        parameters = settings.parameters.get(name)
        return tensor if parameters is None else {**tensor, "parameters": parameters}


def _tensors(body: Any) -> list[dict[str, Any]]:
    refuse_error(body)
    if isinstance(body, dict):
        outputs, inputs = body.get("outputs"), body.get("inputs")
        # A request may name the outputs that it asks for, without data; an answer may repeat its inputs.
        tensors = inputs if _are_tensors(inputs) and not _hold_data(outputs) else outputs
        if _are_tensors(tensors):
            return tensors
    raise EngineReplyError("The endpoint's answer has no `outputs`.", engine_message=error_text(body))


def _are_tensors(value: Any) -> TypeGuard[list[dict[str, Any]]]:
    return isinstance(value, list) and bool(value) and all(isinstance(tensor, dict) for tensor in value)


def _hold_data(value: Any) -> bool:
    return _are_tensors(value) and all("data" in tensor for tensor in value)


def _are_all(rows: Sequence[Cell], width: int) -> bool:
    return all(isinstance(row, list) and len(row) == width for row in rows)


def _build(settings: TensorsSettings) -> Format:
    return TensorsFormat(settings)


plugin = FormatPlugin(kind="tensors", settings=TensorsSettings, build=_build)
