"""Classes that the names of an endpoint's columns state: `Scored Probabilities_No Risk`, `p_1`."""

import re
from collections.abc import Sequence

from gateway.mapping.labels import Labels
from gateway.mapping.spelled_labels import SpelledLabels
from schemas.table import Cell

_LAST_NUMBER = re.compile(r"(?<!\d)\d{1,9}$")
_STARTS = re.compile(r"(?<=[\W_])(?=.)|(?=[\W_])", re.DOTALL)
_LAST_WORD = re.compile(r"([^\W_]+)[\W_]*$")
_NEGATIONS = ("no", "not", "non")


def stated_classes(fields: Sequence[str], labels: Sequence[Cell]) -> list[int | None]:
    """Return which label each of the columns with one class's probability says it is, None where it says nothing.

    A name says it by its part in double quotes, which Azure ML's modules write, by all of it, or by its end after a
    separator. The longest label counts: `p_No Risk` is not `Risk`. Case and separators may differ: `p_no_risk`.

    An end says nothing after `not`, or where another column states the same class. Names say nothing at all where they
    count the columns, and not all of them are classes: `p_0`, `p_1` for the labels 1 and 2.
    """
    names = _LabelNames(labels)
    quoted = [names.quoted_in(field) for field in fields]
    certain = [names.position(field) if k is None else k for field, k in zip(fields, quoted, strict=True)]
    found = [names.at_end_of(field) if k is None else k for field, k in zip(fields, certain, strict=True)]
    if None in found and set(quoted) == {None} and _count(fields):
        return quoted
    return [k if k is not None or found.count(end) > 1 else end for k, end in zip(certain, found, strict=True)]


def ends_with_number(field: str) -> bool:
    """Whether the end of a name may be a number that only counts."""
    return _LAST_NUMBER.search(field) is not None


class _LabelNames:
    """The labels as parts of a column's name spell them."""

    def __init__(self, labels: Sequence[Cell]) -> None:
        self._labels = Labels(labels)
        self._spelled = SpelledLabels(labels)

    def quoted_in(self, field: str) -> int | None:
        text = field.partition('"')[2].rpartition('"')[0]
        return self._labels.position(text) if text else None

    def position(self, text: str) -> int | None:
        return self._spelled.position(text)

    def at_end_of(self, field: str) -> int | None:
        """Return the longest label that the name ends with."""
        for start in _STARTS.finditer(field):
            position = self.position(field[start.start() :])
            if position is not None:
                before = _LAST_WORD.search(field[: start.start()])
                return None if before is not None and before[1].lower() in _NEGATIONS else position
        return None


def _count(fields: Sequence[str]) -> bool:
    """Whether the names end with numbers that count them."""
    ends = [_LAST_NUMBER.search(field) for field in fields]
    numbers = [int(end[0]) for end in ends if end is not None]
    return len(numbers) == len(fields) and all(number == numbers[0] + k for k, number in enumerate(numbers))
