import pytest
from msgspec import structs

from gateway.mapping.label_order import MAX_TEXT, LabelOrder
from gateway.mapping.labels import Labels
from schemas.configuration import OutputSettings
from schemas.table import Table

EACH = {"probability": "p", "probability_of": "each", "labels": ("no", "yes")}


def order(**settings):
    return LabelOrder(OutputSettings(**settings), Labels(settings.get("labels", ())))


def beside(*labels):
    return Table(("p",), [[[0.1, 0.9]]], labels=labels)


def in_rows(*cells):
    return Table(("p", "labels"), [[[0.1, 0.9], cell] for cell in cells])


@pytest.mark.parametrize(
    "stated",
    [("yes", "no"), ("YES", "No "), ("a", "b"), (1, 0), (None, "yes"), ("no", "no"), ("no", "yes", "maybe"), (0, 1, 2)],
)
def test_another_order_and_other_classes_contradict(stated):
    assert order(**EACH).contradicts(beside(*stated))


@pytest.mark.parametrize("stated", [("no", "yes"), (0, 1), ("0", 1.0), ("NO", " Yes")])
def test_the_same_order_its_numbers_and_other_spellings_do_not(stated):
    assert not order(**EACH).contradicts(beside(*stated))


def test_a_list_of_one_and_one_with_a_label_for_each_row_are_no_order():
    assert not order(**EACH).contradicts(beside("yes"))
    assert not order(**EACH).contradicts(in_rows(["yes"], "['yes']", []))
    three = Table(("p",), [[[0.1, 0.9]]] * 3, labels=("yes", "yes", "no"))
    assert not order(**EACH).contradicts(three)
    assert order(**EACH).contradicts(structs.replace(three, labels=("no", "yes", "maybe", "never")))


def test_an_order_beside_fields_in_the_order_of_the_labels_counts():
    fields = EACH | {"probability": ("x", "y"), "probability_of": None}
    assert order(**fields).contradicts(Table(("x", "y"), [[0.1, 0.9]], labels=("yes", "no")))
    assert order(**fields).contradicts(Table(("x", "y", "labels"), [[0.1, 0.9, "['yes', 'no']"]]))
    assert not order(**fields).contradicts(Table(("x", "y"), [[0.1, 0.9]], labels=("no", "yes")))


def test_labels_that_are_numbers_are_compared_as_classes():
    assert order(**EACH | {"labels": (1, 0)}).contradicts(beside("0", "1"))
    assert not order(**EACH | {"labels": (1, 0)}).contradicts(beside(1.0, 0))


@pytest.mark.parametrize("cell", [["yes", "no"], "['yes', 'no']", '["yes", "no"]'])
def test_an_order_in_any_row_counts_as_a_list_or_as_its_text(cell):
    assert order(**EACH).contradicts(in_rows(["no", "yes"], "['no', 'yes']", cell))


@pytest.mark.parametrize("cell", [None, 7, "yes", "[yes, no]", "['yes', 'no'", "[" * 5000, "[" + " " * MAX_TEXT + "]"])
def test_what_is_no_list_states_no_order(cell):
    assert not order(**EACH).contradicts(in_rows(cell))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"prediction": "p"},
        {"prediction": "l", "probability": "p", "probability_of": "winner", "labels": ("no", "yes")},
    ],
)
def test_an_order_that_decides_nothing_contradicts_nothing(settings):
    assert not order(**settings).contradicts(beside("yes", "no"))


def test_a_column_named_labels_matters_where_probabilities_are_read_by_their_order():
    positive = EACH | {"probability_of": "positive"}
    assert order(**positive).contradicts(in_rows("['yes', 'no']"))
    assert not order(**positive).contradicts(in_rows("['no', 'yes']"))
    index = {"prediction": "p", "prediction_is": "index", "labels": ("no", "yes")}
    assert not order(**index).contradicts(in_rows(["yes", "no"]))
    assert order(**index).contradicts(beside("yes", "no"))
