import msgspec
import pytest

from adapters.engines.open_inference.settings import OpenInferenceSettings


def parse(**options) -> OpenInferenceSettings:
    return msgspec.convert({"type": "open_inference", "url": "http://models:8000"} | options, OpenInferenceSettings)


def test_a_url_is_enough():
    settings = parse(url="http://models:8000/base/")
    assert settings.base_url == "http://models:8000/base"
    assert settings.listing == "auto"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"url": "http://models:8000/v2"}, "leave out `/v2`"),
        ({"url": "http://a:b@models"}, "holds credentials"),
        ({"listing": "configured"}, "needs the models under `endpoints`"),
        ({"headers": {"Host": "x"}}, "set by the gateway"),
        ({"credentials": {"username": "a"}}, "go together"),
        ({"endpoints": {"credit": {"model": ""}}}, "length"),
    ],
)
def test_contradictions_are_refused(options, sentence):
    with pytest.raises(msgspec.ValidationError, match=sentence):
        parse(**options)


def test_secrets_are_not_shown():
    settings = parse(credentials={"token": "hidden"}, headers={"X-Api-Key": "hidden"})
    assert "hidden" not in f"{settings!r} {settings.credentials!r}"
