"""The emulator: routes, credentials, and what Azure Resource Manager answers.

Source: REST reference of Machine Learning Studio (classic), Web Services (2017-01-01).
"""

import json
import secrets
from collections import deque
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from msgspec import Struct, field
from multidict import CIMultiDictProxy

from adapters.testing.azure_studio.models import BadArgumentError, Model, credit_risk_binary
from adapters.testing.azure_studio.wire import error_document, objects, read_rows, table
from adapters.testing.azureml.models import ModelFailureError
from adapters.testing.emulator import Emulator, Fault

_REMEMBERED = 100
_PROVIDER = "providers/Microsoft.MachineLearning/webServices"
_CONTROL_SCOPE = "https://management.azure.com/.default"


class EmulatedService(Struct, kw_only=True):
    """A web service of the kind "New". `state` is its provisioning state."""

    name: str
    model: Model
    resource_group: str
    state: str = "Succeeded"
    modified_on: str = "2017-03-02T10:30:00Z"
    max_parallel: int = 20
    service_id: str = field(default_factory=lambda: secrets.token_hex(16))
    keys: tuple[str, str] = field(default_factory=lambda: (secrets.token_urlsafe(24), secrets.token_urlsafe(24)))


class Call(Struct, frozen=True):
    """A request that reached a model. Names of headers don't mind their case."""

    service: str
    query: str
    headers: CIMultiDictProxy[str]
    body: bytes


