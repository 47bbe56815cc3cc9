import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from adapters.base import NativeRequest
from adapters.engines.mlflow import plugin
from adapters.engines.mlflow.settings import MlflowSettings
from adapters.testing.conformance import Counterpart, EngineCase, Failure, http_failures
from adapters.testing.emulator import Fault
from adapters.testing.mlflow import MlflowEmulator
from schemas.deployment import Limits
from schemas.errors import EngineTimeoutError

_PASSWORD = "password-of-the-contract"
_AUTHORIZATION = "Basic Z2F0ZXdheTpwYXNzd29yZC1vZi10aGUtY29udHJhY3Q="


@asynccontextmanager
async def _started() -> AsyncIterator[Counterpart]:
    def settings(url: str, password: str = _PASSWORD, *, discover: bool = True) -> MlflowSettings:
        credentials = {"username": "gateway", "password": password}
        config = {
            "type": "mlflow",
            "discover": discover,
            "endpoints": {"credit": {"url": url, "credentials": credentials, "limits": {"max_rows": 100}}},
        }
        return msgspec.convert(config, MlflowSettings)

    async with MlflowEmulator(lambda rows: [1 for _ in rows], authorization=_AUTHORIZATION) as emulator:
        yield Counterpart(
            emulator=emulator,
            settings=settings(emulator.url),
            settings_at=lambda url: settings(url, discover=False),
            wrong_credentials=settings(emulator.url, "another"),
            endpoint="credit",
            request=NativeRequest(
                b'{"dataframe_split": {"columns": ["Age"], "data": [[33]]}}', "application/json", "application/json"
            ),
            answer=json.dumps({"predictions": [1]}).encode(),
            limits=Limits(max_rows=100),
            secrets=[_PASSWORD, _AUTHORIZATION.removeprefix("Basic ")],
        )


MLFLOW = EngineCase(
    plugin=plugin,
    start=_started,
    failures=[
        *http_failures(
            "invocations",
            body=b'{"error_code": "BAD_REQUEST", "message": "words of the model", "stack_trace": "frames"}',
            words="words of the model",
        ),
        Failure(
            name="the model took too long",
            fault=Fault(route="invocations", status=504, body=b"Request timed out", content_type="text/plain"),
            error=EngineTimeoutError,
            engine_status=504,
            engine_message="Request timed out",
        ),
    ],
    scoring_route="invocations",
    control_route="ping",
)
