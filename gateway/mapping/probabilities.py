"""From what the endpoint says of probabilities to one number for each label, in the order of the labels."""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from gateway.mapping.cells import opened
from gateway.mapping.labels import Labels
from gateway.mapping.logits import logistic, softmax
from gateway.mapping.numbers import is_missing, number_in
from schemas.configuration import OutputSettings
from schemas.errors import EngineReplyError
from schemas.table import Cell

# Single precision leaves a softmax this far beside its bounds.
TOLERANCE = 1e-6

MAX_SPARSE_SIZE = 100_000

Row = Sequence[Cell]


class Probability(Protocol):
    """Reads the `probability` of one row."""

    def __call__(self, row: Row, prediction: Cell, n: int) -> Cell:
        """Return it; `prediction` is the row's label, `n` its number.

        Raises:
            EngineReplyError: it can't be what the settings say.
        """
        ...


def probability_reader(settings: OutputSettings, labels: Labels, column: Callable[[str], int]) -> Probability | None:
    """Return how `probability` is read.

    Args:
        settings: with or without `probability`.
        labels: of the deployment.
        column: index of a native column.

    Returns:
        The reader; None where there is no probability, or none that could be told: of the winner among more than two.
    """
    name = settings.probability
    if name is None:
        return None
    logits = settings.probability_scale == "logit"
    if isinstance(name, tuple):
        return _fields(name, [column(field) for field in name], logits=logits)
    at = column(name)
    if settings.probability_of == "positive":
        return _positive(name, at, positive_position(settings, labels), logits=logits)
    if settings.probability_of == "winner":
        return _winner(name, at, labels) if len(labels) == 2 else None  # noqa: PLR2004 - with two the other is 1 - p
    may_be_single = settings.probability_of is None and len(labels) == 0
    return _each(name, at, len(labels), may_be_single=may_be_single, logits=logits)


def positive_position(settings: OutputSettings, labels: Labels) -> int:
    """Return which of the two labels `probability_of: positive` means."""
    position = None if settings.positive is None else labels.position(settings.positive)
    return 1 if position is None else position


def decided(vector: Sequence[float], positive: int, threshold: float | None) -> int:
    """Return which label probabilities say: the most probable, or the positive one of two from `threshold` on."""
    if threshold is None:
        return vector.index(max(vector))
    return positive if vector[positive] >= threshold else 1 - positive


def _positive(name: str, at: int, position: int, *, logits: bool) -> Probability:
    def read(row: Row, prediction: Cell, n: int) -> Cell:
        p = _of_logit(row[at], name, n) if logits else _single(row[at], name, n)
        if p is None:
            return None
        return [1 - p, p] if position == 1 else [p, 1 - p]

    return read


def _winner(name: str, at: int, labels: Labels) -> Probability:
    def read(row: Row, prediction: Cell, n: int) -> Cell:
        p = _single(row[at], name, n)
        if p is None or prediction is None:
            return None
        return [p, 1 - p] if labels.position(prediction) == 0 else [1 - p, p]

    return read


def _fields(names: Sequence[str], columns: Sequence[int], *, logits: bool) -> Probability:
    sources = list(zip(names, columns, strict=True))

    def read(row: Row, prediction: Cell, n: int) -> Cell:
        if logits:
            scores = [_real(opened(row[at]), name, n) for name, at in sources]
            return softmax(_complete(scores, names, n))
        return _complete([_single(row[at], name, n) for name, at in sources], names, n)

    return read


def _complete(numbers: list[float | None], names: Sequence[str], n: int) -> list[float | None]:
    """Return the numbers of all classes, or of none.

    Raises:
        EngineReplyError: some are missing, as from a row that does not name all classes.
    """
    if None in numbers and any(number is not None for number in numbers):
        raise _wrong(names[numbers.index(None)], n, "is missing, where other classes have theirs")
    return numbers


def _each(name: str, at: int, n_labels: int, *, may_be_single: bool, logits: bool) -> Probability:
    def read(row: Row, prediction: Cell, n: int) -> Cell:
        cell = row[at]
        if type(cell) is str:
            cell = _read(cell)
        if type(cell) is not list:
            if cell is None or may_be_single:
                return _of_logit(cell, name, n) if logits else _single(cell, name, n)
            if isinstance(cell, str) and number_in(cell) is None:
                raise _wrong(name, n, "is a text that holds no array")
            raise _wrong(name, n, "is no array: say in `output.probability_of` what it is")
        cell = _dense(cell)
        if n_labels and len(cell) != n_labels:
            raise _wrong(name, n, f"has {len(cell)} numbers for {n_labels} labels")
        return softmax([_real(item, name, n) for item in cell]) if logits else _vector(cell, name, n)

    return read


def _vector(cell: list[Cell], name: str, n: int) -> list[Cell]:
    if set(map(type, cell)) == {float} and min(cell) >= 0 and max(cell) <= 1:
        return cell
    return [_number(item, name, n) for item in cell]


def _single(cell: Cell, name: str, n: int) -> float | None:
    if type(cell) is float and 0 <= cell <= 1:
        return cell
    cell = opened(cell)
    if isinstance(cell, list):
        raise _wrong(name, n, "is an array: `output.probability_of: each` reads one")
    return _number(cell, name, n)


def _of_logit(cell: Cell, name: str, n: int) -> float | None:
    logit = _real(opened(cell), name, n)
    return None if logit is None else logistic(logit)


def _real(cell: Cell, name: str, n: int) -> float | None:
    if cell is None:
        return None
    number = number_in(cell)
    if number is None:
        if isinstance(cell, str) and is_missing(cell):
            return None
        raise _wrong(name, n, "is no number")
    return number


def _number(cell: Cell, name: str, n: int) -> float | None:
    number = _real(cell, name, n)
    if number is None:
        return None
    if not -TOLERANCE <= number <= 1 + TOLERANCE:
        raise _wrong(name, n, "is not between 0 and 1, so it is no probability")
    return min(max(float(number), 0.0), 1.0)


def _read(text: str) -> Cell:
    """Return the array that a string holds, as containers write it into a cell; None for nothing; else the string."""
    trimmed = text.strip()
    if not trimmed.startswith("["):
        return None if is_missing(trimmed) else text
    try:
        return msgspec.json.decode(trimmed)
    except (msgspec.DecodeError, RecursionError):
        # Python writes `nan`, and numbers such as `2.`, which JSON does not know.
        return trimmed[1:-1].split(",") if trimmed.endswith("]") else text


def _dense(cell: list[Cell]) -> list[Cell]:
    """Return a sparse vector of Spark, `[size, [indices], [values]]`, as a dense one; any other as it is."""
    match cell:
        case [int(size), [*indexes], [*values]] if len(indexes) == len(values) and 0 <= size <= MAX_SPARSE_SIZE:
            dense: list[Cell] = [0.0] * size
            for index, value in zip(indexes, values, strict=True):
                if type(index) is not int or not 0 <= index < size:
                    return cell
                dense[index] = value
            return dense
    return cell


def _wrong(name: str, n: int, problem: str) -> EngineReplyError:
    return EngineReplyError(f"Row {n}: the probability in `{name}` {problem}.", target=f"values[{n}]")