class AzureStudioEmulator(Emulator):
    """One subscription: give its `url` to an engine as `control_url` and as `authority_url`.

    The routes are `execute`, `services`, `group_services`, `service`, `keys` and `entra`. The last calls that reached a
    model are in `calls`, the newest last.

    Args:
        port: to listen on; 0: a free one.
        page_size: services on a page.
    """

    subscription_id = "00000000-0000-4000-8000-000000000011"
    resource_group = "credit"
    tenant = "00000000-0000-4000-8000-000000000012"
    client_id = "00000000-0000-4000-8000-000000000013"

    def __init__(self, *, port: int = 0, page_size: int = 10) -> None:
        subscription = f"/subscriptions/{self.subscription_id}"
        group = f"{subscription}/resourceGroups/{{group}}"
        service = f"{group}/{_PROVIDER}/{{name}}"
        super().__init__(
            [
                web.post("/subscriptions/{subscription}/services/{service_id}/execute", self._execute, name="execute"),
                web.get(f"{subscription}/{_PROVIDER}", self._list, name="services"),
                web.get(f"{group}/{_PROVIDER}", self._list, name="group_services"),
                web.get(service, self._service, name="service"),
                web.get(f"{service}/listKeys", self._list_keys, name="keys"),
                web.post("/{tenant}/oauth2/v2.0/token", self._entra, name="entra"),
            ],
            port=port,
        )
        self.client_secret = secrets.token_urlsafe(24)
        self.services: list[EmulatedService] = []
        self.calls: deque[Call] = deque(maxlen=_REMEMBERED)
        self._page_size = page_size
        self._tokens: set[str] = set()

    def add_service(
        self, name: str, model: Model | None = None, *, resource_group: str | None = None
    ) -> EmulatedService:
        """Add a web service, in the emulator's own resource group where no other is named."""
        service = EmulatedService(
            name=name, model=model or credit_risk_binary(), resource_group=resource_group or self.resource_group
        )
        self.services.append(service)
        return service

    def scoring_url(self, service: EmulatedService) -> str:
        """Return the request-response URL of a service, without a query."""
        return f"{self.url}/subscriptions/{self.subscription_id}/services/{service.service_id}/execute"

    def issue_token(self) -> str:
        """Return a token for the control plane."""
        token = secrets.token_urlsafe(32)
        self._tokens.add(token)
        return token

    def revoke_tokens(self) -> None:
        """Refuse all tokens that were issued so far."""
        self._tokens.clear()

    async def _execute(self, request: web.Request) -> web.Response:
        service = next((item for item in self.services if item.service_id == request.match_info["service_id"]), None)
        if service is None:
            raise _http(web.HTTPNotFound, "NotFound", "The service was not found.")
        if _bearer(request) not in service.keys:
            raise _http(web.HTTPUnauthorized, "ScoreRequestUnauthorized", "Invalid credentials provided.")
        if request.query.get("api-version") != "2.0":
            raise _http(web.HTTPBadRequest, "BadArgument", "The api-version is missing.")
        body = await request.read()
        self.calls.append(Call(service.name, request.query_string, request.headers, body))
        swagger = request.query.get("format") == "swagger"
        try:
            scored = service.model.score(read_rows(body, service.model.columns, swagger=swagger))
        except BadArgumentError as error:
            raise _http(web.HTTPBadRequest, "BadArgument", "Invalid argument provided.", str(error)) from error
        except ModelFailureError as error:
            raise _http(web.HTTPBadRequest, "ModuleExecutionError", "Module execution failed.", str(error)) from error
        output = objects(scored) if swagger else table(scored, details=request.query.get("details") == "true")
        return web.json_response({"Results": {"output1": output}})

    async def _list(self, request: web.Request) -> web.Response:
        self._check_control(request)
        group = request.match_info.get("group")
        found = [self._document(item) for item in self.services if group in (None, item.resource_group)]
        start = int(request.query.get("$skiptoken", "0"))
        end = start + self._page_size
        page: dict[str, Any] = {"value": found[start:end]}
        if end < len(found):
            page["nextLink"] = str(request.url.update_query({"$skiptoken": str(end)}))
        return web.json_response(page)

    async def _service(self, request: web.Request) -> web.Response:
        service = self._controlled(request)
        document = self._document(service)
        columns = {name: {"type": "String", "x-ms-isnullable": True} for name in service.model.columns}
        ports = {"type": "object", "properties": {"input1": {"type": "object", "properties": columns}}}
        document["properties"] |= {"input": ports, "parameters": {}}
        return web.json_response(document)

    async def _list_keys(self, request: web.Request) -> web.Response:
        primary, secondary = self._controlled(request).keys
        return web.json_response({"primary": primary, "secondary": secondary})

    async def _entra(self, request: web.Request) -> web.Response:
        form = await request.post()
        given = (request.match_info["tenant"], form.get("client_id"), form.get("client_secret"), form.get("scope"))
        if given != (self.tenant, self.client_id, self.client_secret, _CONTROL_SCOPE):
            return web.json_response({"error": "invalid_client"}, status=401)
        return web.json_response({"token_type": "Bearer", "expires_in": 3600, "access_token": self.issue_token()})

    def _document(self, service: EmulatedService) -> dict[str, Any]:
        group = f"/subscriptions/{self.subscription_id}/resourceGroups/{service.resource_group}"
        return {
            "id": f"{group}/{_PROVIDER}/{service.name}",
            "name": service.name,
            "location": "West Europe",
            "type": "Microsoft.MachineLearning/webServices",
            "tags": {},
            "properties": {
                "title": f"{service.name} [Predictive Exp.]",
                "description": "An emulated web service.",
                "createdOn": "2017-03-01T08:00:00.123Z",
                "modifiedOn": service.modified_on,
                "provisioningState": service.state,
                "swaggerLocation": self.scoring_url(service).removesuffix("execute") + "swagger.json",
                "realtimeConfiguration": {"maxConcurrentCalls": service.max_parallel},
                "readOnly": False,
                "packageType": "Graph",
            },
        }

    def _controlled(self, request: web.Request) -> EmulatedService:
        self._check_control(request)
        wanted = (request.match_info["group"], request.match_info["name"])
        service = next((item for item in self.services if (item.resource_group, item.name) == wanted), None)
        if service is None:
            raise _http(web.HTTPNotFound, "ResourceNotFound", "The resource was not found.")
        return service

    def _check_control(self, request: web.Request) -> None:
        if _bearer(request) not in self._tokens:
            raise _http(web.HTTPUnauthorized, "InvalidAuthenticationToken", "The token is not valid.")
        if "api-version" not in request.query:
            raise _http(web.HTTPBadRequest, "MissingApiVersionParameter", "The api-version is missing.")


def studio_error(
    status: int, code: str, message: str = "", *, times: int | None = 1, headers: Mapping[str, str] | None = None
) -> Fault:
    """Return the fault of a service that answers with an error, in Studio's form."""
    body = json.dumps(error_document(code, message)).encode()
    return Fault(route="execute", status=status, body=body, times=times, headers=dict(headers or {}))


def _bearer(request: web.Request) -> str:
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    return credential if scheme == "Bearer" else ""


def _http(kind: type[web.HTTPException], code: str, message: str, detail: str = "") -> web.HTTPException:
    return kind(text=json.dumps(error_document(code, message, detail)), content_type="application/json")
