"""From the endpoint's columns to `prediction` and `probability`."""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from gateway.mapping.cells import PREDICTION, PROBABILITY, opened
from gateway.mapping.contradictions import Contradictions
from gateway.mapping.label_order import LabelOrder
from gateway.mapping.labels import Labels
from gateway.mapping.numbers import is_missing, number_in
from gateway.mapping.probabilities import Probability, decided, positive_position, probability_reader
from schemas.configuration import OutputSettings
from schemas.errors import EngineReplyError
from schemas.scoring import ScoringRequest, ScoringResponse, Values
from schemas.table import Cell, Table

MAX_PLANS = 32
MAX_PLAN_COLUMNS = 5000

Row = Sequence[Cell]


class _Plan(Struct, frozen=True):
    """How native rows of one list of columns are answered.

    Attributes:
        fields: of the answer.
        answer: `answer(row, n)`, the cells of the n-th row; None where rows pass as they are.
    """

    fields: list[str]
    answer: Callable[[Row, int], list[Cell]] | None


class Answers:
    """Makes answers out of native tables.

    Where neither `prediction` nor `probability` is configured, native columns pass as they are. Where only
    `probability` is, the prediction is the native column of that name if there is one, else it is made with
    `threshold`, or is the most probable label. Without labels it can't be made; then the other native columns pass as
    they are. In all other cases the answer has `prediction` and `probability` alone, in front of them the caller's own
    columns with `echo_inputs`.

    Args:
        settings: `output` of the deployment.
        numeric: the prediction is a number, also where the endpoint writes it as text.
    """

    def __init__(self, settings: OutputSettings, *, numeric: bool = False) -> None:
        self._settings = settings
        self._numeric = numeric
        self._labels = Labels(settings.labels)
        self._answer_labels = self._labels.all or None
        self._order = LabelOrder(settings, self._labels)
        self._contradictions = Contradictions(settings, self._labels)
        self._plans: dict[tuple[str, ...], _Plan] = {}

    @property
    def fields(self) -> list[str] | None:
        """See `Mapping.output_fields`."""
        settings = self._settings
        if settings.echo_inputs or (settings.prediction is None and not (settings.probability and settings.labels)):
            return None
        return [PREDICTION] if self._probability(lambda _: 0) is None else [PREDICTION, PROBABILITY]

    def response(self, table: Table, request: ScoringRequest) -> ScoringResponse:
        """See `Mapping.from_native`."""
        if len(table.rows) != len(request.values):
            raise EngineReplyError(f"The endpoint answered {len(table.rows)} rows to {len(request.values)}.")
        plan = self._plan(tuple(table.columns or ()))
        if plan.answer is None:
            fields, values = plan.fields, _lists(table.rows)
        else:
            fields, values = plan.fields, list(map(plan.answer, table.rows, range(len(table.rows))))
        if self._settings.echo_inputs and request.fields is not None:
            fields, values = _echoed(fields, values, request, request.fields)
        return ScoringResponse(fields, values, None if plan.answer is None else self._answer_labels)

    def labels_contradict(self, table: Table) -> bool:
        """See `Mapping.labels_contradict`."""
        return self._order.contradicts(table)

    def contradictions(self, response: ScoringResponse) -> int:
        """See `Mapping.contradictions`."""
        return self._contradictions.count(response)

    def _plan(self, columns: tuple[str, ...]) -> _Plan:
        plan = self._plans.get(columns)
        if plan is None:
            plan = self._compiled(columns)
            if len(self._plans) >= MAX_PLANS:
                self._plans.clear()
            if len(columns) <= MAX_PLAN_COLUMNS:
                self._plans[columns] = plan
        return plan

    def _compiled(self, columns: tuple[str, ...]) -> _Plan:
        settings = self._settings
        if settings.prediction is None and settings.probability is None:
            return _Plan(list(columns), None)
        position = {name: k for k, name in enumerate(columns)}
        probability = self._probability(lambda name: _index(name, position))
        at = self._prediction_at(position)
        if at is not None:
            return self._predicted(at, probability)
        if probability is None:
            return _Plan(list(columns), None)
        if self._labels.all:
            return self._derived(probability)
        return _passed(columns, _names(settings.probability), probability)

    def _probability(self, column: Callable[[str], int]) -> Probability | None:
        return probability_reader(self._settings, self._labels, column)

    def _prediction_at(self, position: dict[str, int]) -> int | None:
        if self._settings.prediction is not None:
            return _index(self._settings.prediction, position)
        return None if PREDICTION in _names(self._settings.probability) else position.get(PREDICTION)

    def _predicted(self, at: int, probability: Probability | None) -> _Plan:
        label = self._label()
        if probability is None:
            return _Plan([PREDICTION], lambda row, n: [label(opened(row[at]), n)])

        def answer(row: Row, n: int) -> list[Cell]:
            prediction = label(opened(row[at]), n)
            return [prediction, probability(row, prediction, n)]

        return _Plan([PREDICTION, PROBABILITY], answer)

    def _label(self) -> Callable[[Cell, int], Cell]:
        if not self._labels.all:
            return _number if self._numeric else _as_it_is
        return self._labels.indexed if self._settings.prediction_is == "index" else self._labels.labelled

    def _derived(self, probability: Probability) -> _Plan:
        labels, threshold = self._labels.all, self._settings.threshold
        positive = positive_position(self._settings, self._labels)

        def answer(row: Row, n: int) -> list[Cell]:
            vector = probability(row, None, n)
            if vector is None or None in vector:
                return [None, vector]
            return [labels[decided(vector, positive, threshold)], vector]

        return _Plan([PREDICTION, PROBABILITY], answer)


def _echoed(fields: list[str], values: Values, request: ScoringRequest, columns: list[str]) -> tuple[list[str], Values]:
    """Put the caller's columns in front, without those that could be taken for answered ones."""
    answered = {PREDICTION, PROBABILITY, *fields}
    kept = [k for k, name in enumerate(columns) if name not in answered]
    return (
        [*(columns[k] for k in kept), *fields],
        [[*(sent[k] for k in kept), *row] for sent, row in zip(request.values, values, strict=True)],
    )


def _passed(columns: tuple[str, ...], taken: Sequence[str], probability: Probability) -> _Plan:
    kept = [k for k, name in enumerate(columns) if name not in taken and name != PROBABILITY]

    def answer(row: Row, n: int) -> list[Cell]:
        return [*(row[k] for k in kept), probability(row, None, n)]

    return _Plan([*(columns[k] for k in kept), PROBABILITY], answer)


def _names(probability: str | tuple[str, ...] | None) -> Sequence[str]:
    return (probability,) if isinstance(probability, str) else probability or ()


def _index(name: str, position: dict[str, int]) -> int:
    if name not in position:
        raise EngineReplyError(
            f"The endpoint's answer has no column `{name}`, but {len(position)} others: compare `output` with what the "
            "endpoint answers."
        )
    return position[name]


def _as_it_is(value: Cell, n: int) -> Cell:
    return value


def _number(value: Cell, n: int) -> Cell:
    if not isinstance(value, str):
        return value
    number = number_in(value)
    if number is None and not is_missing(value):
        raise EngineReplyError(
            f"Row {n}: the prediction of a regression is a text, and no number.", target=f"values[{n}]"
        )
    return number


def _lists(rows: Sequence[Any]) -> Values:
    return [row if type(row) is list else list(row) for row in rows]
