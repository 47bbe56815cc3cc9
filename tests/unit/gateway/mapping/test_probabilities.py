import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mapping.labels import Labels
from gateway.mapping.probabilities import probability_reader
from schemas.configuration import OutputSettings
from schemas.errors import EngineReplyError

TWO = ("No Risk", "Risk")
THREE = ("a", "b", "c")


def read(cells, prediction=None, **settings):
    output = OutputSettings(**{"probability": "p", **settings})
    names = [output.probability] if isinstance(output.probability, str) else list(output.probability)
    reader = probability_reader(output, Labels(output.labels), names.index)
    return reader(cells, prediction, 17)


@given(st.floats(0, 1))
def test_a_single_probability_becomes_one_for_each_label(p):
    assert read([p], probability_of="positive", labels=TWO) == [1 - p, p]
    assert read([p], probability_of="positive", labels=TWO, positive="Risk") == [1 - p, p]
    assert read([p], probability_of="positive", labels=TWO, positive="No Risk") == [p, 1 - p]
    assert read([p], probability_of="positive") == [1 - p, p]


@given(st.floats(0, 1))
def test_the_winners_probability_stands_at_the_predicted_label(p):
    assert read([p], "Risk", probability_of="winner", labels=TWO) == [1 - p, p]
    assert read([p], "No Risk", probability_of="winner", labels=TWO) == [p, 1 - p]


def test_the_winner_among_more_than_two_tells_nothing_of_the_others():
    output = OutputSettings(probability="p", probability_of="winner", labels=THREE)
    assert probability_reader(output, Labels(THREE), ["p"].index) is None


def test_an_array_is_taken_as_it_is():
    vector = [0.1, 0.2, 0.7]
    assert read([vector], probability_of="each", labels=THREE) is vector
    assert read([vector]) is vector


def test_numbers_as_text_and_integers_become_floats():
    vector = read([["9.1E-02", 0, 1]], probability_of="each", labels=THREE)
    assert vector == [0.091, 0.0, 1.0]
    assert {type(p) for p in vector} == {float}
    assert read(["[0.1, 0.2, 0.7]"], probability_of="each", labels=THREE) == [0.1, 0.2, 0.7]
    assert read([" [1., 2.e-01, .7] "], probability_of="each", labels=THREE) == [1.0, 0.2, 0.7]
    assert read(["0.25"], probability_of="positive", labels=TWO) == [0.75, 0.25]


def test_fields_are_folded_in_the_order_of_the_labels():
    assert read(["9.1E-02", 0.909], probability=("x", "y"), labels=TWO) == [0.091, 0.909]


@pytest.mark.parametrize("scale", ["probability", "logit"])
@pytest.mark.parametrize(("cells", "missing"), [([0.4, None], "y"), ([None, 0.4], "x"), ([0.4, ""], "y")])
def test_a_row_without_the_number_of_one_class_is_refused(cells, missing, scale):
    with pytest.raises(EngineReplyError, match=f"Row 17: the probability in `{missing}` is missing") as caught:
        read(cells, probability=("x", "y"), labels=TWO, probability_scale=scale)
    assert caught.value.target == "values[17]"


def test_a_sparse_vector_is_filled_up():
    assert read([[3, [1], [1.0]]], probability_of="each", labels=THREE) == [0.0, 1.0, 0.0]
    assert read([[2, [0, 1], [0.25, 0.75]]], probability_of="each", labels=TWO) == [0.25, 0.75]


@pytest.mark.parametrize("cell", [[2, [2], [1.0]], [2, [-1], [1.0]], [2, [1.0], [1.0]], [2, ["1"], [1.0]]])
def test_a_sparse_vector_with_an_index_beyond_it_is_refused(cell):
    with pytest.raises(EngineReplyError, match="has 3 numbers for 2 labels"):
        read([cell], probability_of="each", labels=TWO)


def test_an_array_of_one_number_is_a_number():
    assert read([[0.25]], probability_of="positive", labels=TWO) == [0.75, 0.25]


