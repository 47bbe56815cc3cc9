"""The emulator: routes, credentials, and what servers of the protocol answer.

Source: KServe "Open Inference Protocol (V2)", REST; Triton "Model Repository Extension" for the index; the Python
servers of KServe for `GET /v2/models`, for 501 to versions and for 503 while a model loads.
"""

import hmac
import json
from collections import deque
from collections.abc import Sequence
from typing import Literal

from aiohttp import web
from msgspec import Struct, to_builtins
from multidict import CIMultiDictProxy

from adapters.testing.azureml.models import ModelFailureError
from adapters.testing.emulator import Emulator
from adapters.testing.open_inference.models import EmulatedModel
from adapters.testing.open_inference.tensors import (
    BadTensorError,
    TensorType,
    checked_inputs,
    read_request,
    wanted_outputs,
)

_REMEMBERED = 100

Listing = Literal["repository_index", "models", "none"]


class Call(Struct, frozen=True):
    """A request that reached a model. Names of headers don't mind their case."""

    model: str
    version: str
    headers: CIMultiDictProxy[str]
    body: bytes


class OpenInferenceEmulator(Emulator):
    """One server; its routes are `server`, `live`, `ready`, `index`, `models`, `metadata`, `model_ready` and `infer`.

    With a version the last three are `version_metadata`, `version_ready` and `version_infer`. The last calls that
    reached a model are in `calls`, the newest last.

    Args:
        listing: which list of models it has.
        authorization: value of the header Authorization that it wants; None: anybody may call.
        versioned: whether it knows the routes with a version; KServe's Python servers answer them with 501.
        port: to listen on; 0: a free one.
    """

    def __init__(
        self,
        *,
        listing: Listing = "repository_index",
        authorization: str | None = None,
        versioned: bool = True,
        port: int = 0,
    ) -> None:
        model, version = "/v2/models/{name}", "/v2/models/{name}/versions/{version}"
        lists = {
            "repository_index": [web.post("/v2/repository/index", self._index, name="index")],
            "models": [web.get("/v2/models", self._models, name="models")],
            "none": [],
        }
        super().__init__(
            [
                *lists[listing],
                web.get("/v2", self._server, name="server"),
                web.get("/v2/health/live", self._healthy, name="live"),
                web.get("/v2/health/ready", self._healthy, name="ready"),
                web.get(model, self._metadata, name="metadata"),
                web.get(version, self._metadata, name="version_metadata"),
                web.get(f"{model}/ready", self._model_ready, name="model_ready"),
                web.get(f"{version}/ready", self._model_ready, name="version_ready"),
                web.post(f"{model}/infer", self._infer, name="infer"),
                web.post(f"{version}/infer", self._infer, name="version_infer"),
            ],
            port=port,
        )
        self._authorization = authorization
        self._listing = listing
        self._versioned = versioned
        self.models: dict[str, EmulatedModel] = {}
        self.calls: deque[Call] = deque(maxlen=_REMEMBERED)

    def add_model(self, name: str, model: EmulatedModel) -> None:
        """Add a model, or replace one."""
        self.models[name] = model

    async def _server(self, request: web.Request) -> web.Response:
        self._authorize(request)
        return web.json_response({"name": "emulated", "version": "1.0", "extensions": ["model_repository"]})

    async def _healthy(self, request: web.Request) -> web.Response:
        return web.Response()

    async def _index(self, request: web.Request) -> web.Response:
        self._authorize(request)
        body = await request.json()
        return web.json_response(
            [
                {"name": name, "version": version, "state": model.state, "reason": ""}
                for name, model in self.models.items()
                for version in model.versions
                if model.state == "READY" or not body.get("ready")
            ]
        )

    async def _models(self, request: web.Request) -> web.Response:
        self._authorize(request)
        return web.json_response({"models": list(self.models)})

    async def _metadata(self, request: web.Request) -> web.Response:
        name, model, _ = self._found(request)
        if not model.has_metadata:
            raise _refusal(web.HTTPNotImplemented, "This model has no metadata.")
        return web.json_response(
            {
                "name": name,
                "versions": list(model.versions),
                "platform": model.platform,
                "inputs": _types(model.inputs),
                "outputs": _types(model.outputs),
            }
        )

    async def _model_ready(self, request: web.Request) -> web.Response:
        _, model, _ = self._found(request)
        if model.state == "READY":
            return web.Response()
        # Where there is no index, it is one of KServe's Python servers.
        return web.Response(status=503 if self._listing == "models" else 400)

    async def _infer(self, request: web.Request) -> web.Response:
        name, model, version = self._found(request)
        body = await request.read()
        self.calls.append(Call(name, version, request.headers, body))
        try:
            call = read_request(body)
            outputs = model.predict(checked_inputs(call, model.inputs))
            answer = {"model_name": name, "model_version": version, "outputs": wanted_outputs(call, outputs)}
        except BadTensorError as error:
            raise _refusal(web.HTTPBadRequest, str(error)) from error
        except ModelFailureError as error:
            raise _refusal(web.HTTPInternalServerError, str(error)) from error
        return web.json_response(answer if call.id is None else {**answer, "id": call.id})

    def _found(self, request: web.Request) -> tuple[str, EmulatedModel, str]:
        """Return name, model and version that a request is about."""
        self._authorize(request)
        name, version = request.match_info["name"], request.match_info.get("version")
        if version is not None and not self._versioned:
            raise _refusal(web.HTTPNotImplemented, "Model versioning is not supported.")
        model = self.models.get(name)
        if model is None or (version is not None and version not in model.versions):
            raise _refusal(web.HTTPNotFound, "There is no such model.")
        return name, model, version or model.versions[-1]

    def _authorize(self, request: web.Request) -> None:
        given = request.headers.get("Authorization", "")
        if self._authorization is not None and not hmac.compare_digest(given.encode(), self._authorization.encode()):
            raise _refusal(web.HTTPUnauthorized, "The credentials are not valid.")


def _types(tensors: Sequence[TensorType]) -> list[dict[str, object]]:
    return [to_builtins(tensor) for tensor in tensors]


def _refusal(kind: type[web.HTTPException], message: str) -> web.HTTPException:
    return kind(text=json.dumps({"error": message}), content_type="application/json")
