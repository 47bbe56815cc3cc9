"""The mapping of one deployment."""

from collections.abc import Sequence

from gateway.mapping.answers import Answers
from gateway.mapping.columns import InputColumns
from schemas.configuration import InputSettings, OutputSettings
from schemas.scoring import ScoringRequest, ScoringResponse
from schemas.table import Table


class Mapping:
    """Between what callers send and get, and what one endpoint takes and answers.

    Pure: nothing that is passed in is changed, and what is returned may share its rows. Safe to use from threads.
    """

    def __init__(self, columns: InputColumns, answers: Answers) -> None:
        self._columns = columns
        self._answers = answers

    @classmethod
    def build(
        cls,
        input_settings: InputSettings,
        output_settings: OutputSettings,
        *,
        endpoint_columns: Sequence[str] | None = None,
        by_place: bool = False,
        problem_type: str | None = None,
    ) -> "Mapping":
        """Prepare the mapping of a deployment whose settings have no `ambiguities`.

        Args:
            input_settings: `input` of the deployment.
            output_settings: `output` of the deployment.
            endpoint_columns: what the platform says the endpoint takes; stands in for `input.fields`.
            by_place: requests don't carry the names of their columns.
            problem_type: of the deployment; the prediction of a `regression` is a number.
        """
        return cls(
            InputColumns(input_settings, endpoint_columns, by_place=by_place),
            Answers(output_settings, numeric=problem_type == "regression"),
        )

    @property
    def output_fields(self) -> list[str] | None:
        """Names of the answer's columns where the settings alone tell them."""
        return self._answers.fields

    def to_native(self, request: ScoringRequest) -> Table:
        """Return n rows with the endpoint's columns, in its order; `meta` stays behind.

        Raises:
            UnprocessableRequestError: columns are missing (`target`: `fields`), refused as unknown, or can't be told
                apart because the request has no names; or a default has no place among those that are sent.
        """
        return self._columns.table(request)

    @property
    def native_columns(self) -> tuple[str, ...] | None:
        """The columns of `to_native`, in their order, where settings or platform name them."""
        return self._columns.native

    def request_of(self, table: Table) -> ScoringRequest:
        """Return the request whose `to_native` is this table: the inverse, for calls in the endpoint's own form.

        Columns keep their order; those of `input.constants` are left out, since callers never send them.

        Raises:
            UnprocessableRequestError: there are no others.
        """
        return self._columns.request(table)

    def from_native(self, table: Table, request: ScoringRequest) -> ScoringResponse:
        """Return one row for each row of the request, in order.

        Raises:
            EngineReplyError: a configured column is missing, or a value can't be what the settings say; `target` is
                `values[n]`, the row.
        """
        return self._answers.response(table, request)

    def labels_contradict(self, table: Table) -> bool:
        """Whether a native answer states other classes than `output.labels`, or another order, where that would matter.

        It may state them beside its rows, or in a column `labels`. Their numbers from 0 on, other letters' case and
        other separators mean the same. A list of one is no order of classes, nor one beside the rows that has another
        length than `output.labels` and a label for each row.
        """
        return self._answers.labels_contradict(table)

    def contradictions(self, response: ScoringResponse) -> int:
        """Count the rows whose probabilities don't add up to 1, or say another label than the predicted one.

        A sign of `labels` in the wrong order, of numbers that are no probabilities, or of a `threshold` that is not
        used, since the endpoint predicts itself.
        """
        return self._answers.contradictions(response)
