import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.formats.text_cells import as_number, as_text, converted, converters, text_rows
from schemas.errors import UnprocessableRequestError
from schemas.table import Table


@given(st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False)))
def test_a_number_written_as_text_is_read_as_the_same_number(number):
    back = as_number(as_text(number, 0, 0))
    assert back == number
    assert type(back) is type(number)


@given(st.text())
def test_any_text_is_a_finite_number_or_nothing_or_stays(text):
    cell = as_number(text)
    assert cell is None or cell is text or (type(cell) in (int, float) and math.isfinite(cell))


@pytest.mark.parametrize(
    "text", ["007", "+1", "1_0", "0x1", "\u0661", "1 2", "--1", "1e", ".", "-", "1,5", "9" * 5000, "true", "null"]
)
def test_what_only_resembles_a_number_stays_text(text):
    assert as_number(text) == text


@pytest.mark.parametrize("text", ["", " ", "nan", "NaN", "-inf", "Infinity", "1e999"])
def test_what_says_that_there_is_no_number_is_none(text):
    assert as_number(text) is None


def test_cells_are_written_as_text_and_null_stays_null():
    assert text_rows([(1, 0.1, True, False, None, "x", math.nan)]) == [["1", "0.1", "true", "false", None, "x", None]]


@pytest.mark.parametrize("cell", [[1], {"a": 1}, 10**5000], ids=["array", "object", "digits"])
def test_a_cell_without_a_text_is_refused_with_its_place(cell):
    with pytest.raises(UnprocessableRequestError) as caught:
        text_rows([["a"], [cell]])
    assert caught.value.target == "values[1][0]"


@pytest.mark.parametrize(
    ("kind", "text", "cell"),
    [
        ("Int32", "7", 7),
        ("Int64", "9007199254740993", 9007199254740993),
        ("UInt8", "7.0", 7.0),
        ("Double", "7", 7.0),
        ("System.Single", "9.5E-06", 9.5e-06),
        ("Decimal", "x", "x"),
        ("Double", "9007199254740993", 9007199254740993),
        ("Boolean", "TRUE", True),
        ("Boolean", "2", "2"),
        ("String", "007", "007"),
        ("DateTime", "1", "1"),
        (None, "1", "1"),
    ],
)
def test_strings_are_converted_by_the_names_of_types(kind, text, cell):
    (convert,) = converters([kind])
    assert convert(text) == cell
    assert type(convert(text)) is type(cell)


def test_strings_of_chosen_columns_are_read_and_all_else_stays():
    table = Table(
        ("a", "b", "c", "d"), [["3.5", "True", '{"n": [1]}', "3"], ["x", "maybe", "{", None], [7, None, [], 1]]
    )
    read = converted(table, {"a": "number", "b": "boolean", "c": "json", "gone": "number"})
    assert read.rows == [[3.5, True, {"n": [1]}, "3"], ["x", "maybe", "{", None], [7, None, [], 1]]
    assert read.columns == table.columns
    assert table.rows[0][0] == "3.5"


def test_a_table_without_these_columns_is_the_same_table():
    table = Table(("a",), [["1"]])
    assert converted(table, {"b": "number"}) is table
