import json
import math
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import Body
from adapters.formats.rows import RowsSettings, plugin
from schemas.errors import EngineReplyError, UnprocessableRequestError
from schemas.table import Table


def encode(table, **options):
    return json.loads(plugin.build(RowsSettings(**options)).encode(table).content)


def decode(body, n_rows=None, **options):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return plugin.build(RowsSettings(**options)).decode(Body(content, "application/json"), n_rows)


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"])),
)


@given(
    st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(names, inner), max_leaves=10),
    st.integers(1, 3),
)
def test_any_json_is_read_or_refused(body, n_rows):
    try:
        table = decode(body, n_rows, at=["output", "predictions", ""])
    except EngineReplyError:
        return
    assert len(table.rows) == n_rows
    assert {len(row) for row in table.rows} == {len(table.columns)}


@given(st.binary())
def test_any_bytes_are_read_or_refused(content):
    with suppress(EngineReplyError):
        assert decode(content, 1)


def test_rows_are_written_as_objects_arrays_or_features():
    table = Table(["Age", "Job"], [[33, "clerk"], [51, None]])
    assert encode(table, at="input") == {"input": [{"Age": 33, "Job": "clerk"}, {"Age": 51, "Job": None}]}
    assert encode(table, at="instances", row="array") == {"instances": [[33, "clerk"], [51, None]]}
    assert encode(table, at="instances", row="features") == {
        "instances": [{"features": [33, "clerk"]}, {"features": [51, None]}]
    }
    assert encode(table, row="array") == [[33, "clerk"], [51, None]]


def test_of_several_places_the_first_is_written():
    assert encode(Table(["a"], [[1]]), at=["x.y", "z"]) == {"x": {"y": [{"a": 1}]}}


def test_constants_are_merged_into_the_body():
    constants = {"Inputs": {"other": []}, "GlobalParameters": {"method": "predict"}}
    assert encode(Table(["a"], [[1]]), at="Inputs.data", body_constants=constants) == {
        "Inputs": {"data": [{"a": 1}], "other": []},
        "GlobalParameters": {"method": "predict"},
    }


@pytest.mark.parametrize(
    "options",
    [
        {"at": "", "body_constants": {"a": 1}},
        {"at": "input", "body_constants": {"input": 1}},
        {"at": "input.data", "body_constants": {"input": {"data": []}}},
        {"at": "a..b"},
        {"at": "a[x]"},
        {"at": []},
        {"at": "a", "body_constants": {"x": object()}},
        {"fields": ("a", "a")},
    ],
)
def test_options_that_contradict_each_other_are_refused(options):
    with pytest.raises(ValueError, match="`"):
        plugin.build(RowsSettings(**options))


def test_objects_need_names():
    with pytest.raises(UnprocessableRequestError) as caught:
        encode(Table(None, [[1]]))
    assert caught.value.target == "fields"


@pytest.mark.parametrize("form", ["object", "array", "features"])
@pytest.mark.parametrize("cell", ["\ud800", 10**5000, object()], ids=["surrogate", "digits", "object"])
def test_a_cell_that_json_cant_carry_is_refused_with_its_place(cell, form):
    with pytest.raises(UnprocessableRequestError) as caught:
        encode(Table(["a", "b"], [[1, 2], [3, cell]]), row=form)
    assert caught.value.target == "values[1][1]"


def test_rows_are_not_changed_by_encoding():
    rows = [[1, [2, 3]], [4, {"a": 5}]]
    encode(Table(["a", "b"], rows))
    assert rows == [[1, [2, 3]], [4, {"a": 5}]]


def test_objects_with_other_orders_and_missing_keys_give_the_union_of_columns():
    body = {"output": [{"a": 1, "b": 2}, {"c": 3, "b": 4}, {"b": 5, "a": 6}]}
    rows = [[1, 2, None], [None, 4, 3], [6, 5, None]]
    assert decode(body, 3, at="output") == Table(("a", "b", "c"), rows, optional=True)


def test_scalars_are_the_prediction():
    assert decode(["No Risk", "Risk"], 2) == Table(("prediction",), [["No Risk"], ["Risk"]])
    assert decode([0, 1.5, None], 3, fields=["score"]) == Table(("score",), [[0], [1.5], [None]])


def test_lists_of_numbers_are_the_probability():
    assert decode([[0.9, 0.1], [0.2, 0.8]], 2) == Table(("probability",), [[[0.9, 0.1]], [[0.2, 0.8]]])
    assert decode([[0.9, 0.1]], 1, fields=["scores"]) == Table(("scores",), [[[0.9, 0.1]]])
    assert decode([[0.9, 0.1]], 1, fields=["no", "yes"]) == Table(("no", "yes"), [[0.9, 0.1]])
    assert decode([[0.3], [0.7]], 2) == Table(("prediction",), [[0.3], [0.7]])


def test_mixed_lists_are_columns_named_by_what_they_hold():
    assert decode([["No Risk", [0.9, 0.1], 7, [1]]], 1) == Table(
        ("prediction", "probability", "c1", "c2"), [["No Risk", [0.9, 0.1], 7, [1]]]
    )


def test_one_named_output_is_opened():
    body = {"Results": {"WebServiceOutput7": [{"Scored Labels": "Risk"}]}}
    assert decode(body, 1, at="Results") == Table(("Scored Labels",), [["Risk"]], optional=True)


def test_an_object_of_arrays_is_columns():
    body = {"outputs": {"classes": [1, 0], "scores": [[0.1, 0.9], [0.8, 0.2]]}}
    assert decode(body, 2, at=["predictions", "outputs"]) == Table(
        ("classes", "scores"), [[1, [0.1, 0.9]], [0, [0.8, 0.2]]]
    )


