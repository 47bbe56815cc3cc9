from adapters.base.native import read_native
from adapters.engines.azure_studio.native import Native
from schemas.deployment import Endpoint


def test_what_is_written_is_read_again():
    native = Native(url="https://host/execute?api-version=2.0", key="k", arm_id="/subscriptions/s")
    assert read_native(Endpoint(name="credit", native=native.as_json()), Native, "Service credit") == native


def test_the_key_is_not_shown():
    assert "hidden" not in repr(Native(url="https://host/execute", key="hidden"))
