import asyncio

import pytest

from adapters.engines.azureml.discovery import MAX_BYTES, can_score, endpoint_of
from adapters.engines.azureml.sdk import ListedDeployment, ListedEndpoint
from adapters.engines.azureml.settings import AzureEndpointSettings, LimitSettings
from adapters.testing.azureml import EmulatedDeployment
from adapters.testing.emulator import Fault
from schemas.deployment import Asset
from schemas.errors import EngineRefusedError, EngineUnavailableError
from tests.unit.adapters.engines.azureml.calls import by_url

NO_SETTINGS = AzureEndpointSettings()
BLUE = ListedDeployment(name="blue", model="azureml:credit:7", timeout_seconds=5.0, n_parallel=2)
GREEN = ListedDeployment(name="green", model="/w/models/other/versions/1", timeout_seconds=60.0, n_parallel=9)


def listed(**changes) -> ListedEndpoint:
    members = {
        "name": "credit",
        "id": "/workspace/onlineEndpoints/credit",
        "state": "Succeeded",
        "auth_mode": "key",
        "scoring_uri": "https://credit/score",
        "swagger_uri": "https://credit/swagger.json",
        "description": "Credit risk",
        "created_at": "2024-03-01T10:00:00.123456+0200",
        "modified_at": "2024-03-02T10:30:00Z",
        "traffic": {"blue": 100},
        "deployments": (BLUE, GREEN),
    }
    return ListedEndpoint(**(members | changes))


@pytest.mark.parametrize("state", ["Succeeded", "Updating", None])
def test_a_provisioned_endpoint_with_traffic_can_score(state):
    assert can_score(listed(state=state), NO_SETTINGS)


@pytest.mark.parametrize(
    "changes",
    [
        *({"state": state} for state in ("Creating", "Deleting", "Failed", "Canceled")),
        {"traffic": {"blue": 0, "green": 0}},
        {"traffic": {}},
        {"scoring_uri": None},
        {"auth_mode": "certificate"},
    ],
)
def test_an_endpoint_that_would_answer_no_call_is_left_out(changes):
    assert not can_score(listed(**changes), NO_SETTINGS)


def test_a_chosen_deployment_needs_no_traffic():
    assert can_score(listed(traffic={}), AzureEndpointSettings(deployment="green"))


def test_an_endpoint_carries_what_azure_tells():
    endpoint = endpoint_of(listed(), NO_SETTINGS, "k")
    assert (endpoint.name, endpoint.description) == ("credit", "Credit risk")
    assert endpoint.rn == "/workspace/onlineEndpoints/credit"
    assert (endpoint.created_at, endpoint.modified_at) == ("2024-03-01T08:00:00.123Z", "2024-03-02T10:30:00.000Z")
    assert endpoint.native == {
        "scoring_uri": "https://credit/score",
        "auth_mode": "key",
        "key": "k",
        "in_workspace": True,
    }
    assert endpoint.limits.max_bytes == MAX_BYTES


@pytest.mark.parametrize(
    ("model", "asset"),
    [
        ("/w/models/credit/versions/3", ("/w/models/credit/versions/3", "credit", "3")),
        ("/w/models/credit", ("/w/models/credit", "credit", None)),
        ("azureml:credit:7", ("azureml:credit:7", "credit", "7")),
        ("something else", ("something else", "something else", None)),
    ],
)
def test_the_model_becomes_the_asset(model, asset):
    deployment = ListedDeployment(name="blue", model=model)
    found = endpoint_of(listed(deployments=(deployment,)), NO_SETTINGS, None).asset
    identity, name, revision = asset
    assert found == Asset(id=identity, name=name, rn=identity, revision=revision, url="https://credit/swagger.json")


def test_the_asset_is_that_of_the_deployment_with_most_traffic():
    endpoint = endpoint_of(listed(traffic={"blue": 10, "Green": 90}), NO_SETTINGS, None)
    assert endpoint.asset is not None
    assert endpoint.asset.name == "other"


def test_the_time_is_that_of_the_slowest_deployment_that_calls_reach_and_five_seconds():
    assert endpoint_of(listed(), NO_SETTINGS, None).timeout_seconds == 10.0
    assert endpoint_of(listed(traffic={"blue": 50, "green": 50}), NO_SETTINGS, None).timeout_seconds == 65.0
    assert endpoint_of(listed(), AzureEndpointSettings(deployment="green"), None).timeout_seconds == 65.0
    assert endpoint_of(listed(deployments=()), NO_SETTINGS, None).timeout_seconds is None


def test_a_split_batch_asks_for_no_more_than_the_deployments_work_on():
    assert endpoint_of(listed(), NO_SETTINGS, None).limits.max_parallel == 2
    assert endpoint_of(listed(traffic={"green": 100}), NO_SETTINGS, None).limits.max_parallel == 4


