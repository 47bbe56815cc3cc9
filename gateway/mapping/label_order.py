"""The order of classes that an answer states itself: never used, but a warning where it is not the configured one."""

import ast
from collections.abc import Iterator, Sequence

from gateway.mapping.labels import Labels
from gateway.mapping.numbers import number_in
from gateway.mapping.spelled_labels import SpelledLabels
from schemas.configuration import OutputSettings
from schemas.table import Cell, Table

LABELS = "labels"
MAX_TEXT = 10_000


class LabelOrder:
    """Compares the order of classes in native answers with `output.labels`.

    Args:
        settings: `output` of the deployment.
        labels: its labels.
    """

    def __init__(self, settings: OutputSettings, labels: Labels) -> None:
        self._labels = SpelledLabels(labels.all)
        self._expected = list(range(len(labels)))
        # The fields of a list may be positions in an array, too, that the codec gave names to.
        of_vector = isinstance(settings.probability, tuple) or settings.probability_of in ("each", "positive")
        self._matters = bool(labels.all) and (of_vector or settings.prediction_is == "index")
        # In other rows a list of labels is something else: k-NN names those of the neighbours.
        self._in_rows = of_vector

    def contradicts(self, table: Table) -> bool:
        """See `Mapping.labels_contradict`."""
        return self._matters and any(map(self._is_another, self._stated(table)))

    def _stated(self, table: Table) -> Iterator[Sequence[Cell]]:
        if table.labels is not None and not self._are_of_rows(table.labels, table):
            yield table.labels
        if self._in_rows and LABELS in (table.columns or ()):
            yield from _of_rows(table, list(table.columns or ()).index(LABELS))

    def _are_of_rows(self, stated: Sequence[Cell], table: Table) -> bool:
        """Whether a list may hold a label for each row instead of the classes."""
        return len(stated) == len(table.rows) != len(self._expected)

    def _is_another(self, stated: Sequence[Cell]) -> bool:
        if len(stated) < 2:  # noqa: PLR2004 - one class is no order
            return False
        positions = [self._labels.position(label) for label in stated]
        if None in positions:
            # Where the configuration names classes that the platform only counts, their numbers are the order.
            return list(map(number_in, stated)) != self._expected
        return positions != self._expected


def _of_rows(table: Table, at: int) -> Iterator[Sequence[Cell]]:
    """Yield the lists of a column, those alike that follow each other once."""
    before: Cell = None
    for row in table.rows:
        cell = row[at]
        if cell == before:
            continue
        before = cell
        stated = _list_in(cell)
        if stated is not None:
            yield stated


def _list_in(cell: Cell) -> list[Cell] | None:
    """Return a list, also one that stands in a string as Python writes it: `"['no', 'yes']"`."""
    if isinstance(cell, str) and len(cell) <= MAX_TEXT and cell.startswith("["):
        try:
            cell = ast.literal_eval(cell)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return None
    return cell if isinstance(cell, list) else None
