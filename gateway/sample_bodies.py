"""What a codec writes for a row that is made up: from it shows what all of its bodies are like."""

from collections.abc import Sequence

from adapters.base import Body, Format
from schemas.errors import UnprocessableRequestError
from schemas.table import Cell, Table

# What endpoints take in a cell; some take nothing but texts, or booleans.
_CELLS = (1, "1", True)
_NAMES = ("column", "another")


def sample_body(codec: Format, columns: Sequence[str]) -> Body | None:
    """Return a body of one row; None where the codec takes no such cells, so that nothing can be told of it."""
    bodies = (_written(codec, columns, cell) for cell in _CELLS)
    return next((body for body in bodies if body is not None), None)


def names_columns(codec: Format) -> bool:
    """Whether bodies carry the names of their columns, so that their order says nothing.

    A codec that takes no made-up row counts as one without names: then every column has its place.
    """
    for cell in _CELLS:
        one, other = (_written(codec, (name,), cell) for name in _NAMES)
        if one is not None and other is not None:
            return one.content != other.content
    return False


def _written(codec: Format, columns: Sequence[str], cell: Cell) -> Body | None:
    try:
        return codec.encode(Table(columns, [[cell] * len(columns)]))
    except UnprocessableRequestError:
        return None
