from typing import Any

import pytest
from openapi_spec_validator import validate

from gateway.api.access import AccessPolicy
from gateway.api.openapi import openapi_document
from gateway.api.openapi_parts import Document

POLICIES = [
    AccessPolicy("basic"),
    AccessPolicy("basic", public_operations=True),
    AccessPolicy("none"),
    AccessPolicy("none", open_operator_routes=True),
]


def document(policy: AccessPolicy = POLICIES[0]) -> Document:
    return openapi_document(policy, version="1.2.3", base_url="https://gw.example.com/x")


def operations(of: Document) -> dict[str, dict[str, Any]]:
    return {
        f"{method} {path}": operation
        for path, item in of["paths"].items()
        for method, operation in item.items()
        if method in {"get", "post"}
    }


@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_the_document_is_valid_openapi(policy: AccessPolicy) -> None:
    validate(document(policy))


def test_every_fixed_route_is_described() -> None:
    families = ["", "/monitor", "/engines/{engine}", "/monitor/engines/{engine}"]
    custom = [
        f"{method} {family}/v1/deployments{rest}"
        for family in families
        for method, rest in (("get", ""), ("get", "/{deployment_id}"), ("post", "/{deployment_id}/online"))
    ]
    others = ["/v1/payloads", "/metrics", "/docs", "/openapi.json", "/livez", "/readyz"]
    assert set(operations(document())) == {*custom, *(f"get {path}" for path in others)}


def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for operation in operations(document()).values()]
    assert len(set(names)) == len(names)


def test_scoring_tells_every_ending() -> None:
    responses = operations(document())["post /v1/deployments/{deployment_id}/online"]["responses"]
    endings = [200, 400, 401, 403, 404, 405, 413, 415, 422, 429, 500, 502, 503, 504]
    assert sorted(map(int, responses)) == endings


@pytest.mark.parametrize(
    ("policy", "route", "asks"),
    [
        (POLICIES[0], "get /v1/deployments", True),
        (POLICIES[0], "get /metrics", True),
        (POLICIES[1], "get /metrics", False),
        (POLICIES[1], "get /v1/payloads", True),
        (POLICIES[2], "get /v1/deployments", False),
        (POLICIES[2], "get /metrics", False),
    ],
)
def test_a_credential_is_asked_for_where_the_gate_does(policy: AccessPolicy, route: str, asks: bool) -> None:
    operation = operations(document(policy))[route]
    assert operation["security"] == ([{"basic": []}] if asks else [])
    assert ("401" in operation["responses"]) is asks


def test_records_are_closed_without_authentication_and_the_document_says_so() -> None:
    assert "403" in operations(document(POLICIES[2]))["get /v1/payloads"]["responses"]
    assert "403" not in operations(document(POLICIES[3]))["get /v1/payloads"]["responses"]


def test_probes_take_a_credential_and_do_not_ask_for_one() -> None:
    ready = operations(document())["get /readyz"]
    assert ready["security"] == [{}, {"basic": []}]
    assert set(ready["responses"]) == {"200", "405", "500", "503"}


def test_the_document_says_where_and_which_version() -> None:
    assert document()["servers"] == [{"url": "https://gw.example.com/x"}]
    assert document()["info"]["version"] == "1.2.3"
