import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base.limits import LimitSettings
from adapters.engines.custom.listing import read_listing
from adapters.engines.custom.settings import CustomEndpointSettings
from adapters.engines.custom.urls import ScoringUrls
from schemas.deployment import Asset, Endpoint
from schemas.errors import EngineReplyError

URLS = ScoringUrls("http://engine:5000")
STRUCT = {"type": "struct", "fields": [{"name": "Age", "type": "integer", "nullable": True, "metadata": {}}]}
SCHEMA_A = {
    "metadata": {
        "guid": "credit",
        "url": "https://engine:5000/third",
        "created_at": "2024-05-01T10:00:00Z",
        "modified_at": "2024-05-02T10:00:00.5Z",
    },
    "entity": {
        "name": "Credit risk",
        "description": "A model.",
        "type": "online",
        "scoring_url": "https://engine:5000/v1/deployments/credit/online",
        "asset": {"guid": "model", "name": "Model", "url": "https://engine:5000/model"},
        "asset_properties": {"problem_type": "binary", "input_data_type": "structured"},
    },
}
SCHEMA_B = {
    "metadata": {"guid": "credit", "url": "http://engine:5000/third", "created_at": "2024-05-01T10:00:00Z"},
    "entity": {
        "name": "Credit risk",
        "type": "online",
        "deployment_rn": "rn:deployment",
        "scoring_endpoint": {
            "url": "http://scores/credit",
            "request_headers": {"X-Tenant": "t", "Content-Type": "no", "X-Number": 7, "X-Break": "a\r\nb"},
        },
        "asset": {"asset_id": "model", "name": "Model", "asset_rn": "rn:model", "created_at": "2024-04-01T00:00:00Z"},
        "asset_properties": {"input_data_schema": STRUCT, "output_data_schema": {}},
    },
}


def read(*resources: Any, details: dict[str, CustomEndpointSettings] | None = None) -> list[Endpoint]:
    body = json.dumps({"count": 99, "resources": resources}).encode()
    return read_listing(body, URLS, details or {})[0]


def test_the_form_of_ibms_examples_is_read():
    (endpoint,) = read(SCHEMA_A)
    assert (endpoint.name, endpoint.title, endpoint.description) == ("credit", "Credit risk", "A model.")
    assert (endpoint.created_at, endpoint.modified_at) == ("2024-05-01T10:00:00.000Z", "2024-05-02T10:00:00.500Z")
    assert endpoint.native == {"url": "http://engine:5000/v1/deployments/credit/online"}
    assert endpoint.asset == Asset(id="model", name="Model", url="https://engine:5000/model")


def test_the_form_that_openscales_sdks_read_is_read():
    (endpoint,) = read(SCHEMA_B)
    assert endpoint.rn == "rn:deployment"
    assert endpoint.native == {"url": "http://scores/credit", "headers": {"X-Tenant": "t"}}
    assert endpoint.asset == Asset(id="model", name="Model", rn="rn:model", created_at="2024-04-01T00:00:00.000Z")
    assert (endpoint.input_schema, endpoint.output_schema) == (STRUCT, None)


@pytest.mark.parametrize(
    ("scoring", "headers"),
    [
        ({"credentials": {"token": "t"}}, {"Authorization": "Bearer t"}),
        ({"credentials": {"token": "t"}, "request_headers": {"Authorization": "Own t"}}, {"Authorization": "Own t"}),
        ({"credentials": {"token": "t\r\nX: 1"}}, None),
        ({"credentials": {"token": None}}, None),
        ({"credentials": "t"}, None),
    ],
)
def test_a_listed_token_is_a_header_of_its_url(scoring: dict[str, Any], headers: dict[str, str] | None) -> None:
    (endpoint,) = read({"metadata": {"guid": "credit"}, "entity": {"scoring_endpoint": scoring}})
    assert endpoint.native.get("headers") == headers


def test_an_entry_with_nothing_but_its_id_is_called_at_the_url_of_the_contract():
    (endpoint,) = read({"metadata": {"guid": "credit"}})
    assert endpoint.native == {"url": "http://engine:5000/v1/deployments/credit/online"}
    assert endpoint.asset == Asset(id="credit", name="credit")
    assert (endpoint.title, endpoint.created_at) == (None, None)


def test_the_url_of_the_metadata_comes_last():
    (endpoint,) = read(
        {"metadata": {"guid": "credit", "url": "http://engine:5000/third"}, "entity": {"type": "Online"}}
    )
    assert endpoint.native == {"url": "http://engine:5000/third"}


def test_entries_that_are_not_online_are_left_out():
    assert read({"metadata": {"guid": "nightly"}, "entity": {"type": "batch"}}) == []


def test_an_entry_at_fault_is_counted_and_hides_no_other():
    resources = [None, "credit", {}, {"metadata": {"guid": 7}}, {"metadata": {"guid": " "}}, SCHEMA_A]
    body = json.dumps({"resources": resources}).encode()
    endpoints, unreadable = read_listing(body, URLS, {})
    assert [endpoint.name for endpoint in endpoints] == ["credit"]
    assert unreadable == 5


def test_of_entries_with_the_same_id_the_first_counts():
    (endpoint,) = read(SCHEMA_A, SCHEMA_B)
    assert endpoint.description == "A model."


def test_details_of_the_configuration_win():
    details = CustomEndpointSettings(url="https://mine/score", limits=LimitSettings(max_rows=5))
    (endpoint,) = read(SCHEMA_B, details={"credit": details})
    assert endpoint.native == {"url": "https://mine/score"}
    assert endpoint.limits.max_rows == 5


def test_an_empty_list_is_one():
    assert read() == []


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{}", b'{"resources": {}}', b"<html>", b"[" * 100_000])
def test_what_is_not_a_list_of_deployments_is_refused_in_a_sentence(body):
    with pytest.raises(EngineReplyError, match=r"no `resources`.*`url` is the base"):
        read_listing(body, URLS, {})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["metadata", "entity", "guid", "url", "type", "asset", "asset_properties", "created_at"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(st.lists(JSON, max_size=4))
def test_no_shape_of_an_entry_breaks_discovery(resources):
    endpoints, unreadable = read_listing(json.dumps({"resources": resources}).encode(), URLS, {})
    assert len(endpoints) + unreadable <= len(resources)
    assert len({endpoint.name for endpoint in endpoints}) == len(endpoints)
