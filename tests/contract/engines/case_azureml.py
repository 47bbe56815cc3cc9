from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from adapters.base import NativeRequest
from adapters.engines.azureml import plugin
from adapters.engines.azureml.settings import AzureSettings
from adapters.testing.azureml import AzureMLEmulator, EmulatedDeployment, model_failure
from adapters.testing.conformance import Counterpart, EngineCase, Failure, KnownCall
from adapters.testing.emulator import Fault
from schemas.deployment import Limits
from schemas.errors import (
    EngineEndpointNotFoundError,
    EngineRefusedError,
    EngineTimeoutError,
    EngineUnavailableError,
)


def _request(body: bytes) -> NativeRequest:
    return NativeRequest(body, "application/json", "application/json")


@asynccontextmanager
async def _started() -> AsyncIterator[Counterpart]:
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
        keyed = EmulatedDeployment(handler=lambda body: {"output of another": body})
        emulator.add_endpoint("with-a-key", deployments=[keyed])
        yield Counterpart(
            emulator=emulator,
            settings=settings(emulator.client_secret),
            settings_at=settings_at,
            wrong_credentials=settings("another"),
            endpoint="credit",
            request=_request(b"[1, 2]"),
            answer=b'{"output": [1, 2]}',
            others=[
                KnownCall("credit", _request(b"[3]"), b'{"output": [3]}'),
                KnownCall("with-a-key", _request(b"[1, 2]"), b'{"output of another": [1, 2]}'),
            ],
            limits=Limits(max_bytes=1_500_000, max_parallel=1),
            secrets=[emulator.client_secret, *emulator.endpoints["with-a-key"].keys],
        )


def _score(status: int, body: bytes = b"{}", *, times: int | None = 1, **options: Any) -> Fault:
    return Fault(route="score", status=status, body=body, times=times, **options)


_FAILURES = (
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

AZUREML = EngineCase(
    plugin=plugin,
    start=_started,
    failures=_FAILURES,
    scoring_route="score",
    control_route="endpoints",
    scoring_id_header="x-ms-client-request-id",
)
