import logging
import sys

import msgspec
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from adapters.engines.sagemaker.sdk import open_chain, open_control_plane, sdk_errors
from adapters.engines.sagemaker.settings import SageMakerSettings
from schemas.errors import EngineError, EngineRefusedError, EngineUnavailableError, MissingExtraError

CREDENTIALS = {"access_key_id": "AKID", "secret_access_key": "secret"}


def settings(**options):
    return msgspec.convert({"type": "sagemaker", "region": "us-east-1"} | options, SageMakerSettings)


@pytest.mark.parametrize("open_something", [open_chain, open_control_plane])
def test_without_boto3_the_error_says_what_to_install(open_something, monkeypatch):
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'openscale-gateway\[sagemaker\]'"):
        open_something(settings(credentials=CREDENTIALS))


def test_an_unknown_profile_is_a_mistake_of_the_configuration(monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(EngineRefusedError):
        open_chain(settings())


@pytest.mark.parametrize(
    ("error", "kind", "retryable"),
    [
        (EndpointConnectionError(endpoint_url="http://hidden"), EngineUnavailableError, True),
        (NoCredentialsError(), EngineRefusedError, False),
        (
            ClientError(
                {"Error": {"Code": "ThrottlingException"}, "ResponseMetadata": {"HTTPStatusCode": 400}}, "ListEndpoints"
            ),
            EngineUnavailableError,
            True,
        ),
        (
            ClientError(
                {"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": 403}}, "ListEndpoints"
            ),
            EngineRefusedError,
            False,
        ),
    ],
)
def test_errors_of_boto3_become_ours(error, kind, retryable):
    with pytest.raises(EngineError) as caught, sdk_errors("The endpoints can't be listed"):
        raise error
    assert type(caught.value) is kind
    assert caught.value.retryable is retryable
    assert caught.value.message.startswith("The endpoints can't be listed")
    assert "hidden" not in caught.value.message


def test_a_level_that_somebody_chose_for_the_logs_of_botocore_is_kept():
    logger = logging.getLogger("botocore")
    before = logger.level
    try:
        logger.setLevel(logging.DEBUG)
        open_control_plane(settings(credentials=CREDENTIALS)).close()
        assert logger.level == logging.DEBUG
        logger.setLevel(logging.NOTSET)
        open_control_plane(settings(credentials=CREDENTIALS)).close()
        assert logger.level == logging.INFO
    finally:
        logger.setLevel(before)
