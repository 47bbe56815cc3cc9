import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from adapters.base import NativeRequest
from adapters.engines.mlflow import plugin
from adapters.engines.mlflow.settings import MlflowSettings
from adapters.testing.conformance import Counterpart, EngineCase, Failure, KnownCall, http_failures
from adapters.testing.emulator import Fault
from adapters.testing.mlflow import MlflowEmulator
from schemas.deployment import Limits
from schemas.errors import EngineTimeoutError

_PASSWORD = "password-of-the-contract"
_AUTHORIZATION = "Basic Z2F0ZXdheTpwYXNzd29yZC1vZi10aGUtY29udHJhY3Q="

_OTHER_AUTHORIZATION = "Bearer token-of-the-other-server"


def _request(age: int) -> NativeRequest:
    body = {"dataframe_split": {"columns": ["Age"], "data": [[age]]}}
    return NativeRequest(json.dumps(body).encode(), "application/json", "application/json")


def _answer(prediction: int) -> bytes:
    return json.dumps({"predictions": [prediction]}).encode()


def _server(added: int, authorization: str) -> MlflowEmulator:
    return MlflowEmulator(lambda rows: [row["Age"] + added for row in rows], authorization=authorization)


@asynccontextmanager
async def _started() -> AsyncIterator[Counterpart]:
    def settings(url: str, password: str = _PASSWORD, *, discover: bool = True, **others: Any) -> MlflowSettings:
        credentials = {"username": "gateway", "password": password}
        config = {
            "type": "mlflow",
            "discover": discover,
            "endpoints": {"credit": {"url": url, "credentials": credentials, "limits": {"max_rows": 100}}} | others,
        }
        return msgspec.convert(config, MlflowSettings)

    # A server has one model: the other endpoint is a server of its own, which discovery never finds.
    async with _server(1000, _AUTHORIZATION) as emulator, _server(2000, _OTHER_AUTHORIZATION) as another:
        another.play(Fault(route="ping", status=503, times=None))
        fraud = {"url": another.url, "credentials": {"token": _OTHER_AUTHORIZATION.removeprefix("Bearer ")}}
        yield Counterpart(
            emulator=emulator,
            settings=settings(emulator.url, fraud=fraud),
            settings_at=lambda url: settings(url, discover=False),
            wrong_credentials=settings(emulator.url, "another"),
            endpoint="credit",
            request=_request(33),
            answer=_answer(1033),
            others=[
                KnownCall("credit", _request(44), _answer(1044)),
                KnownCall("fraud", _request(33), _answer(2033)),
            ],
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
