import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import Body
from adapters.formats.table import TableSettings, plugin
from schemas.errors import EngineReplyError, UnprocessableRequestError
from schemas.table import Table


def encode(table, **options):
    return json.loads(plugin.build(TableSettings(**options)).encode(table).content)


def decode(body, n_rows=None, **options):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return plugin.build(TableSettings(**options)).decode(Body(content, "application/json"), n_rows)


texts = st.text(st.characters(exclude_categories=["Cs"]))
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), texts)


@given(
    st.recursive(
        scalars,
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["fields", "values"]), inner),
        max_leaves=10,
    )
)
def test_any_json_is_read_or_refused(body):
    try:
        table = decode(body, 1)
    except EngineReplyError:
        return
    assert len(table.rows) == 1
    assert len(table.rows[0]) == len(table.columns)


def test_columns_and_rows_stand_under_their_keys():
    table = Table(["Age", "LOR ", "$N-Risk"], [[33, "clerk", None]])
    assert encode(table) == {"fields": ["Age", "LOR ", "$N-Risk"], "values": [[33, "clerk", None]]}
    assert encode(table, at="dataframe_split", columns="columns", rows="data", body_constants={"params": {}}) == {
        "dataframe_split": {"columns": ["Age", "LOR ", "$N-Risk"], "data": [[33, "clerk", None]]},
        "params": {},
    }


def test_labels_beside_the_rows_or_the_body_are_kept():
    rows = {"fields": ["prediction"], "values": [[1]]}
    assert decode(rows | {"labels": ["a", "b"]}, 1).labels == ["a", "b"]
    assert decode({"predictions": [rows], "labels": ["a", "b"]}, 1, at="predictions[0]").labels == ["a", "b"]
    assert decode(rows, 1).labels is None
    assert decode({"values": [[[0.1, 0.9]]], "labels": ["a", "b"]}, 1).labels == ["a", "b"]


def test_constants_may_stand_beside_columns_and_rows():
    body = encode(Table(["a"], [[1]]), at="d", body_constants={"d": {"index": [0]}})
    assert body == {"d": {"fields": ["a"], "values": [[1]], "index": [0]}}


def test_images_are_written_without_names():
    assert encode(Table(None, [[[[0, 0, 255]]]])) == {"values": [[[[0, 0, 255]]]]}


def test_text_cells_are_strings_and_null_stays_null():
    table = Table(["a", "b", "c", "d", "e", "f"], [[7, 1e-06, True, None, "x", 2**60]])
    assert encode(table, cells="text")["values"] == [["7", "1e-06", "true", None, "x", "1152921504606846976"]]


def test_text_cells_stay_text_when_they_are_read():
    body = {"fields": ["a", "b", "c", "d", "e"], "values": [["7", "1e-06", "true", None, "007"]]}
    assert decode(body, 1, cells="text").rows == body["values"]
    assert decode(body, 1).rows == body["values"]


def test_a_vector_is_refused_where_cells_are_text():
    with pytest.raises(UnprocessableRequestError) as caught:
        encode(Table(["a"], [[1], [[2]]]), cells="text")
    assert caught.value.target == "values[1][0]"


def test_a_cell_that_json_cant_carry_is_refused_with_its_place():
    with pytest.raises(UnprocessableRequestError) as caught:
        encode(Table(["a", "b"], [[1, "\ud800"]]))
    assert caught.value.target == "values[0][1]"


def test_strings_are_converted_by_the_types_beside_them():
    body = {
        "fields": ["W", "p", "ok", "zip", "label", "n"],
        "ColumnTypes": ["Int32", "System.Double", "Boolean", "String", "Categorical", "Nullable"],
        "values": [["7", "9.1E-02", "True", "007", "L", None], ["", "NaN", "no", "1", "1", "2"]],
    }
    assert decode(body, 2, types="ColumnTypes").rows == [
        [7, 0.091, True, "007", "L", None],
        [None, None, "no", "1", "1", "2"],
    ]
    assert decode(body, 2).rows == body["values"]


def test_types_that_do_not_fit_the_columns_are_ignored():
    body = {"fields": ["a"], "values": [["1"]], "ColumnTypes": ["Int32", "Int32"]}
    assert decode(body, 1, types="ColumnTypes").rows == [["1"]]


def test_the_first_place_that_holds_rows_is_read():
    at = ["", "predictions[0]", "output"]
    assert decode({"fields": ["a"], "values": [[1]]}, 1, at=at).rows == [[1]]
    assert decode({"predictions": [{"fields": ["a"], "values": [[1]]}]}, 1, at=at).rows == [[1]]
    assert decode({"output": {"fields": ["a"], "values": [[1]]}}, 1, at=at).rows == [[1]]


def test_a_single_row_may_come_flat():
    assert decode({"fields": ["a", "b"], "values": [1, 2]}, 1) == Table(("a", "b"), [[1, 2]])
    with pytest.raises(EngineReplyError):
        decode({"fields": ["a", "b"], "values": [1, 2]}, 2)


ONE = {"fields": ["a"], "values": [[1]]}


@pytest.mark.parametrize("further", [ONE, {"values": [[2]]}, {"fields": ["a"], "values": [3]}])
def test_further_rows_of_the_same_table_than_were_asked_for_are_refused(further):
    with pytest.raises(EngineReplyError, match=r"goes on with `values` behind `predictions\[0\]`"):
        decode({"predictions": [ONE, {}, further]}, 1, at="predictions[0]")


@pytest.mark.parametrize("further", [{"fields": ["b"], "values": [[2]]}, {"fields": ["a"], "values": []}, {"id": 7}, 7])
def test_other_outputs_and_what_is_no_table_may_follow(further):
    body = {"predictions": [ONE, further]}
    assert decode(body, 1, at="predictions[0]") == Table(("a",), [[1]])
    assert decode({"predictions": [further, ONE]}, 1, at="predictions[1]") == Table(("a",), [[1]])


def test_rows_without_names_are_named():
    assert decode({"values": [[1], [2]]}, 2) == Table(("prediction",), [[1], [2]])
    assert decode({"values": [[1, 2]]}, 1, fields=["a", "b"]) == Table(("a", "b"), [[1, 2]])


def test_integer_names_are_read_as_text():
    assert decode({"fields": [0, 1], "values": [[1, 2]]}, 1).columns == ("0", "1")


@pytest.mark.parametrize(
    "body",
    [
        {"fields": ["a", "a"], "values": [[1, 2]]},
        {"fields": ["a"], "values": [[1, 2]]},
        {"fields": ["a"], "values": [[1], [2]]},
        {"fields": ["a"], "values": []},
        {"fields": ["a"], "values": 7},
        {"fields": "a", "values": [[1]]},
        {"fields": [None], "values": [[1]]},
        {"fields": ["a"]},
        [[1]],
        None,
    ],
)
def test_an_answer_that_is_no_table_of_one_row_is_refused(body):
    with pytest.raises(EngineReplyError):
        decode(body, 1)


def test_an_error_in_an_answer_is_for_the_caller_alone():
    with pytest.raises(EngineReplyError) as caught:
        decode({"error": {"code": "BadArgument", "message": "secret 4711"}}, 1)
    assert "4711" not in caught.value.message
    assert "4711" in caught.value.engine_message


def test_columns_and_rows_need_keys_of_their_own():
    with pytest.raises(ValueError, match="same key"):
        plugin.build(TableSettings(columns="x", rows="x"))
