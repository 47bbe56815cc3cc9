import boto3
import msgspec
import pytest

from adapters.engines.sagemaker.settings import SageMakerSettings


def settings(**options):
    return msgspec.convert({"type": "sagemaker", "region": "us-east-1"} | options, SageMakerSettings)


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-3", "us-gov-west-1", "cn-north-1", "us-iso-east-1"])
def test_runtime_url_is_the_regions_own(region):
    client = boto3.client("sagemaker-runtime", region_name=region, aws_access_key_id="a", aws_secret_access_key="b")
    expected = client.meta.endpoint_url
    client.close()
    assert settings(region=region).runtime_url == expected


def test_a_configured_runtime_url_is_taken_without_its_slash():
    assert settings(endpoint_url="http://127.0.0.1:9000/base/").runtime_url == "http://127.0.0.1:9000/base"


@pytest.mark.parametrize(
    "mistake",
    [
        {"region": "US East"},
        {"endpoint_url": "runtime.example.com"},
        {"credentials": {"access_key_id": "a"}},
        {"credentials": {"access_key_id": "a", "secret_access_key": ""}},
        {"endpoints": {"credit": {"variant": "no blanks"}}},
        {"endpoints": {"credit": {"custom_attributes": "line\nbreak"}}},
        {"endpoints": {"credit": {"limits": {"max_bytes": 0}}}},
        {"endpoints": {"credit": {"unknown": 1}}},
        {"unknown": 1},
    ],
)
def test_mistakes_are_refused(mistake):
    with pytest.raises(msgspec.ValidationError):
        settings(**mistake)


def test_credentials_show_nothing():
    shown = repr(settings(credentials={"access_key_id": "AKID", "secret_access_key": "hidden"}).credentials)
    assert "hidden" not in shown
    assert "AKID" not in shown
