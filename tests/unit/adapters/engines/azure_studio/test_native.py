import msgspec
import pytest

from adapters.engines.azure_studio.native import Native, native_of
from schemas.deployment import Endpoint
from schemas.errors import EngineEndpointNotFoundError


def test_what_one_process_writes_another_one_reads():
    native = Native(url="https://host/execute?api-version=2.0", key="k", arm_id="/subscriptions/s")
    persisted = msgspec.json.encode(Endpoint(name="credit", native=native.as_json()))
    assert native_of(msgspec.json.decode(persisted, type=Endpoint)) == native


def test_the_key_is_not_shown():
    assert "hidden" not in repr(Native(url="https://host/execute", key="hidden"))


def test_what_another_release_wrote_asks_for_discovery():
    with pytest.raises(EngineEndpointNotFoundError, match="another release"):
        native_of(Endpoint(name="credit", native={"uri": "https://host"}))
