import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from adapters.base import NativeRequest
from adapters.engines.watson_ml import plugin
from adapters.engines.watson_ml.settings import WatsonMlSettings
from adapters.testing.conformance import Counterpart, EngineCase, KnownCall, http_failures
from adapters.testing.watson_ml import WatsonMlEmulator
from schemas.deployment import Limits


def _request(age: int) -> NativeRequest:
    body = {"input_data": [{"fields": ["Age"], "values": [[age]]}]}
    return NativeRequest(json.dumps(body).encode(), "application/json", "application/json")


def _answer(prediction: int) -> bytes:
    return json.dumps({"predictions": [{"fields": ["prediction"], "values": [[prediction]]}]}).encode()


def _model(added: int) -> Any:
    return lambda table: {"fields": ["prediction"], "values": [[row[0] + added] for row in table["values"]]}


@asynccontextmanager
async def _started() -> AsyncIterator[Counterpart]:
    async with WatsonMlEmulator() as emulator:

        def settings(url: str, **options: Any) -> WatsonMlSettings:
            config = {
                "type": "watson_ml",
                "url": url,
                "apikey": emulator.tokens.apikey,
                "token_url": emulator.iam_url,
                "spaces": [emulator.space],
            }
            return msgspec.convert(config | options, WatsonMlSettings)

        emulator.add_deployment("credit", handler=_model(1000))
        emulator.add_deployment("fraud", handler=_model(2000))
        yield Counterpart(
            emulator=emulator,
            settings=settings(emulator.url, endpoints={"credit": {"limits": {"max_rows": 100}}}),
            settings_at=lambda url: settings(url, discover=False, endpoints={"credit": {}}),
            wrong_credentials=settings(emulator.url, apikey="another"),
            endpoint="credit",
            request=_request(33),
            answer=_answer(1033),
            others=[
                KnownCall("credit", _request(44), _answer(1044)),
                KnownCall("fraud", _request(33), _answer(2033)),
            ],
            limits=Limits(max_rows=100),
            secrets=[emulator.tokens.apikey],
        )


WATSON_ML = EngineCase(
    plugin=plugin,
    start=_started,
    failures=http_failures(
        "predictions",
        body=b'{"trace": "1", "errors": [{"code": "bad", "message": "words of the service"}], "status_code": 400}',
        words="words of the service",
    ),
    scoring_route="predictions",
    control_route="deployments",
    scoring_id_header="X-Global-Transaction-Id",
)
