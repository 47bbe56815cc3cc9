import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base.limits import LimitSettings
from adapters.engines.open_inference.metadata import NO_METADATA, endpoint_of, read_metadata
from adapters.engines.open_inference.settings import OpenInferenceEndpointSettings
from adapters.formats.datatypes import DATATYPES
from adapters.formats.tensors import TensorsSettings, plugin
from schemas.deployment import Limits

NOTHING = OpenInferenceEndpointSettings()


def described(*inputs, settings=NOTHING, versions=("1",)):
    tensors = [dict(zip(("name", "datatype", "shape"), tensor, strict=True)) for tensor in inputs]
    body = {"name": "credit", "versions": list(versions), "platform": "sklearn", "inputs": tensors, "outputs": []}
    metadata = read_metadata(json.dumps(body).encode())
    assert metadata is not None
    return endpoint_of("credit", settings, metadata, "http://models:8000")


def test_several_inputs_are_columns_each_with_its_datatype_and_rank():
    endpoint = described(("Age", "INT64", [-1, 1]), ("Job", "BYTES", [-1]), ("image", "FP32", [-1, 28, 28]))
    assert endpoint.columns == ("Age", "Job", "image")
    assert endpoint.request_options == {
        "tensors": {
            "datatypes": {"Age": "INT64", "Job": "BYTES", "image": "FP32"},
            "ranks": {"Age": 2, "Job": 1},
        }
    }


@pytest.mark.parametrize("width", [7, -1])
def test_a_single_input_of_two_dimensions_takes_all_columns(width):
    endpoint = described(("x", "FP32", [-1, width]))
    assert endpoint.columns is None
    assert endpoint.request_options == {"tensors": {"datatypes": {"x": "FP32"}, "tensor": "x"}}


@pytest.mark.parametrize(("shape", "ranks"), [([-1], {"text": 1}), ([-1, 1], {"text": 2}), ([-1, 3, 3], {}), ([], {})])
def test_any_other_single_input_is_a_column(shape, ranks):
    endpoint = described(("text", "BYTES", shape))
    assert endpoint.columns == ("text",)
    assert endpoint.request_options == {"tensors": {"datatypes": {"text": "BYTES"}, "ranks": ranks}}


def test_a_datatype_that_the_protocol_does_not_know_is_left_to_the_values():
    assert described(("x", "TYPE_FP32", [-1]), ("y", "FP64", [-1])).request_options["tensors"]["datatypes"] == {
        "y": "FP64"
    }


@pytest.mark.parametrize("datatype", DATATYPES)
def test_options_are_those_of_the_codec(datatype):
    endpoint = described(("x", datatype, [-1]), ("y", datatype, [-1, 1]))
    options = TensorsSettings(**endpoint.request_options["tensors"])
    assert options.datatypes == {"x": datatype, "y": datatype}


def test_without_inputs_nothing_is_said_about_requests():
    for endpoint in (described(), endpoint_of("credit", NOTHING, NO_METADATA, "http://models:8000")):
        assert endpoint.columns is None
        assert endpoint.request_options == {}


def test_the_asset_is_the_model_with_its_version_where_only_one_can_answer():
    asset = described(("x", "FP32", [-1])).asset
    assert (asset.id, asset.name, asset.revision) == ("credit", "credit", "1")
    assert asset.url == "http://models:8000/v2/models/credit"
    assert described(("x", "FP32", [-1]), versions=("1", "2")).asset.revision is None


def test_the_configuration_chooses_model_version_and_limits():
    settings = OpenInferenceEndpointSettings(
        model="my model", version="2", limits=LimitSettings(max_rows=5, max_parallel=2)
    )
    endpoint = described(("x", "FP32", [-1]), settings=settings, versions=("1", "2"))
    assert endpoint.name == "credit"
    assert endpoint.limits == Limits(max_rows=5, max_parallel=2)
    assert (endpoint.asset.id, endpoint.asset.name, endpoint.asset.revision) == ("my%20model", "my model", "2")
    assert endpoint.native["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1]}]


@pytest.mark.parametrize(("configured", "left"), [(1000, 960), (40, 1)])
def test_the_id_of_a_request_has_room_in_its_limit(configured, left):
    endpoint = described(settings=OpenInferenceEndpointSettings(limits=LimitSettings(max_bytes=configured)))
    assert endpoint.limits == Limits(max_bytes=left)


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b'{"inputs": [1]}', b"[" * 10_000, b"\xff"])
def test_what_is_no_metadata_is_none(body):
    assert read_metadata(body) is None


def test_members_may_be_missing_or_null():
    assert read_metadata(b"{}") == read_metadata(b'{"versions": null, "inputs": null}') == NO_METADATA


texts = st.text(max_size=5) | st.sampled_from(DATATYPES)
shapes = st.lists(st.integers(-1, 5), max_size=4)


@given(st.lists(st.tuples(texts, texts, shapes), max_size=4))
def test_whatever_the_metadata_says_the_codec_can_be_built(inputs):
    endpoint = described(*inputs)
    plugin.build(TensorsSettings(**endpoint.request_options.get("tensors", {})))
    assert endpoint.columns is None or len(endpoint.columns) == len(inputs)
