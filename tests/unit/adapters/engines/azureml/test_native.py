from adapters.engines.azureml.native import Native, native_of
from schemas.deployment import Endpoint


def test_what_is_written_is_read_again():
    native = Native(scoring_uri="https://credit/score", auth_mode="key", key="k", deployment="blue", in_workspace=True)
    assert native_of(Endpoint(name="credit", native=native.as_json())) == native


def test_no_key_is_shown():
    assert "secret" not in repr(Native(scoring_uri="https://credit/score", auth_mode="key", key="secret"))