def test_null_stays_null():
    assert read([None], probability_of="positive", labels=TWO) is None
    assert read(["nan"], probability_of="positive", labels=TWO) is None
    assert read([None], "Risk", probability_of="winner", labels=TWO) is None
    assert read([0.5], None, probability_of="winner", labels=TWO) is None
    assert read([None], probability_of="each", labels=TWO) is None
    assert read([[None, 0.5]], probability_of="each", labels=TWO) == [None, 0.5]
    assert read(["[nan, NaN]"], probability_of="each", labels=TWO) == [None, None]
    assert read(["[nan, 0.5]"], probability_of="each", probability_scale="logit", labels=TWO) == [None, None]
    assert read(["nan"], probability_of="each", labels=TWO) is None
    assert read([""], probability_of="each", labels=TWO) is None
    assert read([None, ""], probability=("x", "y"), labels=TWO) == [None, None]
    assert read([None, ""], probability=("x", "y"), labels=TWO, probability_scale="logit") == [None, None]


def test_what_single_precision_leaves_beside_the_bounds_is_cut():
    assert read([[1.0000001, -1e-7]], probability_of="each", labels=TWO) == [1.0, 0.0]


@pytest.mark.parametrize(
    ("cells", "settings", "problem"),
    [
        ([[0.1, 0.9]], {"probability_of": "each", "labels": THREE}, "has 2 numbers for 3 labels"),
        ([0.5], {"probability_of": "each", "labels": TWO}, "is no array"),
        ([0.5], {"labels": TWO}, "is no array"),
        ([{"a": 1}], {"probability_of": "each", "labels": TWO}, "is no array"),
        (["[0.1"], {"probability_of": "each", "labels": TWO}, "is a text that holds no array"),
        (["x"], {"probability_of": "each", "labels": TWO}, "is a text that holds no array"),
        (["[x4711, 0.5]"], {"probability_of": "each", "labels": TWO}, "is no number"),
        (["[0.1 0.9]"], {"probability_of": "each", "labels": TWO}, "has 1 numbers for 2 labels"),
        (["[nan]"], {"probability_of": "each", "labels": TWO}, "has 1 numbers for 2 labels"),
        ([[0.1, 0.9]], {"probability_of": "positive", "labels": TWO}, "is an array"),
        ([[0.1, 4711.0]], {"probability_of": "each", "labels": TWO}, "not between 0 and 1"),
        ([[-4711, 0.5]], {"probability_of": "each", "labels": TWO}, "not between 0 and 1"),
        ([1.5], {"probability_of": "positive", "labels": TWO}, "not between 0 and 1"),
        ([["x4711", 0.5]], {"probability_of": "each", "labels": TWO}, "is no number"),
        ([[[0.1], 0.5]], {"probability_of": "each", "labels": TWO}, "is no number"),
        (["x"], {}, "is no array|is no number"),
    ],
)
def test_what_is_no_probability_is_refused_with_its_row_and_without_its_value(cells, settings, problem):
    with pytest.raises(EngineReplyError, match=problem) as caught:
        read(cells, **settings)
    assert caught.value.target == "values[17]"
    assert "4711" not in caught.value.message
    assert "Row 17" in caught.value.message


def test_without_labels_a_single_number_passes():
    assert read([0.25]) == 0.25


LOGITS = {"probability_scale": "logit", "labels": TWO}


def test_logits_become_probabilities():
    assert read([[0.0, math.log(3)]], probability_of="each", **LOGITS) == pytest.approx([0.25, 0.75])
    assert read([math.log(3)], probability_of="positive", **LOGITS) == pytest.approx([0.25, 0.75])
    assert read([[math.log(3)]], probability_of="positive", **LOGITS) == pytest.approx([0.25, 0.75])
    assert read([0, "1.0986122886681098"], probability=("x", "y"), **LOGITS) == pytest.approx([0.25, 0.75])
    assert read([math.log(3)], probability_scale="logit") == pytest.approx(0.75)


def test_missing_logits_are_none():
    assert read([[None, 1.0]], probability_of="each", **LOGITS) == [None, None]
    assert read([None], probability_of="positive", **LOGITS) is None


@pytest.mark.parametrize("cells", [[["x", 1.0]], [[[1.0], 1.0]]])
def test_what_is_no_logit_is_refused(cells):
    with pytest.raises(EngineReplyError, match="is no number"):
        read(cells, probability_of="each", **LOGITS)
