"""The OpenAPI 3.1 document: every fixed route with every way it can end, built from the published schemas."""

from collections.abc import Mapping

from gateway.api.access import AccessPolicy, RouteKind
from gateway.api.openapi_parts import Document, components, errors, header, json_content, parameter, schema
from gateway.api.payloads_route import DEFAULT_RECORDS, MAX_RECORDS
from gateway.api.routes import FAMILY_PREFIXES, is_monitor
from schemas.json_schemas import json_schema

_FAMILY_NAMES: Mapping[str, tuple[str, str]] = {
    "": ("", "Custom engine"),
    "/monitor": ("monitor", "Custom engine, for a monitor"),
    "/engines/{engine}": ("engine", "Custom engine, one engine"),
    "/monitor/engines/{engine}": ("monitorEngine", "Custom engine, one engine, for a monitor"),
}
_OPERATIONS_TAG = "Operations"
_OF_EVERY_ROUTE = (405, 500)
_OF_SCORING = (400, 404, 413, 415, 422, 429, 502, 503, 504)


def openapi_document(policy: AccessPolicy, *, version: str, base_url: str) -> Document:
    """Return the document as JSON values, of the caller's own.

    Args:
        policy: decides which routes ask for a credential.
        version: of the gateway.
        base_url: that the paths are below, without a trailing slash.
    """
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "openscale-gateway",
            "version": version,
            "summary": "One OpenScale custom machine learning engine in front of many native ones.",
            "description": "Below `/monitor` no call is ever logged; below `/engines/{engine}` one engine is shown "
            "as a custom engine of its own.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": base_url}],
        "tags": [*({"name": tag} for _, tag in _FAMILY_NAMES.values()), {"name": _OPERATIONS_TAG}],
        "paths": _custom_engine_paths(policy) | _operations_paths(policy),
        "components": components(),
    }


def _custom_engine_paths(policy: AccessPolicy) -> Document:
    paths: Document = {}
    for prefix in FAMILY_PREFIXES:
        name, tag = _FAMILY_NAMES[prefix]
        parameters = [parameter("Engine")] if "{engine}" in prefix else []
        one = [*parameters, parameter("DeploymentId")]
        discovery: RouteKind = "monitor" if is_monitor(prefix) else "discovery"
        scoring: RouteKind = "monitor" if is_monitor(prefix) else "scoring"
        paths[f"{prefix}/v1/deployments"] = {
            "parameters": parameters,
            "get": _list_deployments(policy, discovery, of_engine=bool(parameters))
            | _named("listDeployments", name, tag),
        }
        paths[f"{prefix}/v1/deployments/{{deployment_id}}"] = {
            "parameters": one,
            "get": _get_deployment(policy, discovery) | _named("getDeployment", name, tag),
        }
        paths[f"{prefix}/v1/deployments/{{deployment_id}}/online"] = {
            "parameters": one,
            "post": _score(policy, scoring) | _named("score", name, tag),
        }
    return paths


def _named(operation: str, family: str, tag: str) -> Document:
    name = f"{family}{operation[0].upper()}{operation[1:]}" if family else operation
    return {"operationId": name, "tags": [tag]}


def _list_deployments(policy: AccessPolicy, kind: RouteKind, *, of_engine: bool) -> Document:
    answer = {
        "description": "The deployments, in the order of their ids.",
        "content": json_content(schema("Discovery"), json_schema("discovery")["examples"]),
    }
    failures = (404,) if of_engine else ()
    return {"summary": "List the deployments"} | _endings(policy, kind, answer, failures)


def _get_deployment(policy: AccessPolicy, kind: RouteKind) -> Document:
    example = json_schema("discovery")["examples"][0]["resources"][0]
    answer = {
        "description": "The deployment, as it stands in the list.",
        "content": json_content(schema("DiscoveryDeployment"), [example]),
    }
    return {"summary": "Show one deployment"} | _endings(policy, kind, answer, (404, 503))


