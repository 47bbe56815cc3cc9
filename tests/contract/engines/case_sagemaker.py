import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from adapters.base import NativeRequest
from adapters.engines.sagemaker import plugin
from adapters.engines.sagemaker.settings import SageMakerSettings
from adapters.testing.conformance import Counterpart, EngineCase, Failure, KnownCall
from adapters.testing.emulator import Fault
from adapters.testing.sagemaker import AccessKey, LinearLearner, SageMakerEmulator, aws_error
from schemas.deployment import Limits
from schemas.errors import (
    EngineEndpointNotFoundError,
    EngineRefusedError,
    EngineTimeoutError,
    EngineUnavailableError,
)

_SECRET = "secret-access-key-of-the-contract"
_TOKEN = "session-token-of-the-contract"


def _request(body: bytes) -> NativeRequest:
    return NativeRequest(body, "text/csv", "application/json")


def _answer(score: float) -> bytes:
    return json.dumps({"predictions": [{"score": score}]}).encode()


@asynccontextmanager
async def _started() -> AsyncIterator[Counterpart]:
    key = AccessKey(id="AKIACONTRACT", secret=_SECRET, session_token=_TOKEN)
    credentials = {"access_key_id": key.id, "secret_access_key": key.secret, "session_token": _TOKEN}

    limits = {"max_rows": 100, "max_parallel": 3}

    def settings(url: str, **options: Any) -> SageMakerSettings:
        config = {"type": "sagemaker", "region": "us-east-1", "credentials": credentials, "endpoint_url": url}
        return msgspec.convert(config | options, SageMakerSettings)

    async with SageMakerEmulator(key=key) as emulator:
        emulator.add_endpoint("credit", model=LinearLearner(weights=(1.0, 1.0), predictor="regressor"))
        emulator.add_endpoint("fraud", model=LinearLearner(weights=(1.0, 10.0), predictor="regressor"))
        yield Counterpart(
            emulator=emulator,
            settings=settings(emulator.url, control_url=emulator.url, endpoints={"credit": {"limits": limits}}),
            settings_at=lambda url: settings(url, discover=False, endpoints={"credit": {}}),
            wrong_credentials=settings(
                emulator.url, control_url=emulator.url, credentials=credentials | {"secret_access_key": "another"}
            ),
            endpoint="credit",
            request=_request(b"1,2"),
            answer=_answer(3.0),
            others=[
                KnownCall("credit", _request(b"3,4"), _answer(7.0)),
                KnownCall("fraud", _request(b"1,2"), _answer(21.0)),
            ],
            secrets=[_SECRET, _TOKEN],
            limits=Limits(max_bytes=6_291_456, max_rows=100, max_parallel=3),
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


_FAILURES = (
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

SAGEMAKER = EngineCase(
    plugin=plugin,
    start=_started,
    failures=_FAILURES,
    scoring_route="invocations",
    control_route="control",
    scoring_id_header="X-Amzn-SageMaker-Inference-Id",
)
