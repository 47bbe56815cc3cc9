import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from adapters.base import NativeRequest
from adapters.engines.custom import plugin
from adapters.engines.custom.settings import CustomSettings
from adapters.testing.conformance import Counterpart, EngineCase, KnownCall, http_failures
from adapters.testing.custom import CustomEngineEmulator
from schemas.deployment import Limits

_PASSWORD = "password-of-the-contract"
_API_KEY = "api-key-of-the-contract"


def _request(age: int) -> NativeRequest:
    body = {"fields": ["Age"], "values": [[age]]}
    return NativeRequest(json.dumps(body).encode(), "application/json", "application/json")


def _answer(prediction: int) -> bytes:
    return json.dumps({"fields": ["prediction"], "values": [[prediction]]}).encode()


def _model(added: int) -> Any:
    return lambda body: {"fields": ["prediction"], "values": [[row[0] + added] for row in body["values"]]}


@asynccontextmanager
async def _started() -> AsyncIterator[Counterpart]:
    def settings(url: str, password: str = _PASSWORD, **options: Any) -> CustomSettings:
        config = {
            "type": "custom",
            "url": url,
            "credentials": {"username": "gateway", "password": password},
            "headers": {"X-Api-Key": _API_KEY},
        }
        return msgspec.convert(config | options, CustomSettings)

    async with CustomEngineEmulator(username="gateway", password=_PASSWORD) as emulator:
        emulator.add_deployment("credit", handler=_model(1000))
        emulator.add_deployment("fraud", handler=_model(2000))
        yield Counterpart(
            emulator=emulator,
            settings=settings(emulator.url, endpoints={"credit": {"limits": {"max_rows": 100}}}),
            settings_at=lambda url: settings(url, discover=False, endpoints={"credit": {}}),
            wrong_credentials=settings(emulator.url, "another"),
            endpoint="credit",
            request=_request(33),
            answer=_answer(1033),
            others=[
                KnownCall("credit", _request(44), _answer(1044)),
                KnownCall("fraud", _request(33), _answer(2033)),
            ],
            limits=Limits(max_rows=100),
            secrets=[_PASSWORD, _API_KEY],
        )


CUSTOM = EngineCase(
    plugin=plugin,
    start=_started,
    failures=http_failures(
        "online",
        body=b'{"error": "words of the engine", "details": "", "statusCode": 500}',
        words="words of the engine",
    ),
    scoring_route="online",
    control_route="deployments",
    scoring_id_header="X-Global-Transaction-Id",
)
