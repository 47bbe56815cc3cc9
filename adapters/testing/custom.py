"""An emulated custom machine learning engine, like the examples that IBM publishes.

Source: IBM Watson OpenScale documentation, "Custom machine learning examples"; the engines in
pmservice/ai-openscale-tutorials.
"""

import base64
import json
from collections import deque
from typing import Any, Literal

from aiohttp import web
from msgspec import Struct
from multidict import CIMultiDictProxy

from adapters.testing.azureml.models import Handler, ModelFailureError
from adapters.testing.emulator import Emulator
from adapters.testing.fields_values import scored_table

_REMEMBERED = 100
_TIME = "2024-05-01T10:00:00Z"


class CustomDeployment(Struct, frozen=True, kw_only=True):
    """A deployment. `path` is where it is scored; `kind` is `online` or `batch`."""

    id: str
    name: str
    asset: str
    path: str
    handler: Handler
    kind: str = "online"


class CustomCall(Struct, frozen=True):
    """A request that reached a model."""

    path: str
    headers: CIMultiDictProxy[str]
    body: bytes


class CustomEngineEmulator(Emulator):
    """One engine; its routes are `deployments` and `online`. The last calls are in `calls`, the newest last.

    Args:
        schema: form of the list: `A` as in IBM's examples, `B` as OpenScale's SDKs read it.
        username: of Basic authentication; None: anybody may call.
        password: of `username`.
        listed_base: scheme and host of the URLs that are listed; None: the engine's own.
        count: that the list states; None: the right one.
        port: to listen on; 0: a free one.
    """

    def __init__(
        self,
        *,
        schema: Literal["A", "B"] = "A",
        username: str | None = None,
        password: str = "",
        listed_base: str | None = None,
        count: int | None = None,
        port: int = 0,
    ) -> None:
        super().__init__(
            [
                web.get("/v1/deployments", self._list, name="deployments"),
                web.post("/{path:.+}", self._score, name="online"),
            ],
            port=port,
        )
        self._schema = schema
        self._authorization = None if username is None else _basic(username, password)
        self.listed_base = listed_base
        self._count = count
        self._deployments: dict[str, CustomDeployment] = {}
        self.calls: deque[CustomCall] = deque(maxlen=_REMEMBERED)

    def add_deployment(
        self,
        identity: str,
        *,
        name: str | None = None,
        asset: str | None = None,
        path: str | None = None,
        handler: Handler = scored_table,
        kind: str = "online",
    ) -> CustomDeployment:
        """Add a deployment; `asset` is the id of its model."""
        deployment = CustomDeployment(
            id=identity,
            name=name or identity,
            asset=asset or identity,
            path=path or f"/v1/deployments/{identity}/online",
            handler=handler,
            kind=kind,
        )
        self._deployments[identity] = deployment
        return deployment

    async def _list(self, request: web.Request) -> web.Response:
        self._authenticate(request)
        resources = [self._document(deployment) for deployment in self._deployments.values()]
        count = len(resources) if self._count is None else self._count
        return web.json_response({"count": count, "resources": resources})

    async def _score(self, request: web.Request) -> web.Response:
        self._authenticate(request)
        deployment = next((item for item in self._deployments.values() if item.path == request.path), None)
        if deployment is None:
            return web.json_response({"error": "Not found."}, status=404)
        body = await request.read()
        self.calls.append(CustomCall(request.path, request.headers, body))
        try:
            return web.json_response(deployment.handler(json.loads(body)))
        except (ModelFailureError, ValueError) as error:
            reason = str(error) if isinstance(error, ModelFailureError) else "The body is not JSON."
            return web.json_response({"error": reason, "details": "", "statusCode": 500}, status=500)

    def _authenticate(self, request: web.Request) -> None:
        if self._authorization not in (None, request.headers.get("Authorization")):
            raise web.HTTPUnauthorized(text=json.dumps({"error": "Unauthorized."}), content_type="application/json")

    def _document(self, deployment: CustomDeployment) -> dict[str, Any]:
        url = f"{self.listed_base or self.url}{deployment.path}"
        entity: dict[str, Any] = {"name": deployment.name, "description": "Emulated.", "type": deployment.kind}
        if self._schema == "A":
            entity["scoring_url"] = url
            entity["asset"] = {"guid": deployment.asset, "name": deployment.asset, "url": url}
            entity["asset_properties"] = {"problem_type": "binary", "input_data_type": "structured"}
        else:
            entity["scoring_endpoint"] = {"url": url, "request_headers": {"X-Deployment": deployment.id}}
            entity["asset"] = {"asset_id": deployment.asset, "name": deployment.asset, "asset_type": "model"}
            entity["asset_properties"] = {}
        metadata = {"guid": deployment.id, "url": url, "created_at": _TIME, "modified_at": _TIME}
        return {"metadata": metadata, "entity": entity}


def _basic(username: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"
