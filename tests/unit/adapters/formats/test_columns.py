import pytest

from adapters.formats.columns import check_fields, check_n_rows, check_names, check_widths, named_table
from schemas.errors import EngineReplyError
from schemas.table import Table


@pytest.mark.parametrize(
    ("rows", "fields", "table"),
    [
        ([[1], [2]], None, Table(("prediction",), [[1], [2]])),
        ([[[1, 2]]], None, Table(("probability",), [[[1, 2]]])),
        ([[1, None]], None, Table(("probability",), [[[1, None]]])),
        ([["a", 1]], None, Table(("prediction", "c1"), [["a", 1]])),
        (
            [["a", 1, [2], [3], 4]],
            None,
            Table(("prediction", "c1", "probability", "c2", "c3"), [["a", 1, [2], [3], 4]]),
        ),
        ([[1, 2]], ["a", "b"], Table(("a", "b"), [[1, 2]])),
        ([[1, 2]], ["v"], Table(("v",), [[[1, 2]]])),
        ([[True, False]], None, Table(("prediction", "c1"), [[True, False]])),
        ([], None, Table(("prediction",), [])),
        ([], ["a", "b"], Table(("a", "b"), [])),
    ],
)
def test_nameless_columns_are_named(rows, fields, table):
    assert named_table(rows, fields) == table


@pytest.mark.parametrize(
    ("rows", "fields"),
    [([[]], None), ([["a", 1]], ["x"]), ([[1, 2]], ["x", "y", "z"]), ([["a", 1], ["b"]], None), ([[1], [2, 3]], ["x"])],
)
def test_rows_that_fit_no_names_are_refused(rows, fields):
    with pytest.raises(EngineReplyError):
        named_table(rows, fields)


def test_the_first_row_of_another_width_is_named():
    check_widths([[1, 2], [3, 4]], 2)
    check_widths([], 2)
    with pytest.raises(EngineReplyError, match="Row 1 of the answer has 1 cells, expected are 2"):
        check_widths([[1, 2], [3], [4]], 2)


def test_the_number_of_rows_is_checked_where_it_is_known():
    check_n_rows([[1]], None)
    check_n_rows([[1]], 1)
    with pytest.raises(EngineReplyError, match="1 rows to 2"):
        check_n_rows([[1]], 2)


def test_names_are_strings_or_integers_each_once():
    assert check_names(["a", 0]) == ["a", "0"]
    for names in (["a", "a"], [0, "0"], [None], [True], [1.5], [["a"]]):
        with pytest.raises(EngineReplyError):
            check_names(names)


def test_fields_are_names_each_once():
    check_fields(None)
    check_fields(("a", "b"))
    for fields in ((), ("a", "a")):
        with pytest.raises(ValueError, match="fields"):
            check_fields(fields)