def test_a_lone_column_named_0_has_no_name():
    assert decode({"predictions": [{"0": 1}, {"0": 2}]}, 2, at="predictions") == Table(("prediction",), [[1], [2]])


def test_all_scores_of_a_row_become_columns_by_label():
    body = [
        [{"label": "POS", "score": 0.9}, {"label": "NEG", "score": 0.1}],
        [{"label": "NEG", "score": 0.8}, {"label": "POS", "score": 0.2}],
    ]
    assert decode(body, 2) == Table(("POS", "NEG"), [[0.9, 0.1], [0.2, 0.8]], optional=True)


def test_the_winner_in_an_array_of_its_own_is_a_label_and_its_score():
    body = [[{"label": "POS", "score": 0.9}], [{"label": "NEG", "score": 0.8}]]
    assert decode(body, 2) == Table(("label", "score"), [["POS", 0.9], ["NEG", 0.8]], optional=True)


@pytest.mark.parametrize("labels", [("POS", "POS"), (1, "1")])
def test_two_scores_for_one_label_are_refused(labels):
    body = [[{"label": "A", "score": 1.0}, {"label": "B", "score": 0.0}]]
    body.append([{"label": label, "score": 0.5} for label in labels])
    with pytest.raises(EngineReplyError, match=r"Row 1 .* two scores"):
        decode(body, 2)


def test_null_at_a_place_is_present_and_refused():
    with pytest.raises(EngineReplyError, match="null"):
        decode({"output": None, "data": [1]}, 1, at=["output", "data"])


@pytest.mark.parametrize(
    ("body", "at"),
    [
        ({"predictions": [1, 2], "labels": ["a", "b"]}, "predictions"),
        ({"Results": {"output": [1, 2], "labels": ["a", "b"]}, "labels": ["b", "a"]}, "Results.output"),
        ({"Results": {"output": [1, 2]}, "labels": ["a", "b"]}, "Results.output"),
        ({"Results": {"output": [1, 2], "labels": [["x"]]}, "labels": ["a", "b"]}, "Results.output"),
    ],
)
def test_labels_beside_the_rows_or_the_body_are_kept(body, at):
    assert decode(body, 2, at=at).labels == ["a", "b"]


@pytest.mark.parametrize("labels", [None, "a", [], [["a"]], {"a": 1}])
def test_other_labels_are_none(labels):
    assert decode({"predictions": [1], "labels": labels}, 1, at="predictions").labels is None


@pytest.mark.parametrize(
    ("body", "n_rows"),
    [([1, 2], 3), ([{"a": 1}], 2), ([[1]], 2), ([], 1), ({"a": [1, 2]}, 3), ([1], 0)],
)
def test_another_number_of_rows_is_refused(body, n_rows):
    with pytest.raises(EngineReplyError, match="rows to"):
        decode(body, n_rows)


def test_no_rows_are_read_where_none_are_expected():
    assert decode([], 0) == Table(("prediction",), [])


@pytest.mark.parametrize(
    "body",
    [
        [{"a": 1}, [1]],
        [[1], {"a": 1}],
        [1, [2]],
        [[1], 2],
        [[1, "x"], [1]],
        [[]],
        [{}],
        {"a": [1], "b": [1, 2]},
        7,
        None,
        {},
    ],
)
def test_rows_of_different_kinds_are_refused(body):
    with pytest.raises(EngineReplyError):
        decode(body, None)


def test_an_answer_without_the_place_names_the_place():
    with pytest.raises(EngineReplyError, match=r"`Results\.x\[0\]`") as caught:
        decode({"Results": {"y": []}, "error": "secret 4711"}, 1, at="Results.x[0]")
    assert "4711" not in caught.value.message
    assert caught.value.engine_message == "secret 4711"


def test_features_are_read_from_their_key():
    body = {"instances": [{"features": [1, 2]}, {"features": [3, 4]}]}
    assert decode(body, 2, at="instances", row="features", fields=["a", "b"]) == Table(("a", "b"), [[1, 2], [3, 4]])
    with pytest.raises(EngineReplyError, match="Row 1"):
        decode([{"features": [1]}, {"data": [1]}], 2, row="features")


def test_numbers_beyond_64_bits_stay_integers_and_floats_stay_exact():
    row = decode(
        b'[{"a":9223372036854775808,"b":-9223372036854775809,"c":123456789012345678901234567890,"d":0.1}]', 1
    ).rows
    assert row == [[2**63, -(2**63) - 1, 123456789012345678901234567890, 0.1]]
    assert [type(cell) for cell in row[0]] == [int, int, int, float]


def test_nan_is_read_as_null_and_never_written():
    assert decode(b'{"predictions": [NaN, -Infinity, 0.5]}', 3, at="predictions").rows == [[None], [None], [0.5]]
    assert encode(Table(["a"], [[math.nan]])) == [{"a": None}]


def test_options_are_read_from_plain_data():
    settings = msgspec.convert({"at": ["a", ""], "row": "array", "fields": ["x"]}, RowsSettings)
    assert plugin.build(settings).encode(Table(["x"], [(1,)])).content == b'{"a":[[1]]}'


@pytest.mark.parametrize(
    "body",
    [
        {"output": [{"error": "secret 4711"}]},
        {"output": [{"a": 1}, {"message": "secret 4711"}]},
        {"output": {"error": ["secret 4711"]}},
        {"output": {"error": "secret 4711"}},
        {"output": "secret 4711"},
        {"output": None, "error": "secret 4711", "status": 500},
    ],
)
def test_an_error_where_rows_were_expected_is_for_the_caller_alone(body):
    with pytest.raises(EngineReplyError) as caught:
        decode(body, None, at=["output", ""])
    assert "4711" not in caught.value.message
    assert "secret 4711" in caught.value.engine_message
