import pytest

from adapters.base.native import read_native
from adapters.engines.open_inference.native import Native, TensorMetadata
from schemas.deployment import Endpoint


def test_what_is_written_is_read_again():
    native = Native(model="credit", version="2", inputs=[TensorMetadata(name="x", datatype="FP32", shape=[-1, 7])])
    assert read_native(Endpoint(name="credit", native=native.as_json()), Native, "Model credit") == native


@pytest.mark.parametrize(
    ("native", "path"),
    [
        (Native(model="credit"), "/v2/models/credit"),
        (Native(model="credit", version="2"), "/v2/models/credit/versions/2"),
        (Native(model="a/b c", version="1/2"), "/v2/models/a%2Fb%20c/versions/1%2F2"),
    ],
)
def test_names_are_single_segments_of_the_path(native, path):
    assert native.path == path
