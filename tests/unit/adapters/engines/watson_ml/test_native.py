from adapters.base.native import read_native
from adapters.engines.watson_ml.native import Native
from schemas.deployment import Endpoint


def test_what_is_written_is_read_again():
    native = Native(id="0bd663be")
    assert read_native(Endpoint(name="credit", native=native.as_json()), Native, "Deployment credit") == native
