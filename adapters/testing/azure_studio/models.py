"""Models of the emulated web services: the credit-risk scorer, with the columns that Studio's modules add.

Source: Machine Learning Studio (classic) module reference, "Score Model": `Scored Labels` and `Scored Probabilities` of
a two-class model, `Scored Probabilities for Class "X"` of a multiclass one. All values are strings.
"""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from adapters.testing.azureml.models import Prediction, credit_risk
from adapters.testing.credit_risk import COLUMNS, LABELS, NUMERIC_COLUMNS, TARGET


class BadArgumentError(Exception):
    """The input does not fit the service; the message is what it answers."""


class Scored(Struct, frozen=True):
    """What a service answers: each row a cell for each column, None for null."""

    columns: Sequence[str]
    types: Sequence[str]
    rows: Sequence[Sequence[str | None]]


class Model(Struct, frozen=True):
    """What a service runs. `columns` are those of its input, which have to be there, all of them."""

    columns: Sequence[str]
    score: Callable[[Sequence[Mapping[str, str | None]]], Scored]


def credit_risk_binary() -> Model:
    """Return a two-class model that wants the label as an input, too, and echoes its inputs.

    The graph was trained with the label, and nobody took it out: any text will do.
    """
    columns = (*COLUMNS, TARGET)

    def score(rows: Sequence[Mapping[str, str | None]]) -> Scored:
        scored = [
            (*(row[name] for name in columns), prediction.label, _number(prediction.probabilities[1]))
            for row, prediction in zip(rows, _predictions(rows), strict=True)
        ]
        types = [_type(name) for name in columns]
        return Scored((*columns, "Scored Labels", "Scored Probabilities"), (*types, "String", "Double"), scored)

    return Model(columns, score)


def credit_risk_multiclass() -> Model:
    """Return a model of the numeric columns that answers one probability column for each class."""
    by_class = tuple(f'Scored Probabilities for Class "{label}"' for label in LABELS)

    def score(rows: Sequence[Mapping[str, str | None]]) -> Scored:
        scored = [(*map(_number, item.probabilities), item.label) for item in _predictions(rows)]
        return Scored((*by_class, "Scored Labels"), ("Double",) * len(by_class) + ("String",), scored)

    return Model(NUMERIC_COLUMNS, score)


def _predictions(rows: Sequence[Mapping[str, str | None]]) -> list[Prediction]:
    return [credit_risk({name: _native(name, cell) for name, cell in row.items()}) for row in rows]


def _native(name: str, cell: str | None) -> object:
    if cell is None or name not in NUMERIC_COLUMNS:
        return cell
    try:
        return float(cell)
    except ValueError as error:
        raise BadArgumentError(f"Column {name} can't be parsed as Int32.") from error


def _number(value: float) -> str:
    # Studio writes small and large numbers with an exponent.
    return f"{value!r}" if 1e-3 <= value < 1e3 else f"{value:.17E}"  # noqa: PLR2004 - about where it does


def _type(name: str) -> str:
    return "Int32" if name in NUMERIC_COLUMNS else "String"
