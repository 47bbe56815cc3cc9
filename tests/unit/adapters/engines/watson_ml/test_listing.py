import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base.json_members import Member
from adapters.base.limits import LimitSettings
from adapters.engines.watson_ml.listing import configured_endpoint, endpoints_of, read_page
from adapters.engines.watson_ml.settings import WatsonMlEndpointSettings
from schemas.deployment import Asset
from schemas.errors import EngineReplyError

ID = "0bd663be-6952-4f16-98cb-e32ab6539c8d"


def listed(*, metadata: dict[str, Any] | None = None, **entity: Any) -> Member:
    return Member(
        {
            "metadata": {
                "id": ID,
                "name": "credit risk",
                "description": "A model.",
                "created_at": "2024-05-01T10:00:00.123Z",
                "modified_at": "2024-05-02T10:00:00.456Z",
            }
            | (metadata or {}),
            "entity": {
                "asset": {"id": "model", "rev": "2"},
                "online": {"parameters": {"serving_name": "credit"}},
                "status": {"state": "ready", "online_url": {"url": f"https://host/ml/v4/deployments/{ID}/predictions"}},
            }
            | entity,
        }
    )


def test_a_deployment_carries_what_the_service_tells():
    (endpoint,) = endpoints_of(listed(), {})
    assert (endpoint.name, endpoint.title, endpoint.description) == (ID, "credit risk", "A model.")
    assert (endpoint.created_at, endpoint.modified_at) == ("2024-05-01T10:00:00.123Z", "2024-05-02T10:00:00.456Z")
    assert endpoint.asset == Asset(id="model", name="credit risk", revision="2")
    assert endpoint.native == {"id": ID}


@pytest.mark.parametrize(
    "changes",
    [
        {"status": {"state": "initializing"}},
        {"status": {"state": "failed"}},
        {"status": {}},
        {"online": None, "batch": {}},
        {"metadata": {"id": None}},
    ],
)
def test_what_would_answer_no_call_is_left_out(changes):
    assert endpoints_of(listed(**changes), {}) == []


def test_an_online_deployment_without_parameters_is_one():
    assert endpoints_of(listed(online={}), {})


def test_older_keys_are_read():
    metadata = {"id": None, "guid": ID, "name": None, "description": None}
    (endpoint,) = endpoints_of(
        listed(metadata=metadata, name="older", asset={"href": "/v4/models/model-1?space_id=s"}), {}
    )
    assert (endpoint.name, endpoint.title) == (ID, "older")
    assert endpoint.asset == Asset(id="model-1", name="older", url="/v4/models/model-1?space_id=s")


def test_without_an_asset_none_is_made_up():
    (endpoint,) = endpoints_of(listed(asset={}), {})
    assert endpoint.asset is None


@pytest.mark.parametrize("identity", [ID, "credit"])
def test_the_configuration_names_a_deployment_by_its_id_or_serving_name(identity):
    entries = {
        "other": WatsonMlEndpointSettings(id="other"),
        "loans": WatsonMlEndpointSettings(id=identity, limits=LimitSettings(max_rows=5)),
    }
    (endpoint,) = endpoints_of(listed(), entries)
    assert (endpoint.name, endpoint.native, endpoint.limits.max_rows) == ("loans", {"id": ID}, 5)


def test_an_entry_without_an_id_stands_under_it():
    (endpoint,) = endpoints_of(listed(), {ID: WatsonMlEndpointSettings(limits=LimitSettings(max_rows=5))})
    assert (endpoint.name, endpoint.limits.max_rows) == (ID, 5)
    assert configured_endpoint(ID, WatsonMlEndpointSettings()).native == {"id": ID}


@pytest.mark.parametrize(
    ("link", "following"),
    [
        (None, None),
        ({}, None),
        ({"href": "https://host/ml/v4/deployments"}, None),
        ({"href": "https://host/ml/v4/deployments?start=a%20b&limit=2"}, {"start": "a b", "limit": "2"}),
        ({"href": "/ml/v4/deployments?start=2"}, {"start": "2"}),
    ],
)
def test_a_page_names_the_query_of_the_next_one(link, following):
    page = read_page(json.dumps({"resources": [{}], "next": link}).encode())
    assert page.following == following
    assert len(page.resources) == 1


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"resources": 7}', b"<html>"])
def test_what_is_not_a_list_of_deployments_is_refused_in_a_sentence(body):
    with pytest.raises(EngineReplyError, match=r"no `resources`.*`url` is the base"):
        read_page(body)


JSON = st.recursive(
    st.none() | st.integers() | st.text() | st.just("ready"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["metadata", "entity", "id", "online", "status", "state", "asset", "href"]), inner
        )
    ),
    max_leaves=15,
)


@given(JSON)
def test_no_shape_of_an_entry_breaks_discovery(resource):
    assert len(endpoints_of(Member(resource), {})) <= 1
