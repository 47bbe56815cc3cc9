"""What the emulated account holds, and the control plane's view of it.

Source: ListEndpoints, DescribeEndpoint, DescribeEndpointConfig, DescribeModel, ListInferenceComponents and
DescribeInferenceComponent, Amazon SageMaker API reference, and the service model `sagemaker` (2017-07-24) in
boto/botocore: members, states, pages of 10 items by default and of 100 at most. Assumed: what is refused as
ValidationException, and in which words.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from adapters.testing.sagemaker.errors import AwsRefusalError
from adapters.testing.sagemaker.models import Handler

ACCOUNT = "123456789012"
_SERVING = frozenset({"InService", "Updating", "SystemUpdating", "RollingBack", "UpdateRollbackFailed"})
"""The last by DescribeEndpoint ("in service with a mix of the old and new endpoint configurations"); those that change
are assumed to go on serving."""
_SERVERLESS = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}

Answer = dict[str, Any]


class EmulatedEndpoint(Struct, kw_only=True):
    """An endpoint and what runs behind it.

    Attributes:
        models: by variant, or by component where it hosts components.
        model_names: SageMaker's names of these models.
        targets: by artifact, for a multi-model endpoint.
        created_at: seconds of the Unix epoch; `modified_at` likewise.
    """

    name: str
    models: dict[str, Handler]
    model_names: dict[str, str]
    hosts_components: bool = False
    targets: dict[str, Handler] = field(default_factory=dict)
    status: str = "InService"
    asynchronous: bool = False
    serverless: bool = False
    created_at: float = 0.0
    modified_at: float = 0.0


class Account:
    """The endpoints of one account and region, and the operations of the control plane on them."""

    def __init__(self, region: str) -> None:
        self.region = region
        self.endpoints: dict[str, EmulatedEndpoint] = {}
        self.operations: Mapping[str, Callable[[Answer], Answer]] = {
            "ListEndpoints": self._list_endpoints,
            "DescribeEndpoint": self._describe_endpoint,
            "DescribeEndpointConfig": self._describe_endpoint_config,
            "DescribeModel": self._describe_model,
            "ListInferenceComponents": self._list_components,
            "DescribeInferenceComponent": self._describe_component,
        }

    def add(self, endpoint: EmulatedEndpoint) -> None:
        """Add an endpoint, or put another one in its place."""
        endpoint.modified_at = round(time.time(), 3)
        known = self.endpoints.get(endpoint.name)
        endpoint.created_at = known.created_at if known else endpoint.modified_at
        self.endpoints[endpoint.name] = endpoint

    def serving(self, name: str) -> EmulatedEndpoint:
        """Return an endpoint that scores.

        Raises:
            AwsRefusalError: there is none of this name.
        """
        endpoint = self.endpoints.get(name)
        if endpoint is None or endpoint.status not in _SERVING or endpoint.asynchronous:
            raise AwsRefusalError("ValidationError", f"Endpoint {name} of account {ACCOUNT} not found.")
        return endpoint

    def _arn(self, kind: str, name: str) -> str:
        return f"arn:aws:sagemaker:{self.region}:{ACCOUNT}:{kind}/{name}"

    def _endpoint(self, name: str) -> EmulatedEndpoint:
        if name not in self.endpoints:
            raise AwsRefusalError("ValidationException", f'Could not find endpoint "{self._arn("endpoint", name)}".')
        return self.endpoints[name]

    def _summary(self, endpoint: EmulatedEndpoint) -> Answer:
        return {
            "EndpointName": endpoint.name,
            "EndpointArn": self._arn("endpoint", endpoint.name),
            "CreationTime": endpoint.created_at,
            "LastModifiedTime": endpoint.modified_at,
            "EndpointStatus": endpoint.status,
        }

    def _list_endpoints(self, request: Answer) -> Answer:
        wanted, part = request.get("StatusEquals"), request.get("NameContains", "")
        chosen = [
            self._summary(endpoint)
            for _, endpoint in sorted(self.endpoints.items())
            if part in endpoint.name and wanted in (None, endpoint.status)
        ]
        return _page(request, "Endpoints", chosen)

    def _describe_endpoint(self, request: Answer) -> Answer:
        endpoint = self._endpoint(request["EndpointName"])
        answer = self._summary(endpoint) | {
            "EndpointConfigName": f"{endpoint.name}-config",
            "ProductionVariants": [_running_variant(endpoint, name) for name in _variants(endpoint)],
        }
        if endpoint.asynchronous:
            answer["AsyncInferenceConfig"] = {"OutputConfig": {"S3OutputPath": "s3://emulated/answers"}}
        return answer

    def _describe_endpoint_config(self, request: Answer) -> Answer:
        name: str = request["EndpointConfigName"]
        endpoint = self._endpoint(name.removesuffix("-config"))
        return {
            "EndpointConfigName": name,
            "EndpointConfigArn": self._arn("endpoint-config", name),
            "CreationTime": endpoint.created_at,
            "ProductionVariants": [_variant(endpoint, variant) for variant in _variants(endpoint)],
        }

    def _describe_model(self, request: Answer) -> Answer:
        name: str = request["ModelName"]
        for endpoint in self.endpoints.values():
            if name in endpoint.model_names.values():
                return {
                    "ModelName": name,
                    "ModelArn": self._arn("model", name),
                    "CreationTime": endpoint.created_at,
                    "PrimaryContainer": {"ModelDataUrl": f"s3://emulated/{name}/model.tar.gz"},
                }
        raise AwsRefusalError("ValidationException", f'Could not find model "{self._arn("model", name)}".')

    def _list_components(self, request: Answer) -> Answer:
        wanted, status = request.get("EndpointNameEquals"), request.get("StatusEquals")
        chosen = [
            component
            for component in self._components(wanted)
            if status in (None, component["InferenceComponentStatus"])
        ]
        return _page(request, "InferenceComponents", chosen)

    def _describe_component(self, request: Answer) -> Answer:
        name: str = request["InferenceComponentName"]
        for component in self._components(None):
            if component["InferenceComponentName"] == name:
                model = self.endpoints[component["EndpointName"]].model_names[name]
                return component | {"Specification": {"ModelName": model}}
        raise AwsRefusalError("ValidationException", f'Could not find inference component "{name}".')

    def _components(self, endpoint_name: str | None) -> Iterable[Answer]:
        for endpoint in self.endpoints.values():
            if not endpoint.hosts_components or endpoint_name not in (None, endpoint.name):
                continue
            for name in sorted(endpoint.models):
                yield {
                    "InferenceComponentName": name,
                    "InferenceComponentArn": self._arn("inference-component", name),
                    "EndpointName": endpoint.name,
                    "EndpointArn": self._arn("endpoint", endpoint.name),
                    "VariantName": "AllTraffic",
                    "InferenceComponentStatus": "InService",
                    "CreationTime": endpoint.created_at,
                    "LastModifiedTime": endpoint.modified_at,
                }


def _variants(endpoint: EmulatedEndpoint) -> Sequence[str]:
    return ["AllTraffic"] if endpoint.hosts_components else list(endpoint.models)


def _running_variant(endpoint: EmulatedEndpoint, name: str) -> Answer:
    variant: Answer = {"VariantName": name, "CurrentWeight": 1.0}
    if endpoint.serverless:
        variant["CurrentServerlessConfig"] = _SERVERLESS
    return variant


def _variant(endpoint: EmulatedEndpoint, name: str) -> Answer:
    variant: Answer = {"VariantName": name, "InitialVariantWeight": 1.0}
    if not endpoint.hosts_components:
        variant["ModelName"] = endpoint.model_names[name]
    if endpoint.serverless:
        variant["ServerlessConfig"] = _SERVERLESS
    return variant


def _page(request: Answer, key: str, items: Sequence[Answer]) -> Answer:
    start = int(request.get("NextToken", 0))
    end = start + min(request.get("MaxResults", 10), 100)
    page: Answer = {key: items[start:end]}
    if end < len(items):
        page["NextToken"] = str(end)
    return page
