import pytest

from adapters.engines.custom.native import Native, native_of
from schemas.deployment import Endpoint
from schemas.errors import EngineEndpointNotFoundError


@pytest.mark.parametrize("native", [Native(url="http://e/s"), Native(url="http://e/s", headers={"X-Key": "k"})])
def test_what_is_kept_is_read_back(native):
    assert native_of(Endpoint(name="credit", native=native.as_json())) == native


def test_headers_are_not_shown():
    assert "hidden" not in repr(Native(url="http://e/s", headers={"X-Key": "hidden"}))


@pytest.mark.parametrize("native", [{}, {"url": 7}, {"uri": "http://e/s"}])
def test_what_another_release_kept_asks_for_discovery(native):
    with pytest.raises(EngineEndpointNotFoundError, match="next discovery"):
        native_of(Endpoint(name="credit", native=native))
