"""The emulator: routes, credentials, and what Azure answers.

Sources:

- control plane: REST reference of Azure Machine Learning, "Online Endpoints" (List, Get, List Keys, Get Token) and
  "Online Deployments" (List), for `value`, `nextLink`, members of keys and tokens; the requests of azure-ai-ml 1.35;
- Entra: Microsoft identity platform, "OAuth 2.0 client credentials flow";
- credentials of a call: Azure Machine Learning documentation, "Authenticate clients for online endpoints";
- 424 with its headers, and 404 where no deployment takes a call: the same, "Troubleshoot online endpoints deployment
  and scoring";
- bodies of errors: microsoft/azureml-inference-server (`message`), Azure Resource Manager (`error.code`). Their texts
  are assumed.
"""

import json
import secrets
from collections import deque
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from aiohttp import web
from msgspec import Struct
from multidict import CIMultiDictProxy

from adapters.testing.azureml.models import ModelFailureError
from adapters.testing.azureml.workspace import (
    CONTROL_SCOPE,
    SCORING_SCOPE,
    AuthMode,
    EmulatedDeployment,
    EmulatedEndpoint,
    Tokens,
    deployment_document,
    endpoint_document,
    swagger_document,
)
from adapters.testing.emulator import Emulator, Fault

_REMEMBERED = 100
_ONE_DEPLOYMENT = (EmulatedDeployment(),)


class Call(Struct, frozen=True):
    """A request that reached a model. Names of headers don't mind their case."""

    endpoint: str
    deployment: str
    headers: CIMultiDictProxy[str]
    body: bytes


