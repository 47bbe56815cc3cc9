import msgspec
import pytest

from adapters.base import RecordFilter
from adapters.sinks.openscale import OpenScaleSettings, plugin

V2 = {"type": "openscale", "url": "https://cluster.example/openscale/guid", "data_sets": {"credit-risk": "ds-1"}}
IDS = {"binding_id": "b-1", "subscription_id": "s-1"}
V1 = {"type": "openscale", "api": "v1", "url": "https://cluster.example", "subscriptions": {"credit-risk": IDS}}


def settings_of(base: dict[str, object], **members: object) -> OpenScaleSettings:
    return msgspec.convert({**base, **members}, OpenScaleSettings)


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"password": "p"},
        {"apikey": "k", "password": "p"},
        {"username": "u"},
        {"username": "u", "password": "p", "apikey": "k"},
        {"apikey": ""},
        {"apikey": "k", "url": "cluster.example"},
        {"apikey": "k", "url": "http://cluster.example"},
        {"apikey": "k", "url": "https://cluster.example/openscale/guid/v2"},
        {"apikey": "k", "token_url": "http://cluster.example"},
        {"username": "u", "apikey": "k", "identity_url": "https://cp-console.example"},
        {"apikey": "k", "data_sets": {}},
        {"apikey": "k", "data_sets": {"no spaces": "ds"}},
        {"apikey": "k", "data_sets": {"credit-risk": ""}},
        {"apikey": "k", "subscriptions": {"credit-risk": IDS}},
        {"apikey": "k", "data_mart_id": "dm"},
        {"apikey": "k", "confirm": "accepted"},
        {"apikey": "k", "unknown": 1},
    ],
)
def test_settings_of_api_v2_that_cannot_work_are_refused(members: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        settings_of(V2, **members)


@pytest.mark.parametrize(
    "members",
    [
        {"apikey": "k"},
        {"apikey": "k", "data_mart_id": ""},
        {"username": "u", "password": "p", "subscriptions": {}},
        {"username": "u", "password": "p", "subscriptions": {"credit-risk": {"subscription_id": "s-1"}}},
        {"username": "u", "password": "p", "subscriptions": {"credit-risk": {**IDS, "deployment_id": ""}}},
        {"username": "u", "password": "p", "data_sets": {"credit-risk": "ds-1"}},
        {"username": "u", "password": "p", "stored_within_seconds": 0},
        {"username": "u", "password": "p", "stored_within_seconds": 241},
        {"username": "u", "password": "p", "confirm": "never"},
    ],
)
def test_settings_of_api_v1_that_cannot_work_are_refused(members: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        settings_of(V1, **members)


@pytest.mark.parametrize("members", [{"apikey": "k", "data_mart_id": "dm"}, {"username": "u", "password": "p"}])
def test_a_data_mart_is_named_on_ibm_cloud_alone(members: dict[str, object]) -> None:
    assert settings_of(V1, **members).confirm == "stored"


def test_openscale_is_owed_the_scored_application_calls_of_its_deployments() -> None:
    kinds = {"outcomes": frozenset({"scored"}), "origins": frozenset({"application"})}
    data_sets = settings_of(V2, apikey="k", data_sets={"a": "1", "b": "2"})
    assert data_sets.owed == RecordFilter(deployments=frozenset({"a", "b"}), **kinds)
    subscriptions = settings_of(V1, username="u", password="p")
    assert subscriptions.owed == RecordFilter(deployments=frozenset({"credit-risk"}), **kinds)


def test_settings_show_no_value() -> None:
    assert repr(settings_of(V2, apikey="very-secret")) == "OpenScaleSettings(...)"


@pytest.mark.parametrize("struct", ["OpenScaleSettings", "Subscription"])
def test_every_option_is_described(struct: str) -> None:
    properties = msgspec.json.schema(plugin.settings)["$defs"][struct]["properties"]
    assert [name for name, option in properties.items() if not option.get("description")] == []
