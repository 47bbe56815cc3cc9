from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.mapping import Mapping
from schemas.configuration import InputSettings, OutputSettings
from schemas.errors import UnprocessableRequestError
from schemas.scoring import ScoringRequest, ScoringResponse
from schemas.table import Table

CREDIT = Mapping.build(
    InputSettings(fields=("Age", "Loan")),
    OutputSettings(
        prediction="predicted_label",
        prediction_is="index",
        probability="score",
        probability_of="positive",
        labels=("No Risk", "Risk"),
    ),
)


def test_a_call_goes_there_and_back():
    request = ScoringRequest([[900.5, 33], [50, 61]], ["Loan", "Age"])
    assert [list(row) for row in CREDIT.to_native(request).rows] == [[33, 900.5], [61, 50]]
    native = Table(("score", "predicted_label"), [[0.25, 0], [0.75, 1.0]])
    response = CREDIT.from_native(native, request)
    assert response == ScoringResponse(
        ["prediction", "probability"], [["No Risk", [0.75, 0.25]], ["Risk", [0.25, 0.75]]], ["No Risk", "Risk"]
    )
    assert CREDIT.output_fields == response.fields
    assert CREDIT.contradictions(response) == 0


def test_labels_in_the_wrong_order_show():
    native = Table(("score", "predicted_label"), [[0.25, 1], [0.75, 0]])
    response = CREDIT.from_native(native, ScoringRequest([[1, 2], [3, 4]], ["Age", "Loan"]))
    assert CREDIT.contradictions(response) == 2


def test_another_order_of_classes_in_an_answer_shows():
    rows = [[0.25, 0]]
    columns = ("score", "predicted_label")
    assert CREDIT.labels_contradict(Table(columns, rows, labels=["Risk", "No Risk"]))
    assert not CREDIT.labels_contradict(Table(columns, rows, labels=["No Risk", "Risk"]))
    assert not CREDIT.labels_contradict(Table(columns, rows))


def test_a_native_call_is_read_back():
    request = ScoringRequest([[900.5, 33], [50, 61]], ["Loan", "Age"])
    assert CREDIT.native_columns == ("Age", "Loan")
    assert CREDIT.request_of(CREDIT.to_native(request)) == ScoringRequest([[33, 900.5], [61, 50]], ["Age", "Loan"])


def test_the_platforms_columns_are_used_where_none_are_configured():
    mapping = Mapping.build(InputSettings(), OutputSettings(), endpoint_columns=["b", "a"])
    assert tuple(mapping.to_native(ScoringRequest([[1, 2]], ["a", "b"])).columns) == ("b", "a")


def test_a_default_without_a_place_is_refused_where_columns_go_by_their_place():
    settings = InputSettings(defaults={"b": 0})
    request = ScoringRequest([[1]], ["a"])
    assert Mapping.build(settings, OutputSettings()).to_native(request) == Table(("a", "b"), [(1, 0)])
    with pytest.raises(UnprocessableRequestError):
        Mapping.build(settings, OutputSettings(), by_place=True).to_native(request)


def test_threads_may_share_a_mapping():
    def call(k):
        request = ScoringRequest([[k, 1, 2]], [f"x{k % 50}", "Loan", "Age"])
        rows = CREDIT.to_native(request).rows
        return [list(row) for row in rows], CREDIT.from_native(
            Table((f"y{k % 50}", "score", "predicted_label"), [[k, 0.5, 1]]), request
        ).values

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(call, range(2000))) == [([[2, 1]], [["Risk", [0.5, 0.5]]])] * 2000