class AzureMLEmulator(Emulator):
    """One workspace: give its `url` to an engine as `control_url` and as `authority_url`.

    `workspace_id` is its ARM id. The routes are `score`, `swagger`, `workspace`, `endpoints`, `endpoint`,
    `deployments`, `keys`, `endpoint_token` and `entra`. The last calls that reached a model are in `calls`, the newest
    last.

    Args:
        port: to listen on; 0: a free one.
        page_size: endpoints or deployments on a page.
        token_seconds: life of the tokens that it issues.
        refresh_seconds: after which the token of an endpoint wants to be renewed.
        api_version: the only one that its control plane knows; None: it takes any.
    """

    subscription_id = "00000000-0000-4000-8000-000000000001"
    resource_group = "credit"
    workspace = "scoring"
    tenant = "00000000-0000-4000-8000-000000000002"
    client_id = "00000000-0000-4000-8000-000000000003"

    def __init__(
        self,
        *,
        port: int = 0,
        page_size: int = 20,
        token_seconds: float = 3600.0,
        refresh_seconds: float | None = None,
        api_version: str | None = None,
    ) -> None:
        self.workspace_id = (
            f"/subscriptions/{self.subscription_id}/resourceGroups/{self.resource_group}"
            f"/providers/Microsoft.MachineLearningServices/workspaces/{self.workspace}"
        )
        endpoints = f"{self.workspace_id}/onlineEndpoints"
        super().__init__(
            [
                web.post("/endpoints/{name}/score", self._score, name="score"),
                web.get("/endpoints/{name}/swagger.json", self._swagger, name="swagger"),
                web.get(self.workspace_id, self._workspace, name="workspace"),
                web.get(endpoints, self._list_endpoints, name="endpoints"),
                web.get(f"{endpoints}/{{name}}", self._endpoint, name="endpoint"),
                web.get(f"{endpoints}/{{name}}/deployments", self._list_deployments, name="deployments"),
                web.post(f"{endpoints}/{{name}}/listKeys", self._list_keys, name="keys"),
                web.post(f"{endpoints}/{{name}}/token", self._endpoint_token, name="endpoint_token"),
                web.post("/{tenant}/oauth2/v2.0/token", self._entra, name="entra"),
            ],
            port=port,
        )
        self.client_secret = secrets.token_urlsafe(24)
        self.calls: deque[Call] = deque(maxlen=_REMEMBERED)
        self.endpoints: dict[str, EmulatedEndpoint] = {}
        self._page_size = page_size
        self._token_seconds = token_seconds
        self._refresh_seconds = refresh_seconds
        self._api_version = api_version
        self._tokens = Tokens()

    def add_endpoint(
        self,
        name: str,
        *,
        auth_mode: AuthMode = "Key",
        deployments: Sequence[EmulatedDeployment] = _ONE_DEPLOYMENT,
        traffic: dict[str, int] | None = None,
        compute: str | None = None,
        description: str = "",
    ) -> EmulatedEndpoint:
        """Add an endpoint; without `traffic` its first deployment has all of it."""
        endpoint = EmulatedEndpoint(
            name=name,
            auth_mode=auth_mode,
            deployments={deployment.name: deployment for deployment in deployments},
            traffic={deployments[0].name: 100} if traffic is None else traffic,
            compute=compute,
            description=description,
        )
        self.endpoints[name] = endpoint
        return endpoint

    def scoring_url(self, name: str) -> str:
        """Return the scoring URL of an endpoint."""
        return f"{self.url}/endpoints/{name}/score"

    def rotate_keys(self, name: str) -> None:
        """Regenerate both keys of an endpoint; the old ones are refused at once."""
        self.endpoints[name].keys = (secrets.token_urlsafe(24), secrets.token_urlsafe(24))

    def issue_token(self, *scopes: str) -> str:
        """Return a token for these scopes; without any, one for the control plane and for scoring."""
        return self._tokens.issue(*(scopes or (CONTROL_SCOPE, SCORING_SCOPE)), seconds=self._token_seconds)[0]

    def revoke_tokens(self, scope: str) -> None:
        """Refuse the tokens of a scope from now on; that of an endpoint's own tokens is `endpoint:<name>`."""
        self._tokens.revoke(scope)

    async def _score(self, request: web.Request) -> web.Response:
        endpoint = self._authorized_endpoint(request)
        deployment = endpoint.route(request.headers.get("azureml-model-deployment"))
        if deployment is None:
            raise _http(web.HTTPNotFound, {"message": "No deployment takes this call."})
        body = await request.read()
        self.calls.append(Call(endpoint.name, deployment.name, request.headers, body))
        headers = {"x-ms-client-request-id": request.headers.get("x-ms-client-request-id", "")}
        try:
            answer = json.dumps(deployment.handler(json.loads(body)))
        except (ModelFailureError, ValueError) as error:
            reason = str(error) if isinstance(error, ModelFailureError) else "The input is not JSON."
            return web.json_response({"message": reason}, status=424, headers=headers | _model_headers(500, reason))
        text = json.dumps(answer) if deployment.double_encoded else answer
        return web.Response(body=text.encode(), content_type="application/json", headers=headers)

    async def _swagger(self, request: web.Request) -> web.Response:
        endpoint = self._authorized_endpoint(request)
        version, chosen = request.query.get("version", "2"), request.headers.get("azureml-model-deployment")
        document = swagger_document(endpoint, chosen, version)
        if document is None:
            raise _http(web.HTTPNotFound, {"message": f"Swagger version [{version}] is not supported."})
        return web.json_response(document)

    async def _workspace(self, request: web.Request) -> web.Response:
        self._check_control(request)
        return web.json_response(
            {"id": self.workspace_id, "name": self.workspace, "location": "westeurope", "properties": {}}
        )

    async def _list_endpoints(self, request: web.Request) -> web.Response:
        self._check_control(request)
        return self._page(
            request, [self._document(item) for item in self.endpoints.values() if item.auth_mode != "None"]
        )

    async def _endpoint(self, request: web.Request) -> web.Response:
        return web.json_response(self._document(self._controlled(request)))

    async def _list_deployments(self, request: web.Request) -> web.Response:
        endpoint = self._controlled(request)
        return self._page(
            request, [deployment_document(endpoint, item, self.workspace_id) for item in endpoint.deployments.values()]
        )

    async def _list_keys(self, request: web.Request) -> web.Response:
        endpoint = self._controlled(request)
        if endpoint.auth_mode != "Key":
            raise _control_error(web.HTTPBadRequest, "UserError")
        return web.json_response({"primaryKey": endpoint.keys[0], "secondaryKey": endpoint.keys[1]})

    async def _endpoint_token(self, request: web.Request) -> web.Response:
        endpoint = self._controlled(request)
        if endpoint.auth_mode != "AMLToken":
            raise _control_error(web.HTTPBadRequest, "UserError")
        token, expires_at = self._tokens.issue(f"endpoint:{endpoint.name}", seconds=self._token_seconds)
        refresh_in = self._token_seconds / 2 if self._refresh_seconds is None else self._refresh_seconds
        return web.json_response(
            {
                "accessToken": token,
                "tokenType": "Bearer",
                "expiryTimeUtc": int(expires_at),
                "refreshAfterTimeUtc": int(expires_at - self._token_seconds + refresh_in),
            }
        )

    async def _entra(self, request: web.Request) -> web.Response:
        form = await request.post()
        wanted = (self.client_id, self.client_secret, "client_credentials")
        if request.match_info["tenant"] != self.tenant:
            return web.json_response({"error": "invalid_request"}, status=400)
        if (form.get("client_id"), form.get("client_secret"), form.get("grant_type")) != wanted:
            return web.json_response({"error": "invalid_client"}, status=401)
        token, _ = self._tokens.issue(str(form.get("scope")), seconds=self._token_seconds)
        return web.json_response(
            {"token_type": "Bearer", "expires_in": int(self._token_seconds), "access_token": token}
        )

    def _document(self, endpoint: EmulatedEndpoint) -> dict[str, Any]:
        return endpoint_document(endpoint, self.workspace_id, self.url)

    def _page(self, request: web.Request, documents: list[dict[str, Any]]) -> web.Response:
        start = int(request.query.get("$skip", "0"))
        end = start + self._page_size
        page: dict[str, Any] = {"value": documents[start:end]}
        if end < len(documents):
            version = quote(request.query["api-version"])
            page["nextLink"] = f"{self.url}{request.path}?api-version={version}&$skip={end}"
        return web.json_response(page)

    def _controlled(self, request: web.Request) -> EmulatedEndpoint:
        self._check_control(request)
        endpoint = self.endpoints.get(request.match_info["name"])
        if endpoint is None:
            raise _control_error(web.HTTPNotFound, "ResourceNotFound")
        return endpoint

    def _check_control(self, request: web.Request) -> None:
        if not self._tokens.valid(_bearer(request), CONTROL_SCOPE):
            raise _control_error(web.HTTPUnauthorized, "InvalidAuthenticationToken")
        if "api-version" not in request.query:
            raise _control_error(web.HTTPBadRequest, "MissingApiVersionParameter")
        if self._api_version not in (None, request.query["api-version"]):
            raise _control_error(web.HTTPBadRequest, "InvalidResourceType")

    def _authorized_endpoint(self, request: web.Request) -> EmulatedEndpoint:
        endpoint = self.endpoints.get(request.match_info["name"])
        if endpoint is None:
            raise _http(web.HTTPNotFound, {"message": "No such endpoint."})
        if not self._may_score(endpoint, _bearer(request)):
            raise _http(web.HTTPUnauthorized, {"message": "The key or token is not valid."})
        return endpoint

    def _may_score(self, endpoint: EmulatedEndpoint, credential: str) -> bool:
        match endpoint.auth_mode:
            case "Key":
                return credential in endpoint.keys
            case "AMLToken":
                return self._tokens.valid(credential, f"endpoint:{endpoint.name}")
            case "AADToken":
                return self._tokens.valid(credential, SCORING_SCOPE)
            case "None":
                return True


def model_failure(status: int, reason: str = "The model raised an exception.", *, times: int | None = 1) -> Fault:
    """Return the fault of a model that answers with another status than 200, as Azure reports it."""
    return Fault(
        route="score",
        times=times,
        status=424,
        body=json.dumps({"message": reason}).encode(),
        headers=_model_headers(status, reason),
    )


def _model_headers(status: int, reason: str) -> dict[str, str]:
    return {"ms-azureml-model-error-statuscode": str(status), "ms-azureml-model-error-reason": reason}


def _bearer(request: web.Request) -> str:
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    return credential if scheme == "Bearer" else ""


def _control_error(kind: type[web.HTTPException], code: str) -> web.HTTPException:
    return _http(kind, {"error": {"code": code, "message": f"{code}."}})


def _http(kind: type[web.HTTPException], body: dict[str, Any]) -> web.HTTPException:
    return kind(text=json.dumps(body), content_type="application/json")
