from typing import Any

import msgspec
import pytest

from adapters.engines.azureml.settings import AzureEndpointSettings, AzureSettings
from adapters.engines.custom.settings import CustomSettings
from adapters.engines.watson_ml.settings import WatsonMlSettings
from adapters.entra import EntraCredentials
from gateway.settings_seal import fits, seal
from schemas.configuration import DeploymentSettings, DiscoverySettings

AZURE = AzureSettings(
    type="azureml",
    subscription_id="s",
    resource_group="g",
    workspace="w",
    credentials=EntraCredentials(token="old-token"),
    endpoints={"credit": AzureEndpointSettings(url="https://old.example/score", key="old-key")},
)
WATSON = WatsonMlSettings(type="watson_ml", url="https://us-south.example", spaces=("s",), apikey="old")
CUSTOM = CustomSettings(type="custom", url="https://engine.example", headers={"x-key": "old"})


def test_seal_fits_the_settings_that_it_is_of() -> None:
    again = msgspec.convert(msgspec.to_builtins(AZURE), AzureSettings)
    assert fits(seal(AZURE), again)


def test_seal_says_nothing_and_is_another_one_each_time() -> None:
    first, second = seal(AZURE), seal(AZURE)
    assert first != second
    assert first.partition(":")[2] != second.partition(":")[2]


def test_order_of_endpoints_does_not_matter() -> None:
    entries = {"a": AzureEndpointSettings(deployment="blue"), "b": AzureEndpointSettings(deployment="green")}
    turned = dict(reversed(entries.items()))
    assert fits(
        seal(msgspec.structs.replace(AZURE, endpoints=entries)), msgspec.structs.replace(AZURE, endpoints=turned)
    )


@pytest.mark.parametrize(
    "change",
    [
        {"workspace": "other"},
        {"control_url": "https://arm.example"},
        {"list_by": "deployment"},
        {"endpoints": {}},
        {"endpoints": {"credit": AzureEndpointSettings(url="https://new.example/score", key="old-key")}},
        {"endpoints": {"credit": AzureEndpointSettings(url="https://old.example/score", key="new-key")}},
    ],
)
def test_seal_does_not_fit_where_endpoints_could_be_others(change: dict[str, Any]) -> None:
    assert not fits(seal(AZURE), msgspec.structs.replace(AZURE, **change))


@pytest.mark.parametrize(
    ("settings", "change"),
    [
        (AZURE, {"credentials": EntraCredentials(token="new-token")}),
        (AZURE, {"credentials": None}),
        (AZURE, {"discover": DiscoverySettings(include=("prod-*",))}),
        (AZURE, {"defaults": DeploymentSettings(format="openscale")}),
        (WATSON, {"apikey": "new"}),
        (CUSTOM, {"headers": {"x-key": "new"}}),
    ],
)
def test_seal_still_fits_after_a_change_that_no_endpoint_shows(settings: Any, change: dict[str, Any]) -> None:
    assert fits(seal(settings), msgspec.structs.replace(settings, **change))


@pytest.mark.parametrize("known", ["", ":", "salt", "salt:", "sält:\U0001f9c2"])
def test_what_is_no_seal_fits_nothing(known: str) -> None:
    assert not fits(known, AZURE)
