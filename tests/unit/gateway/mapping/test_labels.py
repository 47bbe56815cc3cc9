import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.mapping.ambiguities import ambiguities
from gateway.mapping.labels import Labels
from schemas.configuration import InputSettings, OutputSettings
from schemas.errors import EngineReplyError


@pytest.mark.parametrize(
    ("labels", "value", "label"),
    [
        ([0, 1], 1.0, 1),
        ([0, 1], "1", 1),
        ([0, 1], "1.0", 1),
        ([0, 1], True, 1),
        ([0.5, 1.5], "0.5", 0.5),
        (["0", "1"], 1, "1"),
        (["0", "1"], 1.0, "1"),
        (["0", "1"], "1.0", "1"),
        (["No Risk", "Risk"], "Risk", "Risk"),
        ([False, True], 1, True),
        ([False, True], "true", True),
        ([False, True], "True", True),
        (["False", "True"], True, "True"),
        (["no", 1], 1.0, 1),
        ([0, 1], None, None),
        ([0, 1], -0.0, 0),
        ([0.0, 1.0], 1, 1.0),
        (["007", "7"], "007", "007"),
        (["007", "7"], 7.0, "7"),
    ],
)
def test_a_prediction_is_cast_to_the_label_that_it_is(labels, value, label):
    cast = Labels(labels).labelled(value, 0)
    assert cast == label
    assert type(cast) is type(label)


@pytest.mark.parametrize("value", [2, "2", 0.5, "Risk", " 1 x", "01", "+1", [1], {"a": 1}])
def test_what_is_no_label_is_refused_without_the_value(value):
    with pytest.raises(EngineReplyError) as caught:
        Labels([0, 1]).labelled(value, 17)
    assert caught.value.target == "values[17]"
    assert caught.value.message == "Row 17: the prediction is none of the 2 configured `output.labels`."


@pytest.mark.parametrize("value", ["risk", "RISK", " Risk", "Risk ", 1, True, "1"])
def test_a_label_in_other_letters_is_none_of_them(value):
    with pytest.raises(EngineReplyError, match=r"none of the 2 configured `output\.labels`"):
        Labels(["No Risk", "Risk"]).labelled(value, 0)


@given(st.lists(st.one_of(st.text(), st.integers(), st.booleans(), st.floats(allow_nan=False)), min_size=2))
def test_labels_that_can_be_told_apart_are_each_themselves(labels):
    assume(not ambiguities(InputSettings(), OutputSettings(prediction="p", labels=tuple(labels))))
    assert [Labels(labels).position(label) for label in labels] == list(range(len(labels)))


@pytest.mark.parametrize(("value", "label"), [(0, "a"), (1.0, "b"), ("1", "b"), (True, "b"), (None, None)])
def test_an_index_counts_into_the_labels(value, label):
    assert Labels(["a", "b"]).indexed(value, 0) == label


@pytest.mark.parametrize("value", [2, -1, 0.5, "x", [0], 1e300])
def test_an_index_beyond_the_labels_is_refused(value):
    with pytest.raises(EngineReplyError, match="Row 3") as caught:
        Labels(["a", "b"]).indexed(value, 3)
    assert caught.value.target == "values[3]"
