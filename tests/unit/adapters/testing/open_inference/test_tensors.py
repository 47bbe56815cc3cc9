import json

import pytest

from adapters.testing.open_inference import BadTensorError, Tensor, TensorType
from adapters.testing.open_inference.tensors import checked_inputs, read_request, wanted_outputs

DECLARED = [TensorType("a", "INT64", (-1, 1)), TensorType("b", "BYTES", (-1,))]
A = {"name": "a", "datatype": "INT64", "shape": [2, 1], "data": [1, 2]}
B = {"name": "b", "datatype": "BYTES", "shape": [2], "data": ["x", "y"]}


def checked(*inputs):
    return checked_inputs(read_request(json.dumps({"inputs": inputs}).encode()), DECLARED)


@pytest.mark.parametrize("data", [[1, 2], [[1], [2]]])
def test_data_may_be_flat_or_nested(data):
    assert checked(A | {"data": data}, B)["a"].rows == [[1], [2]]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([A], "Expected are the inputs a, b"),
        ([A, B, A], "Expected are the inputs"),
        ([A, B | {"name": "c"}], "Expected are the inputs"),
        ([A | {"datatype": "INT32"}, B], "a has to be INT64"),
        ([A | {"shape": [2]}, B], "a has to have the shape"),
        ([A | {"shape": [1, 2]}, B], "a has to have the shape"),
        ([A | {"data": [1]}, B], "other data than its shape"),
        ([A | {"data": [1, "x"]}, B], "not INT64"),
        ([A | {"data": [1, 2.5]}, B], "not INT64"),
        ([A | {"data": [1, True]}, B], "not INT64"),
        ([A | {"data": [1, None]}, B], "not INT64"),
        ([A, B | {"shape": [1], "data": ["x"]}], "different numbers of rows"),
    ],
)
def test_what_does_not_fit_the_metadata_is_refused(inputs, message):
    with pytest.raises(BadTensorError, match=message):
        checked(*inputs)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"inputs": {}}', b'{"inputs": [{"name": "a"}]}', b"\xff"])
def test_what_is_no_request_is_refused(body):
    with pytest.raises(BadTensorError, match="not an inference request"):
        read_request(body)


def test_outputs_are_those_that_were_asked_for():
    outputs = [Tensor("y", "INT64", [1], [1]), Tensor("z", "INT64", [1], [2])]
    assert [item["name"] for item in wanted_outputs(read_request(b'{"inputs": []}'), outputs)] == ["y", "z"]
    one = read_request(b'{"inputs": [], "outputs": [{"name": "z"}]}')
    assert wanted_outputs(one, outputs) == [{"name": "z", "datatype": "INT64", "shape": [1], "data": [2]}]
    with pytest.raises(BadTensorError, match="outputs y, z"):
        wanted_outputs(read_request(b'{"inputs": [], "outputs": [{"name": "q"}]}'), outputs)
