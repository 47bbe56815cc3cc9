import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from adapters.base import NativeRequest
from adapters.engines.open_inference import plugin
from adapters.engines.open_inference.settings import OpenInferenceSettings
from adapters.testing.conformance import Counterpart, EngineCase, KnownCall, http_failures
from adapters.testing.open_inference import (
    EmulatedModel,
    OpenInferenceEmulator,
    Tensor,
    TensorType,
)
from schemas.deployment import Limits

_TOKEN = "token-of-the-contract"
_API_KEY = "api-key-of-the-contract"


def _request(number: int) -> NativeRequest:
    body = {"id": "call", "inputs": [{"name": "x", "datatype": "INT64", "shape": [1], "data": [number]}]}
    return NativeRequest(json.dumps(body).encode(), "application/json", "application/json")


def _answer(model: str, number: int) -> bytes:
    outputs = [{"name": "y", "datatype": "INT64", "shape": [1], "data": [number]}]
    return json.dumps({"model_name": model, "model_version": "1", "outputs": outputs, "id": "call"}).encode()


def _model() -> EmulatedModel:
    return EmulatedModel(
        predict=lambda inputs: [Tensor("y", "INT64", [1], inputs["x"].data)],
        inputs=[TensorType("x", "INT64", (-1,))],
        outputs=[TensorType("y", "INT64", (-1,))],
    )


@asynccontextmanager
async def _started() -> AsyncIterator[Counterpart]:
    def settings(url: str, **options: Any) -> OpenInferenceSettings:
        config = {
            "type": "open_inference",
            "url": url,
            "credentials": {"token": _TOKEN},
            "headers": {"X-Api-Key": _API_KEY},
        }
        return msgspec.convert(config | options, OpenInferenceSettings)

    async with OpenInferenceEmulator(authorization=f"Bearer {_TOKEN}") as emulator:
        emulator.add_model("credit", _model())
        emulator.add_model("fraud", _model())
        yield Counterpart(
            emulator=emulator,
            settings=settings(emulator.url, endpoints={"credit": {"limits": {"max_rows": 100}}}),
            settings_at=lambda url: settings(url, discover=False, endpoints={"credit": {}}),
            wrong_credentials=settings(emulator.url, credentials={"token": "another"}),
            endpoint="credit",
            request=_request(1),
            answer=_answer("credit", 1),
            others=[
                KnownCall("credit", _request(2), _answer("credit", 2)),
                KnownCall("fraud", _request(1), _answer("fraud", 1)),
            ],
            limits=Limits(max_rows=100),
            secrets=[_TOKEN, _API_KEY],
        )


OPEN_INFERENCE = EngineCase(
    plugin=plugin,
    start=_started,
    failures=http_failures("infer", body=b'{"error": "words of the server"}', words="words of the server"),
    scoring_route="infer",
    control_route="index",
)
