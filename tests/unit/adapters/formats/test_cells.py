import pytest

from adapters.formats.cells import json_rows, named_columns, refused_cell, unwritable
from schemas.errors import UnprocessableRequestError
from schemas.table import Table


def nested(depth):
    cell = []
    for _ in range(depth):
        cell = [cell]
    return cell


def test_a_refusal_names_the_cell_and_not_its_value():
    error = refused_cell(17, 3, "is an array")
    assert (error.target, error.message) == ("values[17][3]", "The cell is an array.")


def test_rows_are_written_as_json():
    assert json_rows([[1, "é"], (None, [0.5])]) == '[[1,"é"],[null,[0.5]]]'.encode()


def test_a_cell_nested_beyond_any_use_is_refused():
    with pytest.raises(UnprocessableRequestError) as caught:
        json_rows([[1, nested(100_000)]])
    assert caught.value.target == "values[0][1]"


def test_rows_whose_cells_are_all_writable_alone_are_refused_as_a_whole():
    assert unwritable([[1]]).target == "values"


def test_columns_without_names_are_refused_where_names_are_needed():
    assert named_columns(Table(["a"], []), "objects") == ["a"]
    with pytest.raises(UnprocessableRequestError, match="takes objects") as caught:
        named_columns(Table(None, []), "objects")
    assert caught.value.target == "fields"
