import json

import pytest

from adapters.testing.azure_studio import BadArgumentError, Scored
from adapters.testing.azure_studio.wire import error_document, objects, read_rows, table

SCORED = Scored(["a", "b"], ["Int32", "String"], [["1", "x"], ["2", None]])


def inputs(value):
    return json.dumps({"Inputs": {"input1": value}, "GlobalParameters": {}}).encode()


def test_both_styles_are_read_and_all_cells_are_texts():
    rows = [{"a": "1", "b": None}, {"a": "2.5", "b": "x"}]
    as_table = inputs({"ColumnNames": ["b", "a"], "Values": [[None, 1], ["x", "2.5"]]})
    as_objects = inputs([{"a": 1, "b": None}, {"a": 2.5, "b": "x"}])
    assert read_rows(as_table, ["a", "b"], swagger=False) == rows
    assert read_rows(as_objects, ["a", "b"], swagger=True) == rows


@pytest.mark.parametrize(
    ("body", "swagger"),
    [
        (b"no JSON", False),
        (b"[]", False),
        (b'{"Inputs": {}}', False),
        (inputs([]), False),
        (inputs({"ColumnNames": ["a", "b"]}), False),
        (inputs({"ColumnNames": ["a", "b"], "Values": [["1"]]}), False),
        (inputs({"ColumnNames": ["a"], "Values": [["1"]]}), False),
        (inputs({"ColumnNames": ["a", "b", "c"], "Values": [["1", "2", "3"]]}), False),
        (inputs({"ColumnNames": [], "Values": []}), True),
        (inputs([1]), True),
        (inputs([{"a": "1"}]), True),
    ],
)
def test_what_does_not_fit_is_a_bad_argument(body, swagger):
    with pytest.raises(BadArgumentError):
        read_rows(body, ["a", "b"], swagger=swagger)


def test_types_come_with_details_alone():
    value = {"ColumnNames": ["a", "b"], "Values": [["1", "x"], ["2", None]]}
    assert table(SCORED, details=False) == {"type": "table", "value": value}
    assert table(SCORED, details=True)["value"]["ColumnTypes"] == ["Int32", "String"]


def test_rows_style_repeats_the_names():
    assert objects(SCORED) == [{"a": "1", "b": "x"}, {"a": "2", "b": None}]


def test_an_error_may_have_details():
    assert error_document("C", "m")["error"]["details"] == []
    assert error_document("C", "m", "d")["error"]["details"] == [{"code": "C", "message": "d"}]
