"""What the contract of formats needs to know of one."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import Struct

from adapters.base import Format, FormatPlugin
from schemas.table import Cell, Table

_NOTHING: Mapping[str, Any] = {}
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def tables(
    cells: st.SearchStrategy[Cell],
    *,
    names: st.SearchStrategy[str] = NAMES,
    first: st.SearchStrategy[Cell] | None = None,
    min_width: int = 1,
    max_width: int = 4,
    max_rows: int = 4,
) -> st.SearchStrategy[Table]:
    """Return a strategy for tables, from one row on, whose columns have distinct names.

    Args:
        cells: what may stand in a cell.
        names: of columns.
        first: what stands in the first column instead.
        min_width: of columns, at least; `max_width` at most.
        max_width: see there.
        max_rows: of rows, at most.
    """

    def rows_of(columns: Sequence[str]) -> st.SearchStrategy[Table]:
        row = st.tuples(*[cells if first is None or k else first for k in range(len(columns))]).map(list)
        return st.lists(row, min_size=1, max_size=max_rows).map(lambda rows: Table(tuple(columns), rows))

    return st.lists(names, min_size=min_width, max_size=max_width, unique=True).flatmap(rows_of)


def _as_it_is(table: Table) -> Table:
    return table


def _no_more(columns: Sequence[str]) -> Mapping[str, Any]:
    return _NOTHING


class FormatCase(Struct, frozen=True, kw_only=True):
    """A codec under contract, with one choice of options.

    Attributes:
        plugin: its descriptor.
        tables: a strategy for all that it carries.
        refused: cells that it can't carry, one or more: a lone surrogate is none that any text can.
        options: of the codec, as in the configuration.
        reading: `reading(columns)`: further options where an answer is read, as a body without names needs them.
        comes_back: `comes_back(table)`: what reading a written table gives where that is not the table itself.
    """

    plugin: FormatPlugin
    tables: st.SearchStrategy[Table]
    refused: Sequence[Cell]
    options: Mapping[str, Any] = _NOTHING
    reading: Callable[[Sequence[str]], Mapping[str, Any]] = _no_more
    comes_back: Callable[[Table], Table] = _as_it_is

    def writer(self) -> Format:
        """Build the codec as for requests."""
        return self.plugin.build(msgspec.convert(dict(self.options), self.plugin.settings))

    def reader(self, columns: Sequence[str]) -> Format:
        """Build the codec as for answers."""
        return self.plugin.build(msgspec.convert({**self.options, **self.reading(columns)}, self.plugin.settings))
