import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mapping.logits import logistic, softmax

scores = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**400), 10**400)


@given(st.lists(scores, min_size=1, max_size=6))
def test_any_scores_become_probabilities_in_the_same_order(logits):
    probabilities = softmax(logits)
    assert math.isclose(math.fsum(probabilities), 1.0)
    assert probabilities[logits.index(max(logits))] == max(probabilities)


@given(scores)
def test_any_single_score_becomes_a_probability(logit):
    assert 0.0 <= logistic(logit) <= 1.0


def test_two_classes_and_a_single_score_agree():
    assert softmax([0.0, math.log(3)]) == pytest.approx([0.25, 0.75])
    assert logistic(math.log(3)) == pytest.approx(0.75)
    assert logistic(0) == 0.5


def test_a_missing_score_leaves_all_open():
    assert softmax([1.0, None]) == [None, None]
    assert softmax([]) == []
