import msgspec
import pytest

from adapters.engines.open_inference.native import Native, TensorMetadata, native_of
from schemas.deployment import Endpoint
from schemas.errors import EngineEndpointNotFoundError


def test_what_one_process_writes_another_one_reads():
    native = Native(model="credit", version="2", inputs=[TensorMetadata(name="x", datatype="FP32", shape=[-1, 7])])
    endpoint = Endpoint(name="credit", native=native.as_json())
    persisted = msgspec.json.decode(msgspec.json.encode(endpoint), type=Endpoint)
    assert persisted == endpoint
    assert native_of(persisted) == native


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


def test_what_another_release_wrote_asks_for_discovery():
    with pytest.raises(EngineEndpointNotFoundError, match="another release"):
        native_of(Endpoint(name="credit", native={"url": "http://models"}))
