"""The engines under contract. To add one: a module with its `EngineUnderTest`, and a line in `ENGINES`."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from adapters.base import NativeRequest
from adapters.engines import azureml, sagemaker
from adapters.engines.azureml.settings import AzureSettings
from adapters.engines.sagemaker.settings import SageMakerSettings
from adapters.testing.azureml import AzureMLEmulator, EmulatedDeployment, model_failure
from adapters.testing.emulator import Fault
from adapters.testing.sagemaker import AccessKey, LinearLearner, SageMakerEmulator, aws_error
from gateway.transport import HttpTransport
from schemas.errors import (
    EngineEndpointNotFoundError,
    EngineRefusedError,
    EngineTimeoutError,
    EngineUnavailableError,
)
from tests.contract.engines.case_custom import CUSTOM
from tests.contract.engines.case_watson_ml import WATSON_ML
from tests.contract.engines.cases import EngineCase, EngineUnderTest, Failure

_SECRET = "secret-access-key-of-the-contract"
_TOKEN = "session-token-of-the-contract"


@asynccontextmanager
async def _sagemaker() -> AsyncIterator[EngineCase]:
    key = AccessKey(id="AKIACONTRACT", secret=_SECRET, session_token=_TOKEN)
    credentials = {"access_key_id": key.id, "secret_access_key": key.secret, "session_token": _TOKEN}

    def settings(url: str, **options: Any) -> SageMakerSettings:
        config = {"type": "sagemaker", "region": "us-east-1", "credentials": credentials, "endpoint_url": url}
        return msgspec.convert(config | options, SageMakerSettings)

    async with SageMakerEmulator(key=key) as emulator:
        emulator.add_endpoint("credit", model=LinearLearner(weights=(0.0, 0.0)))
        yield EngineCase(
            emulator=emulator,
            settings=settings(emulator.url, control_url=emulator.url),
            settings_at=lambda url: settings(url, discover=False, endpoints={"credit": {}}),
            wrong_credentials=settings(
                emulator.url, control_url=emulator.url, credentials=credentials | {"secret_access_key": "another"}
            ),
            endpoint="credit",
            request=NativeRequest(b"1,2", "text/csv", "application/json"),
            answer=json.dumps({"predictions": [{"score": 0.5, "predicted_label": 1}]}).encode(),
            secrets=[_SECRET, _TOKEN],
        )


def _model_error(original_status: int) -> Fault:
    return aws_error(
        "ModelError",
        424,
        "Received error from model.",
        OriginalStatusCode=original_status,
        OriginalMessage="words of the model",
        LogStreamArn="arn:aws:logs:::emulated",
    )


_SAGEMAKER_FAILURES = (
    Failure(
        name="ValidationError",
        fault=aws_error("ValidationError", 400, "1 validation error detected"),
        error=EngineRefusedError,
        engine_status=400,
        engine_message="1 validation error detected",
    ),
    Failure(
        name="endpoint not found",
        fault=aws_error("ValidationError", 400, "Endpoint credit of account 123456789012 not found."),
        error=EngineEndpointNotFoundError,
        engine_status=400,
    ),
    Failure(
        name="inference component not found",
        fault=aws_error("ValidationError", 400, "Inference Component credit-1 not found."),
        error=EngineEndpointNotFoundError,
        engine_status=400,
    ),
    Failure(
        name="variant not found",
        fault=aws_error("ValidationError", 400, "Variant blue not found for endpoint credit."),
        error=EngineRefusedError,
        engine_status=400,
    ),
    Failure(
        name="ModelNotReadyException",
        fault=aws_error("ModelNotReadyException", 429, headers={"Retry-After": "3"}),
        error=EngineUnavailableError,
        retryable=True,
        engine_status=429,
        retry_after=3.0,
    ),
    Failure(
        name="ModelError",
        fault=_model_error(500),
        error=EngineRefusedError,
        engine_status=500,
        engine_message="words of the model",
    ),
    Failure(
        name="ModelError of a model that gave no answer in time",
        fault=_model_error(0),
        error=EngineTimeoutError,
        engine_status=424,
    ),
    Failure(
        name="InternalFailure",
        fault=aws_error("InternalFailure", 500),
        error=EngineRefusedError,
        engine_status=500,
    ),
    Failure(
        name="ServiceUnavailable",
        fault=aws_error("ServiceUnavailable", 503),
        error=EngineUnavailableError,
        retryable=True,
        engine_status=503,
    ),
    Failure(
        name="InternalDependencyException",
        fault=aws_error("InternalDependencyException", 530),
        error=EngineUnavailableError,
        engine_status=530,
    ),
    Failure(
        name="ThrottlingException",
        fault=aws_error("ThrottlingException", 400, "Rate exceeded"),
        error=EngineUnavailableError,
        retryable=True,
        engine_status=400,
    ),
    Failure(
        name="AccessDeniedException",
        fault=aws_error("AccessDeniedException", 403),
        error=EngineRefusedError,
        engine_status=403,
    ),
    Failure(
        name="ExpiredTokenException",
        fault=aws_error("ExpiredTokenException", 403),
        error=EngineRefusedError,
        engine_status=403,
    ),
    Failure(
        name="too large",
        fault=Fault(route="invocations", status=413, body=b""),
        error=EngineRefusedError,
        engine_status=413,
    ),
    Failure(
        name="a proxy's page",
        fault=Fault(route="invocations", status=502, body=b"<html>Bad gateway</html>", content_type="text/html"),
        error=EngineRefusedError,
        engine_status=502,
        engine_message="<html>Bad gateway</html>",
    ),
    Failure(
        name="a proxy's timeout",
        fault=Fault(route="invocations", status=504, body=b""),
        error=EngineTimeoutError,
        engine_status=504,
    ),
    Failure(
        name="a redirect",
        fault=Fault(route="invocations", status=302, body=b"", headers={"Location": "/elsewhere"}),
        error=EngineRefusedError,
        engine_status=302,
    ),
)


@asynccontextmanager
async def _azureml() -> AsyncIterator[EngineCase]:
    async with AzureMLEmulator() as emulator:
        application = {"tenant": emulator.tenant, "client_id": emulator.client_id}

        def settings(secret: str, **options: Any) -> AzureSettings:
            config = {
                "type": "azureml",
                "subscription_id": emulator.subscription_id,
                "resource_group": emulator.resource_group,
                "workspace": emulator.workspace,
                "control_url": emulator.url,
                "authority_url": emulator.url,
                "credentials": application | {"client_secret": secret},
            }
            return msgspec.convert(config | options, AzureSettings)

        def settings_at(url: str) -> AzureSettings:
            endpoint = {"url": f"{url}/endpoints/credit/score", "auth": "token"}
            return settings(emulator.client_secret, discover=False, endpoints={"credit": endpoint})

        deployment = EmulatedDeployment(handler=lambda body: {"output": body})
        emulator.add_endpoint("credit", auth_mode="AADToken", deployments=[deployment])
        emulator.add_endpoint("with-a-key")
        yield EngineCase(
            emulator=emulator,
            settings=settings(emulator.client_secret),
            settings_at=settings_at,
            wrong_credentials=settings("another"),
            endpoint="credit",
            request=NativeRequest(b"[1, 2]", "application/json", "application/json"),
            answer=b'{"output": [1, 2]}',
            secrets=[emulator.client_secret, *emulator.endpoints["with-a-key"].keys],
        )


def _score(status: int, body: bytes = b"{}", *, times: int | None = 1, **options: Any) -> Fault:
    return Fault(route="score", status=status, body=body, times=times, **options)


_AZUREML_FAILURES = (
    Failure(
        name="bad input",
        fault=_score(400, b'{"message": "words of the server"}'),
        error=EngineRefusedError,
        engine_status=400,
        engine_message="words of the server",
    ),
    Failure(name="token refused", fault=_score(401, times=None), error=EngineRefusedError, engine_status=401),
    Failure(name="no permission", fault=_score(403), error=EngineRefusedError, engine_status=403),
    Failure(name="no deployment", fault=_score(404), error=EngineEndpointNotFoundError, engine_status=404),
    Failure(name="requestTimeout passed", fault=_score(408), error=EngineTimeoutError, engine_status=408),
    Failure(name="overload", fault=_score(409), error=EngineUnavailableError, retryable=True, engine_status=409),
    Failure(name="too large", fault=_score(413), error=EngineRefusedError, engine_status=413),
    Failure(
        name="model failed",
        fault=model_failure(500, "words of the model"),
        error=EngineRefusedError,
        engine_status=500,
        engine_message="words of the model",
    ),
    Failure(
        name="throttled",
        fault=_score(429, headers={"Retry-After": "3"}),
        error=EngineUnavailableError,
        retryable=True,
        engine_status=429,
        retry_after=3.0,
    ),
    Failure(name="platform failed", fault=_score(500), error=EngineRefusedError, engine_status=500),
    Failure(
        name="a proxy's page",
        fault=_score(502, b"<html>Bad gateway</html>", content_type="text/html"),
        error=EngineRefusedError,
        engine_status=502,
        engine_message="<html>Bad gateway</html>",
    ),
    Failure(name="scaling", fault=_score(503), error=EngineUnavailableError, retryable=True, engine_status=503),
    Failure(name="a proxy's timeout", fault=_score(504), error=EngineTimeoutError, engine_status=504),
    Failure(
        name="a redirect",
        fault=_score(302, headers={"Location": "/elsewhere"}),
        error=EngineRefusedError,
        engine_status=302,
    ),
)

ENGINES = {
    "sagemaker": EngineUnderTest(
        plugin=sagemaker.plugin,
        start=_sagemaker,
        failures=_SAGEMAKER_FAILURES,
        scoring_route="invocations",
        control_route="control",
    ),
    "azureml": EngineUnderTest(
        plugin=azureml.plugin,
        start=_azureml,
        failures=_AZUREML_FAILURES,
        scoring_route="score",
        control_route="endpoints",
    ),
    "custom": CUSTOM,
    "watson_ml": WATSON_ML,
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "failure" in metafunc.fixturenames:
        rows = [(engine, failure) for engine in ENGINES.values() for failure in engine.failures]
        ids = [f"{kind}-{failure.name}" for kind, engine in ENGINES.items() for failure in engine.failures]
        metafunc.parametrize(("under_test", "failure"), rows, ids=ids)
    elif "under_test" in metafunc.fixturenames:
        metafunc.parametrize("under_test", ENGINES.values(), ids=ENGINES)


@pytest.fixture
async def case(under_test: EngineUnderTest) -> AsyncIterator[EngineCase]:
    async with under_test.start() as case:
        yield case


@pytest.fixture
async def transport() -> AsyncIterator[HttpTransport]:
    async with HttpTransport() as transport:
        yield transport
