import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from adapters.base import NativeRequest
from adapters.engines.azure_studio import plugin
from adapters.engines.azure_studio.settings import AzureStudioSettings
from adapters.testing.azure_studio import AzureStudioEmulator, Model, Scored, studio_error
from adapters.testing.conformance import Counterpart, EngineCase, Failure, KnownCall, http_failures
from schemas.deployment import Limits
from schemas.errors import EngineError, EngineRefusedError, EngineTimeoutError, EngineUnavailableError


def _request(age: str) -> NativeRequest:
    body = {"Inputs": {"input1": {"ColumnNames": ["Age"], "Values": [[age]]}}, "GlobalParameters": {}}
    return NativeRequest(json.dumps(body).encode(), "application/json", "application/json")


def _answer(label: str) -> bytes:
    table = {"ColumnNames": ["Scored Labels"], "ColumnTypes": ["String"], "Values": [[label]]}
    return json.dumps({"Results": {"output1": {"type": "table", "value": table}}}).encode()


def _model(name: str) -> Model:
    return Model(
        ["Age"], lambda rows: Scored(["Scored Labels"], ["String"], [[f"{name} {row['Age']}"] for row in rows])
    )


@asynccontextmanager
async def _started() -> AsyncIterator[Counterpart]:
    async with AzureStudioEmulator() as emulator:
        service = emulator.add_service("credit", _model("credit"))
        emulator.add_service("fraud", _model("fraud"))

        def settings(secret: str = emulator.client_secret, **options: Any) -> AzureStudioSettings:
            config = {
                "type": "azure_studio",
                "subscription_id": emulator.subscription_id,
                "resource_group": emulator.resource_group,
                "control_url": emulator.url,
                "authority_url": emulator.url,
                "credentials": {
                    "tenant": emulator.tenant,
                    "client_id": emulator.client_id,
                    "client_secret": secret,
                },
            }
            return msgspec.convert(config | options, AzureStudioSettings)

        def by_url(url: str, key: str = service.keys[0]) -> dict[str, Any]:
            path = emulator.scoring_url(service).removeprefix(emulator.url)
            return {"credit": {"url": url + path, "key": key}}

        yield Counterpart(
            emulator=emulator,
            settings=settings(endpoints={"credit": {"limits": {"max_rows": 100}}}),
            settings_at=lambda url: settings(discover=False, endpoints=by_url(url)),
            wrong_credentials=settings("another", endpoints=by_url(emulator.url, "another")),
            endpoint="credit",
            request=_request("33"),
            answer=_answer("credit 33"),
            others=[
                KnownCall("credit", _request("44"), _answer("credit 44")),
                KnownCall("fraud", _request("33"), _answer("fraud 33")),
            ],
            limits=Limits(max_rows=100),
            secrets=[emulator.client_secret, *service.keys],
        )


def _failure(code: str, status: int, error: type[EngineError], *, retryable: bool = False) -> Failure:
    fault = studio_error(status, code, "words of the service", times=None)
    return Failure(
        name=code,
        fault=fault,
        error=error,
        retryable=retryable,
        engine_status=status,
        engine_message="words of the service",
    )


_BY_STATUS = http_failures(
    "execute",
    body=b'{"error": {"code": "BadArgument", "message": "words", "details": [{"message": "of the service"}]}}',
    words="words of the service",
)

AZURE_STUDIO = EngineCase(
    plugin=plugin,
    start=_started,
    failures=[
        # Of all statuses, this one alone means something else here.
        *(failure for failure in _BY_STATUS if failure.engine_status != 500),
        _failure("BadUserArgument", 400, EngineRefusedError),
        _failure("ModuleExecutionError", 400, EngineRefusedError),
        _failure("ScoreRequestUnauthorized", 401, EngineRefusedError),
        _failure("ScoreRequestTimeout", 408, EngineTimeoutError),
        _failure("Conflict", 409, EngineRefusedError),
        _failure("MemoryQuotaViolation", 413, EngineRefusedError),
        _failure("InternalError", 500, EngineRefusedError, retryable=True),
        _failure("RequestThrottled", 503, EngineUnavailableError, retryable=True),
        _failure("InitializingContainers", 503, EngineUnavailableError, retryable=True),
    ],
    scoring_route="execute",
    control_route="group_services",
)
