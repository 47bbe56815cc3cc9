import pytest

from adapters.base.native import read_native
from adapters.engines.custom.native import Native
from schemas.deployment import Endpoint


@pytest.mark.parametrize("native", [Native(url="http://e/s"), Native(url="http://e/s", headers={"X-Key": "k"})])
def test_what_is_written_is_read_again(native):
    assert read_native(Endpoint(name="credit", native=native.as_json()), Native, "Deployment credit") == native


def test_headers_are_not_shown():
    assert "hidden" not in repr(Native(url="http://e/s", headers={"X-Key": "hidden"}))