def _score(policy: AccessPolicy, kind: RouteKind) -> Document:
    answer = {
        "description": "One row for each row of the request, in its order.",
        "headers": {
            "X-Scoring-Id": header("ScoringId"),
            "X-Global-Transaction-Id": header("TransactionId"),
        },
        "content": json_content(schema("ScoringResponse"), json_schema("scoring-response")["examples"]),
    }
    body = json_content(schema("ScoringRequest"), json_schema("scoring-request")["examples"])
    return {
        "summary": "Score rows",
        "description": "A deployment with `log: native` also takes bodies in its endpoint's own form, of any content "
        "type, and answers them with the endpoint's own body.",
        "parameters": [parameter("TransactionId")],
        "requestBody": {"required": True, "content": body},
    } | _endings(policy, kind, answer, _OF_SCORING)


def _operations_paths(policy: AccessPolicy) -> Document:
    return {
        "/v1/payloads": {"get": _payloads(policy)},
        "/metrics": {
            "get": _operation(policy, "metrics", "Show the metrics", _text("text/plain", "In Prometheus' text format."))
        },
        "/docs": {"get": _operation(policy, "docs", "Browse this document", _text("text/html", "A page."))},
        "/openapi.json": {
            "get": _operation(policy, "openapi", "Show this document", _object("An OpenAPI 3.1 document."))
        },
        "/livez": {"get": _probe(policy, "alive", "Whether the process lives", ())},
        "/readyz": {"get": _probe(policy, "ready", "Whether calls can be taken", (503,))},
    }


def _payloads(policy: AccessPolicy) -> Document:
    page = {
        "type": "object",
        "properties": {
            "records": {"type": "array", "items": schema("PayloadRecord")},
            "next": {
                "description": "To be sent as `after` for the next page; null after the last.",
                "type": ["string", "null"],
            },
        },
        "required": ["records", "next"],
    }
    answer = {"description": "A page of records, oldest first.", "content": json_content(page)}
    moment = {"type": "string", "format": "date-time"}
    position = {"type": "string", "pattern": "^[0-9]{1,18}$"}
    limit = {"type": "integer", "minimum": 1, "maximum": MAX_RECORDS, "default": DEFAULT_RECORDS}
    return {
        "operationId": "readPayloads",
        "tags": [_OPERATIONS_TAG],
        "summary": "Read payload records",
        "parameters": [
            _query("deployment_id", "Records of this deployment alone.", {"type": "string"}),
            _query("start", "Earliest start of a call, inclusive.", moment),
            _query("end", "Latest start of a call, exclusive.", moment),
            _query("after", "`next` of the page before.", position),
            _query("limit", "Most records in a page.", limit),
        ],
    } | _endings(policy, "payloads", answer, (400, 503))


def _query(name: str, description: str, of: Document) -> Document:
    return {"name": name, "in": "query", "description": description, "schema": of}


def _operation(policy: AccessPolicy, name: str, summary: str, answer: Document) -> Document:
    return {"operationId": name, "tags": [_OPERATIONS_TAG], "summary": summary} | _endings(
        policy, "operations", answer, ()
    )


def _probe(policy: AccessPolicy, field: str, summary: str, failures: tuple[int, ...]) -> Document:
    state = {"type": "object", "properties": {field: {"type": "boolean"}}, "required": [field]}
    answer = {"description": f"{summary}; an operator sees details.", "content": json_content(state)}
    operation: Document = {"operationId": field, "tags": [_OPERATIONS_TAG], "summary": summary}
    operation |= _endings(policy, "probe", answer, ())
    return operation | {"responses": operation["responses"] | {str(status): answer for status in failures}}


def _text(media_type: str, description: str) -> Document:
    return {"description": description, "content": {media_type: {"schema": {"type": "string"}}}}


def _object(description: str) -> Document:
    return {"description": description, "content": json_content({"type": "object"})}


def _endings(policy: AccessPolicy, kind: RouteKind, answer: Document, failures: tuple[int, ...]) -> Document:
    """Describe who may call, the good answer, and all others."""
    statuses = [*_OF_EVERY_ROUTE, *failures]
    if policy.public(kind):
        security: list[Document] = [{}, {"basic": []}] if kind == "probe" and policy.mode == "basic" else []
    else:
        security = [{"basic": []}] if policy.mode == "basic" else []
        statuses += (401, 403, 429) if policy.mode == "basic" else ()
        statuses += (403,) if kind == "payloads" and not policy.open_operator_routes else ()
    return {"security": security, "responses": {"200": answer} | errors(statuses)}
