import pytest

from adapters.formats.row_forms import column_values, read_columns, read_rows, row_values
from schemas.errors import EngineReplyError, UnprocessableRequestError
from schemas.table import Table


def test_arrays_are_the_rows_themselves():
    table = Table(["a", "b"], [[1, 2]])
    assert row_values(table, "array") is table.rows
    assert row_values(table, "features") == [{"features": [1, 2]}]
    assert row_values(table, "object") == [{"a": 1, "b": 2}]


def test_later_keys_are_added_in_order_of_appearance():
    assert read_rows([{"b": 1}, {"c": 2, "a": 3}, {"b": 4}], 3, "object", None) == Table(
        ("b", "c", "a"), [[1, None, None], [None, 2, 3], [4, None, None]], optional=True
    )


def test_keys_that_are_numbers_are_names_unless_there_is_but_one():
    assert read_rows([{"0": 1, "1": 2}], 1, "object", None).columns == ("0", "1")
    assert read_rows([{"0": 1}, {}], 2, "object", ["score"]) == Table(("score",), [[1], [None]])


def test_columns_of_different_lengths_are_none():
    assert read_columns({"a": [1], "b": [1, 2]}, None) is None
    assert read_columns({"a": 1}, None) is None
    assert read_columns({}, None) is None
    assert read_columns({"a": []}, 0) == Table(("a",), [])


@pytest.mark.parametrize("n_rows", [1, 3])
def test_labels_that_are_not_as_many_as_the_rows_are_the_order_of_classes(n_rows):
    body = {"prediction": [1] * n_rows, "labels": ["Risk", "No Risk"]}
    assert read_columns(body, n_rows) == Table(("prediction",), [[1]] * n_rows, ["Risk", "No Risk"])


@pytest.mark.parametrize("body", [{"labels": [0, 1]}, {"labels": [0, 1], "score": [0.2, 0.7]}])
def test_labels_that_are_as_many_as_the_rows_are_a_column(body):
    table = read_columns(body, 2)
    assert (table.columns, table.labels) == (tuple(body), None)


def test_a_row_of_another_kind_is_named_with_its_kind():
    with pytest.raises(EngineReplyError, match="Row 1 of the answer is null, the first one is an object"):
        read_rows([{"a": 1}, None], 2, "object", None)


def test_each_form_writes_a_row_in_its_own_way():
    table = Table(["a"], [[1]])
    assert row_values(table, "array") == [[1]]
    assert row_values(table, "features") == [{"features": [1]}]
    assert row_values(table, "data") == [{"data": {"features": {"values": [1]}}}]
    assert row_values(table, "value") == [1]


def test_a_single_value_needs_a_single_column():
    with pytest.raises(UnprocessableRequestError, match="makes 2") as caught:
        row_values(Table(["a", "b"], [[1, 2]]), "value")
    assert caught.value.target == "fields"


@pytest.mark.parametrize("value", [{"data": {"features": [1]}}, {"data": None}, {"features": [1]}, [1], 7])
def test_a_row_without_its_keys_is_refused_with_its_number(value):
    good = {"data": {"features": {"values": [1]}}}
    with pytest.raises(EngineReplyError, match=r"Row 1 .*data\.features\.values"):
        read_rows([good, value], 2, "data", ["a"])


def test_anything_is_the_only_cell_of_a_row_of_values():
    assert read_rows([[1, 2], {"b": 3}], 2, "value", ["a"]) == Table(("a",), [[[1, 2]], [{"b": 3}]])


def test_columns_stand_by_their_names_and_need_them():
    assert column_values(Table(["a", "b"], [[1, 2], [3, 4]])) == {"a": [1, 3], "b": [2, 4]}
    with pytest.raises(UnprocessableRequestError) as caught:
        column_values(Table(None, [[1]]))
    assert caught.value.target == "fields"
