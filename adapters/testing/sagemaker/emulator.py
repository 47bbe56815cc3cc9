"""The emulator: routes, signatures, and the runtime's rules.

Source: "InvokeEndpoint", Amazon SageMaker API reference, and the service model `sagemaker-runtime` (2017-05-13) in
boto/botocore: headers that choose a variant, a component or an artifact, 6,291,456 bytes a body, ModelError with status
424 and its members. The 4 MB of serverless endpoints: "Invoke a serverless endpoint", developer guide. Assumed: status
413 beyond these limits, and the texts of refusals.
"""

import json
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime

from aiohttp import web
from msgspec import Struct

from adapters.testing.emulator import Emulator
from adapters.testing.sagemaker.account import Account, Answer, EmulatedEndpoint
from adapters.testing.sagemaker.errors import AwsRefusalError
from adapters.testing.sagemaker.models import Handler, ModelFailureError
from adapters.testing.sagemaker.signature import AccessKey, SignedRequest, verify

MAX_BYTES = 6_291_456
MAX_SERVERLESS_BYTES = 4 * 1_048_576

DEFAULT_KEY = AccessKey(id="AKIAEMULATED00000000", secret="emulated-secret-access-key")  # noqa: S106 - opens nothing
_REMEMBERED = 100


class Invocation(Struct, frozen=True):
    """A request that reached a model. Names of headers don't mind their case."""

    endpoint: str
    headers: Mapping[str, str]
    body: bytes


class SageMakerEmulator(Emulator):
    """SageMaker Runtime and the control plane's listings; every request has to be signed.

    The routes are `invocations` and `control`. The last calls of models are in `invocations`, the newest last.
    """

    def __init__(self, *, region: str = "us-east-1", key: AccessKey = DEFAULT_KEY, port: int = 0) -> None:
        routes = [
            web.post("/endpoints/{name}/invocations", self._invoke, name="invocations"),
            web.post("/", self._control, name="control"),
        ]
        super().__init__(routes, port=port)
        self.region = region
        self.invocations: deque[Invocation] = deque(maxlen=_REMEMBERED)
        self._account = Account(region)
        self._keys = {key.id: key}
        self._denied: dict[tuple[str, str], AwsRefusalError] = {}

    def add_key(self, key: AccessKey) -> None:
        """Take requests that are signed with this key; in place of the one with the same id."""
        self._keys[key.id] = key

    def remove_key(self, key_id: str) -> None:
        """Know this key no longer."""
        del self._keys[key_id]

    def add_endpoint(
        self,
        name: str,
        *,
        model: Handler | None = None,
        model_name: str | None = None,
        variants: Mapping[str, Handler] | None = None,
        components: Mapping[str, Handler] | None = None,
        targets: Mapping[str, Handler] | None = None,
        status: str = "InService",
        asynchronous: bool = False,
        serverless: bool = False,
    ) -> None:
        """Add an endpoint, or put another one in its place.

        Args:
            name: of the endpoint.
            model: behind its only variant.
            model_name: SageMaker's name of that model; default: `<name>-model`.
            variants: instead of `model`: models by production variant; the first takes calls that choose none.
            components: instead of `model`: models by inference component.
            targets: instead of `model`: models by artifact, for a multi-model endpoint.
            status: as SageMaker writes it.
            asynchronous: with an AsyncInferenceConfig: it takes no calls in real time.
            serverless: with a ServerlessConfig.
        """
        if model is not None:
            models: Mapping[str, Handler] = {"AllTraffic": model}
        elif targets is not None:
            models = {"AllTraffic": next(iter(targets.values()))}
        else:
            models = components or variants or {}
        if not models:
            raise ValueError("An endpoint needs one of model, variants, components, targets.")
        single = model_name or f"{name}-model"
        endpoint = EmulatedEndpoint(
            name=name,
            models=dict(models),
            model_names={part: single if len(models) == 1 else f"{single}-{part}" for part in models},
            hosts_components=components is not None,
            targets=dict(targets or {}),
            status=status,
            asynchronous=asynchronous,
            serverless=serverless,
        )
        self._account.add(endpoint)

    def remove_endpoint(self, name: str) -> None:
        """Delete an endpoint."""
        del self._account.endpoints[name]

    def deny(
        self, operation: str, name: str, *, code: str = "AccessDeniedException", message: str = "Not authorized."
    ) -> None:
        """Refuse an operation of the control plane for one thing (an endpoint, a configuration, a model)."""
        self._denied[operation, name] = AwsRefusalError(code, message)

    def allow(self) -> None:
        """Forget what was denied."""
        self._denied.clear()

    async def _control(self, request: web.Request) -> web.Response:
        try:
            body = await self._verified(request)
            name = request.headers.get("X-Amz-Target", "").removeprefix("SageMaker.")
            answer = self._operate(name, json.loads(body))
            return web.json_response(answer, content_type="application/x-amz-json-1.1")
        except AwsRefusalError as refusal:
            return refusal.response(for_control_plane=True)

    def _operate(self, name: str, arguments: Answer) -> Answer:
        for (denied, thing), refusal in self._denied.items():
            if denied == name and thing in arguments.values():
                raise refusal
        operation = self._account.operations.get(name)
        if operation is None:
            raise AwsRefusalError("UnknownOperationException", "The operation is not emulated.", status=404)
        return operation(arguments)

    async def _invoke(self, request: web.Request) -> web.Response:
        try:
            body = await self._verified(request)
            endpoint = self._account.serving(request.match_info["name"])
            if len(body) > (MAX_SERVERLESS_BYTES if endpoint.serverless else MAX_BYTES):
                return web.Response(status=413)
            handler, variant = _chosen(endpoint, request.headers)
            self.invocations.append(Invocation(endpoint.name, request.headers, body))
            return _answer(handler, variant, request, body)
        except AwsRefusalError as refusal:
            return refusal.response(for_control_plane=False)

    async def _verified(self, request: web.Request) -> bytes:
        body = await request.read()
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.raw_headers]
        signed = SignedRequest(request.method, request.raw_path, headers, body)
        verify(signed, self._keys, region=self.region, now=datetime.now(UTC))
        return body


