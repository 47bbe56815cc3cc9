"""Emulated Watson Machine Learning: deployments v4, with the token services of IBM Cloud and Cloud Pak for Data.

Source: IBM watsonx.ai Runtime API, "Deployments".
"""

import json
import re
from collections import deque
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from aiohttp import web
from msgspec import Struct
from multidict import CIMultiDictProxy, MultiMapping

from adapters.testing.azureml.models import Handler, ModelFailureError
from adapters.testing.emulator import Emulator
from adapters.testing.fields_values import scored_table
from adapters.testing.ibm_tokens import IbmTokenServices

_REMEMBERED = 100
_MAX_LIMIT = 200


class WatsonDeployment(Struct, frozen=True, kw_only=True):
    """A deployment of a space. `kind` is `online` or `batch`; the handler takes and gives fields/values."""

    id: str
    name: str
    space: str
    model: str
    serving_name: str | None
    handler: Handler
    kind: str
    state: str


class WatsonCall(Struct, frozen=True):
    """A request that reached a model."""

    deployment: str
    headers: CIMultiDictProxy[str]
    query: MultiMapping[str]
    body: bytes


class WatsonMlEmulator(Emulator):
    """One service at `url`, IBM Cloud IAM at `iam_url`, Cloud Pak for Data at `cloud_pak_url`.

    Its routes are `deployments`, `predictions`, and those of `tokens`. The last calls are in `calls`, the newest last.

    Args:
        page_size: deployments on a page, at most.
        token_seconds: life of the tokens that it issues.
        listed_base: scheme and host of the links in its lists; None: the service's own.
        port: to listen on; 0: a free one.

    Attributes:
        tokens: the token services, and the credentials that they take.
    """

    space = "00000000-0000-4000-8000-00000000000a"

    def __init__(
        self, *, page_size: int = 100, token_seconds: float = 3600.0, listed_base: str | None = None, port: int = 0
    ) -> None:
        self.tokens = IbmTokenServices(seconds=token_seconds)
        super().__init__(
            [
                *self.tokens.routes,
                web.get("/ml/v4/deployments", self._list, name="deployments"),
                web.post("/ml/v4/deployments/{id}/predictions", self._predict, name="predictions"),
            ],
            port=port,
        )
        self.calls: deque[WatsonCall] = deque(maxlen=_REMEMBERED)
        self._page_size = page_size
        self.listed_base = listed_base
        self._deployments: dict[str, WatsonDeployment] = {}

    @property
    def iam_url(self) -> str:
        """Token URL of IBM Cloud IAM."""
        return f"{self.url}/identity/token"

    @property
    def cloud_pak_url(self) -> str:
        """Token URL of Cloud Pak for Data."""
        return f"{self.url}/icp4d-api/v1/authorize"

    def add_deployment(
        self,
        identity: str,
        *,
        name: str = "credit risk",
        space: str | None = None,
        model: str = "credit-risk-model",
        serving_name: str | None = None,
        handler: Handler = scored_table,
        kind: str = "online",
        state: str = "ready",
    ) -> WatsonDeployment:
        """Add a deployment, to `space` of the class where none is given."""
        deployment = WatsonDeployment(
            id=identity,
            name=name,
            space=space or self.space,
            model=model,
            serving_name=serving_name,
            handler=handler,
            kind=kind,
            state=state,
        )
        self._deployments[identity] = deployment
        return deployment

    async def _list(self, request: web.Request) -> web.Response:
        self._admit(request)
        space = request.query.get("space_id")
        if space is None:
            raise _problem(web.HTTPBadRequest, "missing_query_parameter", "One of space_id, project_id is needed.")
        start = int(request.query.get("start", "0"))
        limit = min(int(request.query.get("limit", "100")), _MAX_LIMIT, self._page_size)
        listed = [item for item in self._deployments.values() if item.space == space]
        page: dict[str, Any] = {
            "limit": limit,
            "first": {"href": self._link(limit=str(limit))},
            "resources": [self._document(item) for item in listed[start : start + limit]],
        }
        if start + limit < len(listed):
            page["next"] = {"href": self._link(space_id=space, limit=str(limit), start=str(start + limit))}
        return web.json_response(page)

    async def _predict(self, request: web.Request) -> web.Response:
        self._admit(request)
        wanted = request.match_info["id"]
        found = (item for item in self._deployments.values() if wanted in (item.id, item.serving_name))
        deployment = next(found, None)
        if deployment is None or deployment.kind != "online":
            raise _problem(web.HTTPNotFound, "deployment_does_not_exist", "There is no such online deployment.")
        body = await request.read()
        self.calls.append(WatsonCall(deployment.id, request.headers, request.query, body))
        try:
            elements = json.loads(body)["input_data"]
            predictions = [deployment.handler(element) for element in elements]
        except (ModelFailureError, KeyError, TypeError, ValueError) as error:
            reason = str(error) if isinstance(error, ModelFailureError) else "The body needs input_data."
            raise _problem(web.HTTPBadRequest, "invalid_request_entity", reason) from None
        return web.json_response({"predictions": predictions})

    def _admit(self, request: web.Request) -> None:
        if not self.tokens.admits(request):
            raise _problem(web.HTTPUnauthorized, "authentication_token_not_valid", "The token is not valid.")
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", request.query.get("version", "")) is None:
            raise _problem(web.HTTPBadRequest, "missing_query_parameter", "The version is missing.")

    def _link(self, **query: str) -> str:
        return f"{self.listed_base or self.url}/ml/v4/deployments?{urlencode(query)}"

    def _document(self, deployment: WatsonDeployment) -> dict[str, Any]:
        status: dict[str, Any] = {"state": deployment.state}
        parameters = {} if deployment.serving_name is None else {"serving_name": deployment.serving_name}
        if deployment.kind == "online":
            url = f"{self.listed_base or self.url}/ml/v4/deployments/{deployment.id}/predictions"
            status["online_url"] = {"url": url}
        return {
            "metadata": {
                "id": deployment.id,
                "name": deployment.name,
                "description": "Emulated.",
                "space_id": deployment.space,
                "created_at": "2024-05-01T10:00:00.123Z",
                "modified_at": "2024-05-02T10:00:00.456Z",
                "owner": "somebody",
            },
            "entity": {
                "asset": {"id": deployment.model},
                "deployed_asset_type": "model",
                deployment.kind: {"parameters": parameters},
                "space_id": deployment.space,
                "status": status,
            },
        }


def _problem(kind: type[web.HTTPException], code: str, message: str) -> web.HTTPException:
    body = {"trace": uuid4().hex, "errors": [{"code": code, "message": message}], "status_code": kind.status_code}
    return kind(text=json.dumps(body), content_type="application/json")
