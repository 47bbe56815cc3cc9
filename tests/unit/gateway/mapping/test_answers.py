import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mapping.ambiguities import ambiguities
from gateway.mapping.answers import MAX_PLANS, Answers
from schemas.configuration import InputSettings, OutputSettings
from schemas.errors import EngineReplyError
from schemas.scoring import ScoringRequest, ScoringResponse
from schemas.table import Table

TWO = ("No Risk", "Risk")
PREDICTED = {"prediction": "label", "probability": "score", "probability_of": "positive", "labels": TWO}


def answer(table, request=None, *, numeric=False, **settings):
    request = request or ScoringRequest([[n] for n in range(len(table.rows))], ["x"])
    before = copy.deepcopy((table, request))
    response = Answers(OutputSettings(**settings), numeric=numeric).response(table, request)
    assert (table, request) == before
    return response


def test_native_columns_pass_as_they_are_where_nothing_is_configured():
    table = Table(("Scored Labels", "x"), [["Risk", 1], ("No Risk", [2])])
    assert answer(table) == ScoringResponse(["Scored Labels", "x"], [["Risk", 1], ["No Risk", [2]]])


def test_no_order_of_classes_is_claimed_for_columns_that_pass_as_they_are():
    assert answer(Table(("p",), [[[0.9, 0.1]]], labels=["Risk", "No Risk"]), labels=TWO).labels is None


def test_prediction_and_probability_are_kept_and_everything_else_is_dropped():
    table = Table(("x", "score", "label"), [["0", 0.25, "No Risk"], ["1", 0.75, "Risk"]])
    assert answer(table, **PREDICTED) == ScoringResponse(
        ["prediction", "probability"], [["No Risk", [0.75, 0.25]], ["Risk", [0.25, 0.75]]], ["No Risk", "Risk"]
    )


def test_a_regression_has_a_prediction_alone():
    assert answer(Table(("score",), [[3.2], [None]]), prediction="score") == ScoringResponse(
        ["prediction"], [[3.2], [None]]
    )


def test_a_regression_that_is_written_as_text_is_a_number():
    table = Table(("score",), [["3.2"], ["9.5E-06"], [7], [None], [""], ["NaN"]])
    values = [[3.2], [9.5e-06], [7], [None], [None], [None]]
    assert answer(table, prediction="score", numeric=True).values == values
    assert answer(table, prediction="score").values[0] == ["3.2"]
    with pytest.raises(EngineReplyError, match="Row 1: the prediction of a regression") as caught:
        answer(Table(("score",), [[1], ["x4711"]]), prediction="score", numeric=True)
    assert caught.value.target == "values[1]"
    assert "4711" not in caught.value.message


def test_an_index_is_answered_as_its_label():
    table = Table(("k",), [[0], [1.0]])
    assert answer(table, prediction="k", prediction_is="index", labels=TWO).values == [["No Risk"], ["Risk"]]


def test_a_prediction_in_an_array_of_its_own_is_taken_out():
    table = Table(("k", "p"), [[[0], [0.25]], [[1.0], [0.75]]])
    settings = {"prediction": "k", "prediction_is": "index", "labels": TWO}
    assert answer(table, **settings).values == [["No Risk"], ["Risk"]]
    assert answer(table, **settings, probability="p", probability_of="positive").values == [
        ["No Risk", [0.75, 0.25]],
        ["Risk", [0.25, 0.75]],
    ]
    assert answer(table, prediction="p").values == [[0.25], [0.75]]


def test_the_winner_among_more_than_two_leaves_the_probability_out():
    settings = {"prediction": "label", "probability": "p", "probability_of": "winner", "labels": ("a", "b", "c")}
    table = Table(("label", "p"), [["b", 0.5]])
    assert answer(table, **settings) == ScoringResponse(["prediction"], [["b"]], ["a", "b", "c"])
    assert Answers(OutputSettings(**settings)).fields == ["prediction"]
    assert answer(Table(("kind", "p"), [["b", 0.5]]), **{**settings, "prediction": None}).fields == ["kind", "p"]


@pytest.mark.parametrize(
    ("p", "threshold", "positive", "prediction"),
    [
        (0.3, 0.3, None, "Risk"),
        (0.2999, 0.3, None, "No Risk"),
        (0.3, 0.3, "No Risk", "No Risk"),
        (0.2, 0.3, "No Risk", "Risk"),
        (0.6, None, None, "Risk"),
        (0.4, None, None, "No Risk"),
        (0.6, None, "No Risk", "No Risk"),
    ],
)
def test_a_prediction_is_made_where_the_endpoint_gives_none(p, threshold, positive, prediction):
    settings = {"probability": "prediction", "probability_of": "positive", "labels": TWO}
    response = answer(Table(("prediction",), [[p]]), **settings, threshold=threshold, positive=positive)
    assert response.fields == ["prediction", "probability"]
    assert response.values[0][0] == prediction


def test_the_most_probable_label_is_predicted_from_a_vector_alone():
    settings = {"probability": "probability", "probability_of": "each", "labels": (0, 1, 2)}
    response = answer(Table(("probability",), [[[0.1, 0.7, 0.2]], [None], [[None, 0.5, 0.5]]]), **settings)
    assert response.values == [[1, [0.1, 0.7, 0.2]], [None, None], [None, [None, 0.5, 0.5]]]


