import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import Body
from adapters.formats.tensors import TensorsSettings, plugin
from schemas.errors import EngineReplyError, UnprocessableRequestError
from schemas.table import Table


def encode(table, **options):
    return json.loads(plugin.build(TensorsSettings(**options)).encode(table).content)


def decode(body, n_rows=None, **options):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return plugin.build(TensorsSettings(**options)).decode(Body(content, "application/json"), n_rows)


def outputs(*tensors):
    return {
        "model_name": "loan",
        "outputs": [dict(zip(("name", "shape", "datatype", "data"), t, strict=True)) for t in tensors],
    }


texts = st.text(st.characters(exclude_categories=["Cs"]))
floats = st.floats(allow_nan=False, allow_infinity=False)
kinds = st.sampled_from(
    [st.booleans(), st.integers(-(2**63), 2**63 - 1), floats, texts, st.lists(floats, min_size=2, max_size=2)]
)


@st.composite
def tables(draw):
    columns = draw(st.lists(texts, min_size=1, max_size=4, unique=True))
    n_rows = draw(st.integers(1, 4))
    by_column = [draw(st.lists(draw(kinds), min_size=n_rows, max_size=n_rows)) for _ in columns]
    return Table(tuple(columns), [list(row) for row in zip(*by_column, strict=True)])


@given(tables(), st.sampled_from([1, 2]))
def test_columns_come_back_as_they_were(table, rank):
    content = plugin.build(TensorsSettings(rank=rank)).encode(table).content
    assert decode(content, len(table.rows)) == table


@given(st.lists(st.lists(floats, min_size=3, max_size=3), min_size=1, max_size=4))
def test_one_tensor_for_all_columns_comes_back_as_it_was(rows):
    content = plugin.build(TensorsSettings(tensor="x")).encode(Table(("a", "b", "c"), rows)).content
    assert decode(content, len(rows), fields=("a", "b", "c")) == Table(("a", "b", "c"), rows)


@given(
    st.recursive(
        st.one_of(st.integers(-1, 4), texts, st.none()),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["outputs", "name", "shape", "data"]), inner),
    )
)
def test_any_json_is_read_or_refused(body):
    for answer in (body, {"outputs": body}, {"outputs": [{"name": "a", "shape": body, "data": body}]}):
        with suppress(EngineReplyError):
            assert len(decode(answer, 1).rows) == 1


def test_one_tensor_is_written_for_each_column():
    body = encode(Table(["Age", "Job"], [[33, "clerk"], [40, "cook"]]), outputs=("label",))
    assert body == {
        "inputs": [
            {"name": "Age", "shape": [2, 1], "datatype": "INT64", "data": [33, 40]},
            {"name": "Job", "shape": [2, 1], "datatype": "BYTES", "data": ["clerk", "cook"]},
        ],
        "outputs": [{"name": "label"}],
    }


def test_one_tensor_is_written_for_all_columns():
    assert encode(Table(["a", "b"], [(1, 2.5), (3, 4)]), tensor="x", datatypes={"x": "FP32"}) == {
        "inputs": [{"name": "x", "shape": [2, 2], "datatype": "FP32", "data": [1, 2.5, 3, 4]}]
    }


def test_images_need_no_names():
    assert encode(Table(None, [[[[0, 0, 255]]]]), tensor="image")["inputs"] == [
        {"name": "image", "shape": [1, 1, 1, 3], "datatype": "INT64", "data": [0, 0, 255]}
    ]


def test_rank_parameters_and_constants_are_written():
    body = encode(
        Table(["Job"], [["cook"]]),
        rank=1,
        parameters={"Job": {"content_type": "str"}},
        body_constants={"parameters": {"content_type": "pd"}},
    )
    assert body == {
        "inputs": [
            {"name": "Job", "shape": [1], "datatype": "BYTES", "data": ["cook"], "parameters": {"content_type": "str"}}
        ],
        "parameters": {"content_type": "pd"},
    }


def test_columns_may_differ_in_their_rank():
    inputs = encode(Table(["Age", "Job"], [[33, "cook"]]), rank=1, ranks={"Age": 2})["inputs"]
    assert [tensor["shape"] for tensor in inputs] == [[1, 1], [1]]


def test_whole_floats_fit_integer_types():
    data = encode(Table(["a"], [[3.0], [4]]), datatypes={"a": "INT32"})["inputs"][0]["data"]
    assert data == [3, 4]
    assert [type(cell) for cell in data] == [int, int]


def test_vectors_are_one_more_dimension():
    assert encode(Table(["v"], [[[1.5, 2.5]], [[3.5, 4.5]]]))["inputs"] == [
        {"name": "v", "shape": [2, 2], "datatype": "FP64", "data": [1.5, 2.5, 3.5, 4.5]}
    ]


@pytest.mark.parametrize(
    ("cell", "datatype"),
    [
        (None, "FP64"),
        (None, "BYTES"),
        ("1", "INT64"),
        (1.5, "INT64"),
        (True, "INT64"),
        (True, "FP32"),
        (300, "UINT8"),
        (-1, "UINT64"),
        (2**63, "INT64"),
        (1, "BOOL"),
        (1, "BYTES"),
        ({"a": 1}, "BYTES"),
        (float("nan"), "FP64"),
    ],
)
def test_a_cell_that_does_not_fit_is_refused_with_its_place(cell, datatype):
    fitting = {"BOOL": True, "BYTES": "x"}.get(datatype, 1)
    with pytest.raises(UnprocessableRequestError, match=datatype) as caught:
        encode(Table(["a", "b"], [[0, fitting], [0, cell]]), datatypes={"b": datatype})
    assert caught.value.target == "values[1][1]"