def test_details_of_the_configuration_win():
    limits = LimitSettings(max_bytes=10, max_rows=3, max_parallel=6)
    settings = AzureEndpointSettings(key="mine", deployment="green", limits=limits)
    endpoint = endpoint_of(listed(auth_mode="aadtoken"), settings, None)
    assert (endpoint.native["key"], endpoint.native["auth_mode"]) == ("mine", "key")
    assert endpoint.native["deployment"] == "green"
    assert (endpoint.limits.max_bytes, endpoint.limits.max_rows, endpoint.limits.max_parallel) == (10, 3, 6)


@pytest.mark.parametrize("text", [None, "", "5/7/2024 3:18:52 PM +00:00"])
def test_a_date_in_another_form_is_left_out(text):
    assert endpoint_of(listed(created_at=text), NO_SETTINGS, None).created_at is None


async def test_a_workspace_is_discovered_page_by_page(connect, emulator):
    names = [f"credit-{n}" for n in range(45)]
    for name in names:
        emulator.add_endpoint(name, auth_mode="AADToken")
    async with connect() as engine:
        assert [endpoint.name for endpoint in await engine.endpoints()] == names
    assert emulator.requests["endpoints"] == 3


async def test_managed_and_kubernetes_endpoints_are_discovered_alike(connect, emulator):
    deployment = EmulatedDeployment(request_timeout="PT1M30S", concurrency=2, instances=2, model=("risk", 4))
    emulator.add_endpoint("managed", deployments=[deployment], description="For loans")
    emulator.add_endpoint("k8s", deployments=[deployment], description="For loans", compute="/computes/cluster")
    async with connect() as engine:
        endpoints = await engine.endpoints()
    assert [endpoint.name for endpoint in endpoints] == ["managed", "k8s"]
    for endpoint in endpoints:
        assert endpoint.timeout_seconds == 95.0
        assert endpoint.limits.max_parallel == 4
        assert endpoint.description == "For loans"
        assert endpoint.asset is not None
        assert (endpoint.asset.name, endpoint.asset.revision) == ("risk", "4")
        assert endpoint.created_at == "2024-03-01T08:00:00.123Z"
        assert endpoint.modified_at == "2024-03-02T10:30:00.000Z"
        assert endpoint.native["key"] == emulator.endpoints[endpoint.name].keys[0]


async def test_only_what_the_patterns_want_is_asked_about(connect, emulator):
    for name in ("credit-a", "credit-b", "fraud"):
        emulator.add_endpoint(name)
    async with connect(discover={"include": ["credit-*"], "exclude": ["*-b"]}) as engine:
        assert [endpoint.name for endpoint in await engine.endpoints()] == ["credit-a"]
    assert (emulator.requests["deployments"], emulator.requests["keys"]) == (1, 1)


async def test_an_endpoint_that_the_configuration_gives_by_url_is_not_discovered(connect, emulator):
    emulator.add_endpoint("credit")
    async with connect(**(by_url(emulator, "credit", key="k") | {"discover": True})) as engine:
        assert list(await engine.endpoints()) == []


async def test_an_endpoint_whose_deployments_can_not_be_listed_is_still_there(connect, emulator):
    emulator.add_endpoint("first")
    emulator.add_endpoint("second")
    emulator.play(Fault(route="deployments", status=500, body=b"{}"))
    async with connect() as engine:
        first, second = await engine.endpoints()
    assert (first.asset, first.timeout_seconds) == (None, None)
    assert second.asset is not None


async def test_a_control_token_that_has_run_out_is_renewed(connect, emulator):
    emulator.add_endpoint("credit")
    async with connect() as engine:
        await engine.endpoints()
        emulator.revoke_tokens("https://management.azure.com/.default")
        assert [endpoint.name for endpoint in await engine.endpoints()] == ["credit"]


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [(403, EngineRefusedError, "roles"), (404, EngineRefusedError, "workspace"), (503, EngineUnavailableError, "503")],
)
async def test_a_workspace_that_can_not_be_listed_says_what_to_check(connect, emulator, status, error, words):
    emulator.play(Fault(route="endpoints", status=status, body=b"{}", times=None))
    async with connect() as engine:
        with pytest.raises(error, match=words) as caught:
            await engine.endpoints()
    assert caught.value.engine_status == status
    assert emulator.requests["endpoints"] == 1


async def test_a_cancelled_discovery_asks_no_further(connect, emulator):
    for n in range(5):
        emulator.add_endpoint(f"credit-{n}")
    emulator.play(Fault(route="deployments", delay_seconds=0.5))
    async with connect() as engine, asyncio.timeout(60):
        discovery = asyncio.create_task(engine.endpoints())
        while "deployments" not in emulator.requests:  # a thread asks
            await asyncio.sleep(0.01)
        discovery.cancel()
        with pytest.raises(asyncio.CancelledError):
            await discovery
        await asyncio.get_running_loop().shutdown_default_executor()
    assert emulator.requests["deployments"] == 1