def _chosen(endpoint: EmulatedEndpoint, headers: Mapping[str, str]) -> tuple[Handler, str]:
    component = headers.get("X-Amzn-SageMaker-Inference-Component")
    if endpoint.hosts_components:
        if component is None:
            raise AwsRefusalError(
                "ValidationError",
                "Inference Component Name header is required for endpoints to which you plan to deploy inference "
                "components.",
            )
        if component not in endpoint.models:
            raise AwsRefusalError("ValidationError", f"Inference Component {component} not found.")
        return endpoint.models[component], "AllTraffic"
    variant = headers.get("X-Amzn-SageMaker-Target-Variant") or next(iter(endpoint.models))
    if variant not in endpoint.models:
        raise AwsRefusalError("ValidationError", f"Variant {variant} not found for endpoint {endpoint.name}.")
    if not endpoint.targets:
        return endpoint.models[variant], variant
    target = headers.get("X-Amzn-SageMaker-Target-Model")
    if target not in endpoint.targets:
        raise AwsRefusalError("ValidationError", "The TargetModel header is missing, or names no artifact.")
    return endpoint.targets[target], variant


def _answer(handler: Handler, variant: str, request: web.Request, body: bytes) -> web.Response:
    try:
        content, content_type = handler(body, request.headers.get("Content-Type", ""), request.headers.get("Accept"))
    except ModelFailureError as failure:
        raise AwsRefusalError(
            "ModelError",
            f'Received error ({failure.status}) from model with message "{failure.message}".',
            status=424,
            details={
                "OriginalStatusCode": failure.status,
                "OriginalMessage": failure.message,
                "LogStreamArn": "",
            },
        ) from failure
    headers = {"Content-Type": content_type, "x-Amzn-Invoked-Production-Variant": variant}
    return web.Response(body=content, headers=headers)
