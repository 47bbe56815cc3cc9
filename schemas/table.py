"""The table: what a native body is read into and written from."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

Cell = Any
"""One JSON value: a scalar (string, number, boolean, null), or a vector, image or object in a single cell."""

Rows = Sequence[Sequence[Cell]]


class Table(Struct, frozen=True):
    """n rows of m cells, on the native side.

    Attributes:
        columns: m distinct names, or None where neither side names its columns.
        rows: n rows of m cells each. Nobody changes them: they may be the caller's own lists.
        labels: the order of classes that a native answer itself states beside its rows. Never trusted, only compared
            with the configured one.
        optional: the rows came with names of their own, and each may lack some of the columns.
    """

    columns: Sequence[str] | None
    rows: Rows
    labels: Sequence[Cell] | None = None
    optional: bool = False