def test_a_native_column_named_prediction_is_not_thrown_away():
    table = Table(("prediction", "p"), [["Risk", [0.6, 0.4]]])
    assert answer(table, probability="p", probability_of="each", labels=TWO).values == [["Risk", [0.6, 0.4]]]


def test_other_columns_pass_where_no_prediction_can_be_told():
    table = Table(("cluster", "p"), [[3, [0.6, 0.4]]])
    assert answer(table, probability="p") == ScoringResponse(["cluster", "probability"], [[3, [0.6, 0.4]]])


SCORES = st.lists(st.sampled_from([k / 64 for k in range(65)]), min_size=2, max_size=5)


@given(SCORES, st.randoms(use_true_random=False))
def test_each_class_keeps_its_probability_whatever_order_the_columns_come_in(scores, random):
    classes = tuple(f"class {k}" for k in range(len(scores)))
    native = [("x", "noise"), *zip(classes, scores, strict=True)]
    random.shuffle(native)
    table = Table(tuple(name for name, _ in native), [[cell for _, cell in native]])
    labels = tuple(name.upper() for name in classes)
    ((prediction, vector),) = answer(table, probability=classes, labels=labels).values
    assert vector == scores
    assert scores[labels.index(prediction)] == max(scores)


@given(
    st.sampled_from([TWO, TWO[::-1], ("no", "yes"), ("a b", "b a"), (False, True)]),
    st.sampled_from(["", "p_", "Scored Probabilities for Class ", "proba-"]),
    st.integers(0, 1),
    st.none() | st.integers(0, 1),
)
def test_a_single_probability_is_that_of_the_class_in_its_name_or_refused(labels, prefix, named, positive):
    settings = {
        "probability": f"{prefix}{labels[named]}",
        "probability_of": "positive",
        "positive": None if positive is None else labels[positive],
        "labels": labels,
    }
    meant = 1 if positive is None else positive
    assert bool(ambiguities(InputSettings(), OutputSettings(**settings))) is (meant != named)
    ((_, vector),) = answer(Table((settings["probability"],), [[0.75]]), **settings).values
    assert (vector[named] == 0.75) is (meant == named)


def test_echoed_inputs_are_the_callers_own_values():
    request = ScoringRequest([[33, "clerk", "old"]], ["Age", "Job", "prediction"])
    table = Table(("Age", "label"), [["33", "Risk"]])
    assert answer(table, request, prediction="label", echo_inputs=True) == ScoringResponse(
        ["Age", "Job", "prediction"], [[33, "clerk", "Risk"]]
    )


def test_no_column_of_the_caller_takes_the_place_of_a_predicted_one():
    request = ScoringRequest([["Yes", 0.5, [0.5, 0.5], 7]], ["Risk", "prediction", "probability", "Age"])
    predicted = answer(Table(("Risk",), [["No"]]), request, prediction="Risk", echo_inputs=True)
    assert predicted == ScoringResponse(["Risk", "Age", "prediction"], [["Yes", 7, "No"]])
    passed = answer(Table(("Risk", "p"), [["No", 0.25]]), request, probability="p", echo_inputs=True)
    assert passed == ScoringResponse(["Age", "Risk", "probability"], [[7, "No", 0.25]])


def test_nameless_inputs_are_not_echoed():
    response = answer(
        Table(("label",), [["cat"]]), ScoringRequest([[[0, 0, 255]]]), prediction="label", echo_inputs=True
    )
    assert response == ScoringResponse(["prediction"], [["cat"]])


@pytest.mark.parametrize(
    "settings", [{"prediction": "label"}, {"probability": "label"}, {"probability": ("x", "label")}]
)
def test_a_missing_column_is_named(settings):
    with pytest.raises(EngineReplyError, match="`label`"):
        answer(Table(("x", "y"), [[0.5, 2]]), **settings)


def test_another_number_of_rows_than_asked_is_refused():
    with pytest.raises(EngineReplyError, match="1 rows to 2"):
        answer(Table(("a",), [[1]]), ScoringRequest([[1], [2]], ["x"]))


def test_an_answer_without_rows_keeps_its_fields():
    assert answer(Table(("label", "score"), []), **PREDICTED) == ScoringResponse(
        ["prediction", "probability"], [], ["No Risk", "Risk"]
    )


@pytest.mark.parametrize(
    ("settings", "fields"),
    [
        (PREDICTED, ["prediction", "probability"]),
        ({"prediction": "label"}, ["prediction"]),
        ({"probability": "p", "labels": TWO}, ["prediction", "probability"]),
        ({"probability": "p"}, None),
        ({}, None),
        ({**PREDICTED, "echo_inputs": True}, None),
    ],
)
def test_fields_are_told_in_advance_where_the_settings_tell_them(settings, fields):
    assert Answers(OutputSettings(**settings)).fields == fields


def test_ever_new_columns_are_answered():
    answers = Answers(OutputSettings(prediction="a"))
    for k in range(3 * MAX_PLANS):
        assert answers.response(Table((f"x{k}", "a"), [[k, 1]]), ScoringRequest([[1]], ["x"])).values == [[1]]