def test_a_cell_of_one_tensor_for_all_is_refused_with_its_place():
    with pytest.raises(UnprocessableRequestError) as caught:
        encode(Table(["a", "b"], [[1, 2], [3, "x"]]), tensor="x")
    assert caught.value.target == "values[1][1]"


@pytest.mark.parametrize("rows", [[[[1, 2]], [[3]]], [[[1]], [2]], [[1], [[2]]], [[[1, [2]]], [[3, 4]]]])
def test_arrays_of_different_shapes_are_refused(rows):
    with pytest.raises(UnprocessableRequestError, match="shape"):
        encode(Table(["a"], rows))


@pytest.mark.parametrize("rows", [[[[]], [[]]], [[[1]], [[]]], [[[[], []]]]])
def test_empty_arrays_are_refused(rows):
    with pytest.raises(UnprocessableRequestError, match="empty array") as caught:
        encode(Table(["a"], rows))
    assert caught.value.target == f"values[{len(rows) - 1 if rows[0] == [[1]] else 0}][0]"


def test_columns_need_names():
    with pytest.raises(UnprocessableRequestError) as caught:
        encode(Table(None, [[1]]))
    assert caught.value.target == "fields"


def test_no_rows_are_written_as_empty_tensors():
    assert encode(Table(["a"], []))["inputs"] == [{"name": "a", "shape": [0, 1], "datatype": "FP64", "data": []}]


def test_outputs_are_reshaped():
    body = outputs(
        ("label", [2], "BYTES", ["No Risk", "Risk"]),
        ("score", [2, 1], "FP32", [0.1, 0.8]),
        ("probabilities", [2, 2], "FP32", [0.9, 0.1, 0.2, 0.8]),
        ("deep", [2, 1, 2], "INT64", [1, 2, 3, 4]),
    )
    assert decode(body, 2) == Table(
        ("label", "score", "probabilities", "deep"),
        [["No Risk", 0.1, [0.9, 0.1], [[1, 2]]], ["Risk", 0.8, [0.2, 0.8], [[3, 4]]]],
    )


def test_nested_data_is_read_as_flat_data_is():
    assert decode(outputs(("p", [2, 2], "FP32", [[0.9, 0.1], [0.2, 0.8]])), 2).rows == [[[0.9, 0.1]], [[0.2, 0.8]]]
    assert decode(outputs(("p", [2, 1], "FP32", [[0.9], [0.2]])), 2).rows == [[0.9], [0.2]]


def test_nan_is_read_as_null():
    assert decode(b'{"outputs":[{"name":"p","shape":[1],"datatype":"FP32","data":[NaN]}]}', 1).rows == [[None]]


@pytest.mark.parametrize(
    "body",
    [
        outputs(("a", [3], "INT64", [1, 2, 3])),
        outputs(("a", [2], "INT64", [1])),
        outputs(("a", [2, 2], "INT64", [1, 2, 3])),
        outputs(("a", [], "INT64", [1])),
        outputs(("a", [2, 0], "INT64", [])),
        outputs(("a", [-1], "INT64", [1, 2])),
        outputs(("a", None, "INT64", [1, 2])),
        outputs(("a", [2], "INT64", None)),
        outputs((None, [2], "INT64", [1, 2])),
        outputs(("a", [2], "INT64", [1, 2]), ("a", [2], "INT64", [1, 2])),
        {"outputs": []},
        {"model_name": "loan"},
        [1, 2],
    ],
)
def test_outputs_that_are_not_two_rows_are_refused(body):
    with pytest.raises(EngineReplyError):
        decode(body, 2)


def test_outputs_with_different_numbers_of_rows_are_refused():
    body = outputs(("a", [2], "INT64", [1, 2]), ("b", [1], "INT64", [1]))
    with pytest.raises(EngineReplyError, match="different numbers"):
        decode(body, None)


def test_a_request_is_read_from_its_inputs_whatever_outputs_it_asks_for():
    table = Table(("Age", "Job"), [[33, "clerk"], [40, "cook"]])
    assert decode(encode(table, outputs=("label",)), None) == table


def test_an_answer_that_repeats_its_inputs_is_read_from_its_outputs():
    inputs = [{"name": "Age", "shape": [1, 1], "datatype": "INT64", "data": [33]}]
    outputs = [{"name": "label", "shape": [1], "datatype": "BYTES", "data": ["Risk"]}]
    assert decode({"model_name": "m", "inputs": inputs, "outputs": outputs}, 1) == Table(("label",), [["Risk"]])


def test_an_error_is_for_the_caller_alone():
    with pytest.raises(EngineReplyError) as caught:
        decode({"error": "secret 4711"}, 1)
    assert "4711" not in caught.value.message
    assert caught.value.engine_message == "secret 4711"


@pytest.mark.parametrize("options", [{"datatypes": {"a": "FLOAT"}}, {"body_constants": {"inputs": []}}, {"fields": ()}])
def test_options_that_contradict_each_other_are_refused(options):
    with pytest.raises(ValueError, match="`"):
        plugin.build(TensorsSettings(**options))
