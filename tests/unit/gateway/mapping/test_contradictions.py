import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mapping.answers import Answers
from gateway.mapping.contradictions import Contradictions
from gateway.mapping.labels import Labels
from schemas.configuration import OutputSettings
from schemas.scoring import ScoringRequest, ScoringResponse
from schemas.table import Table

TWO = ("No Risk", "Risk")
EACH = {"prediction": "label", "probability": "p", "probability_of": "each", "labels": TWO}
THRESHOLD = {"probability": "p", "probability_of": "positive", "labels": TWO, "threshold": 0.3}


def count(*values, fields=("prediction", "probability"), **settings):
    output = OutputSettings(**settings)
    rows = [list(row) for row in values]
    return Contradictions(output, Labels(output.labels)).count(ScoringResponse(list(fields), rows))


def answered(columns, *rows, **settings):
    """Return what is answered to native rows, and how many of them contradict themselves."""
    answers = Answers(OutputSettings(**settings))
    request = ScoringRequest([[n] for n in range(len(rows))], ["x"])
    response = answers.response(Table(columns, list(rows)), request)
    return response, answers.contradictions(response)


def test_rows_whose_most_probable_label_is_not_the_predicted_one_are_counted():
    assert count(["Risk", [0.9, 0.1]], ["Risk", [0.1, 0.9]], ["No Risk", [0.4, 0.6]], **EACH) == 2
    assert count([1, "Risk", [0.9, 0.1]], fields=("Age", "prediction", "probability"), **EACH) == 1


@pytest.mark.parametrize(
    "row", [["Risk", [0.5, 0.5]], [None, [0.9, 0.1]], ["Risk", None], ["Risk", [None, 1.0]], ["Risk", [None, None]]]
)
def test_what_is_undecided_or_missing_contradicts_nothing(row):
    assert count(row, **EACH) == 0


@pytest.mark.parametrize("vector", [[0.9, 0.9], [1.0, 0.9], [0.1, 0.2], [0.0, 0.0]])
def test_a_vector_that_does_not_add_up_to_1_is_counted_with_or_without_labels(vector):
    assert count(["Risk", vector], **EACH) == 1
    assert count([None, vector], **EACH) == 1
    assert count([vector], fields=["probability"], probability="p") == 1


@pytest.mark.parametrize("vector", [[0.33, 0.33, 0.33], [0.5, 0.51], [1.0, 0.0], [1.0], [0.9999999, 1e-7]])
def test_a_hundredth_beside_1_is_rounding(vector):
    assert count([vector], fields=["probability"], probability="p") == 0


@given(st.lists(st.floats(0.001, 1), min_size=2, max_size=9), st.integers(3, 17))
def test_a_rounded_distribution_adds_up_to_1(weights, digits):
    vector = [round(weight / sum(weights), digits) for weight in weights]
    assert count([vector], fields=["probability"], probability="p") == 0


def test_a_label_and_its_score_that_are_read_as_a_vector_are_counted():
    settings = {"probability": "probability", "probability_of": "each", "labels": (0, 1)}
    assert answered(("probability",), [[1.0, 0.9]], [[0.1, 0.9]], **settings)[1] == 1


def test_several_fields_that_are_no_distribution_are_counted():
    assert answered(("no", "yes"), [0.9, 0.9], [0.9, 0.1], probability=("no", "yes"), labels=TWO)[1] == 1


def test_a_prediction_by_the_threshold_does_not_contradict_its_probabilities():
    response, contradictions = answered(("p",), [0.3], [0.29], [0.9], **THRESHOLD)
    assert [row[0] for row in response.values] == ["Risk", "No Risk", "Risk"]
    assert contradictions == 0


def test_an_endpoints_own_prediction_that_the_threshold_would_not_make_is_counted():
    rows = ["Risk", 0.9], ["No Risk", 0.9], ["No Risk", 0.4], ["Risk", 0.1]
    response, contradictions = answered(("prediction", "p"), *rows, **THRESHOLD)
    assert [row[0] for row in response.values] == ["Risk", "No Risk", "No Risk", "Risk"]
    assert contradictions == 3


@pytest.mark.parametrize("settings", [{}, {"prediction": "label"}, {"prediction": "label", "labels": TWO}])
def test_nothing_is_counted_where_no_probability_is_configured(settings):
    assert count(["Risk", [0.9, 0.9]], **settings) == 0
    assert count(["Risk"], fields=["prediction"], **settings) == 0
