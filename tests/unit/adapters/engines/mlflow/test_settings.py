import msgspec
import pytest

from adapters.engines.mlflow.settings import MlflowSettings


def parse(**endpoint) -> MlflowSettings:
    endpoints = {"credit": {"url": "http://models:5000"} | endpoint}
    return msgspec.convert({"type": "mlflow", "endpoints": endpoints}, MlflowSettings)


def test_servers_are_configured_and_not_discovered():
    settings = parse(url="https://proxy/models/credit/")
    assert settings.discover is False
    assert settings.endpoints["credit"].base_url == "https://proxy/models/credit"


@pytest.mark.parametrize(
    ("endpoint", "sentence"),
    [
        ({"url": "http://models:5000/invocations"}, "leave out `/invocations`"),
        ({"url": "http://a:b@models:5000"}, "holds credentials"),
        ({"headers": {"Content-Type": "text/csv"}}, "set by the gateway"),
        ({"credentials": {"token": "t"}, "headers": {"Authorization": "Bearer t"}}, "exclude each other"),
    ],
)
def test_contradictions_are_refused(endpoint, sentence):
    with pytest.raises(msgspec.ValidationError, match=sentence):
        parse(**endpoint)


def test_each_endpoint_needs_its_url():
    with pytest.raises(msgspec.ValidationError, match="url"):
        msgspec.convert({"type": "mlflow", "endpoints": {"credit": {}}}, MlflowSettings)
