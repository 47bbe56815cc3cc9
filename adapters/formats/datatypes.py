"""Datatypes of tensors: which one values need, and whether values fit one.

Source: KServe "Open Inference Protocol (V2)", tensor data types.
"""

import sys
from collections.abc import Callable, Sequence

from adapters.formats.cells import refused_cell
from adapters.formats.json_reading import kind_of
from schemas.table import Cell

_BITS = {"UINT8": 8, "UINT16": 16, "UINT32": 32, "UINT64": 64, "INT8": 8, "INT16": 16, "INT32": 32, "INT64": 64}
_LARGEST = {"FP16": 65504.0, "FP32": 3.4028235e38, "FP64": sys.float_info.max, "BF16": 3.3895314e38}
"""The largest number of each datatype, in the fewest digits that stand for it."""
_REFUSED = object()

DATATYPES = ("BOOL", *_BITS, *_LARGEST, "BYTES")

Locate = Callable[[int], tuple[int, int]]


def common_datatype(cells: Sequence[Cell]) -> str:
    """Return the datatype that all scalars fit: BOOL, INT64, UINT64, FP64 or BYTES.

    Where none does, it is that of the first, or of all numbers where the first may be one: so only cells that are of
    another kind don't fit.
    """
    first = type(cells[0]) if cells else None
    if first is bool or first is str:
        return "BOOL" if first is bool else "BYTES"
    numbers = [cell for cell in cells if type(cell) in (int, float)]
    if not numbers or float in set(map(type, numbers)):
        return "FP64"
    return "INT64" if all(-(2**63) <= number < 2**63 for number in numbers) else "UINT64"


def written(cells: list[Cell], datatype: str, locate: Locate) -> list[Cell]:
    """Return the scalars as JSON values of the datatype; a whole float fits an integer type.

    Args:
        cells: scalars in row-major order.
        datatype: one of DATATYPES.
        locate: row and column of the k-th scalar, for messages.

    Raises:
        UnprocessableRequestError: a scalar that does not fit; `target` is its cell.
    """
    fit = _fit_for(datatype)
    values = [fit(cell) for cell in cells]
    for k, value in enumerate(values):
        if value is _REFUSED:
            raise refused_cell(*locate(k), f"is {kind_of(cells[k])} that does not fit the datatype {datatype}")
    return values


def _fit_for(datatype: str) -> Callable[[Cell], Cell]:
    if datatype in _BITS:
        bits = _BITS[datatype]
        low, high = (0, 2**bits - 1) if datatype.startswith("U") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        return lambda cell: _integer(cell, low, high)
    if datatype == "FP64":
        return _exact_number
    if datatype in _LARGEST:
        largest = _LARGEST[datatype]
        return lambda cell: _number(cell, largest)
    return _boolean if datatype == "BOOL" else _text


def _integer(cell: Cell, low: int, high: int) -> Cell:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return cell if type(cell) is int and low <= cell <= high else _REFUSED


def _number(cell: Cell, largest: float) -> Cell:
    # NaN compares with nothing.
    return cell if type(cell) in (int, float) and -largest <= cell <= largest else _REFUSED


def _exact_number(cell: Cell) -> Cell:
    """Refuse integers that would be rounded; what the smaller types round is the model's own choice."""
    if type(cell) is int and -_LARGEST["FP64"] <= cell <= _LARGEST["FP64"] and float(cell) != cell:
        return _REFUSED
    return _number(cell, _LARGEST["FP64"])


def _boolean(cell: Cell) -> Cell:
    return cell if isinstance(cell, bool) else _REFUSED


def _text(cell: Cell) -> Cell:
    return cell if isinstance(cell, str) else _REFUSED
