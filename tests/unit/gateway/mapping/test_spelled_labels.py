import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mapping.spelled_labels import SpelledLabels


@pytest.mark.parametrize(
    ("labels", "value", "position"),
    [
        (("No Risk", "Risk"), "no_risk", 0),
        (("No Risk", "Risk"), " RISK", 1),
        (("No Risk", "Risk"), "No Risk", 0),
        ((0, 1), "1.0", 1),
        ((False, True), "TRUE", 1),
        (("7-day", "30-day"), "7 Day", 0),
    ],
)
def test_a_label_is_known_by_its_letters_and_digits(labels, value, position):
    assert SpelledLabels(labels).position(value) == position


@pytest.mark.parametrize(
    ("labels", "value"),
    [
        (("No Risk", "Risk"), "a Risk"),
        (("No Risk", "Risk"), None),
        (("No Risk", "Risk"), ["Risk"]),
        ((-1, 1), "- 1"),
        (("-1", "+1"), "_1"),
        (("a b", "ab"), "A B"),
        (("", "a"), " "),
    ],
)
def test_what_could_be_another_is_none(labels, value):
    assert SpelledLabels(labels).position(value) is None


@given(st.lists(st.text(), min_size=2, max_size=4, unique=True))
def test_an_exact_spelling_counts_before_any_other(labels):
    assert [SpelledLabels(labels).position(label) for label in labels] == list(range(len(labels)))
