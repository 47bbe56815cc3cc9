import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mapping.stated_classes import stated_classes

TWO = ("No Risk", "Risk")


@pytest.mark.parametrize(
    ("fields", "labels", "stated"),
    [
        (["POSITIVE", "NEGATIVE"], ("NEGATIVE", "POSITIVE"), [1, 0]),
        (["Risk", "No Risk"], TWO, [1, 0]),
        (["Scored Probabilities_Risk", "Scored Probabilities_No Risk"], TWO, [1, 0]),
        (["p_1", "p_0"], (0, 1), [1, 0]),
        (["p_1.0", "p_0.0"], (0, 1), [1, 0]),
        (['p of "Risk" of "No Risk"', 'p of "No Risk"'], TWO, [None, 0]),
        (["p_no_risk", "p_risk"], TWO, [0, 1]),
        (["p.NoRisk", "RISK"], TWO, [0, 1]),
        (["p_true", "p_False"], (False, True), [1, 0]),
        (["p_-1", "p_1"], (1, -1), [1, 0]),
        (["p_A+", "p_A"], ("A", "A+"), [1, 0]),
        (["p_class_0", "p_class_1"], ("class_1", "class_0"), [1, 0]),
        (["p_0", "p_1"], (1, 0), [1, 0]),
    ],
)
def test_a_name_states_its_class_by_quotes_by_all_of_it_or_by_its_end(fields, labels, stated):
    assert stated_classes(fields, labels) == stated


@pytest.mark.parametrize(
    ("fields", "labels"),
    [
        (["x", "y"], TWO),
        (["pRisk", "pNoRisk"], TWO),
        (["Risk_p", "No Risk_p"], TWO),
        (['""', 'p ""'], ("", "a")),
        (["p_+", "p_-"], ("a+", "a-")),
    ],
)
def test_a_name_without_a_class_states_none(fields, labels):
    assert stated_classes(fields, labels) == [None, None]


def test_a_class_that_a_name_denies_is_not_stated():
    assert stated_classes(["p_good", "p_not_good"], ("good", "bad")) == [0, None]


@pytest.mark.parametrize(
    ("fields", "labels"), [(["p_0", "p_1"], (1, 2)), (["0", "1"], (1, 2)), (["c 1", "c 2"], (0, 1))]
)
def test_names_that_only_count_the_columns_state_no_classes(fields, labels):
    assert stated_classes(fields, labels) == [None, None]


def test_an_end_that_two_names_share_states_no_class():
    assert stated_classes(["no_fold_1", "yes_fold_1"], (0, 1)) == [None, None]


@given(st.permutations(["a", "b", "no a", "7", "-7"]), st.sampled_from(["", "p_", "Scored Probabilities for ", "x-y "]))
def test_classes_are_found_in_any_order(order, prefix):
    labels = ("a", "b", "no a", 7, -7)
    assert [str(labels[k]) for k in stated_classes([prefix + name for name in order], labels)] == list(order)


@given(st.lists(st.text(), min_size=2, max_size=4), st.lists(st.text() | st.integers() | st.booleans(), max_size=4))
def test_any_names_are_read(fields, labels):
    assert all(k is None or 0 <= k < len(labels) for k in stated_classes(fields, labels))
