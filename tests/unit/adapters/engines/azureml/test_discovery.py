import asyncio
import json

import msgspec
import pytest

from adapters.base.patience import MAX_MISSED
from adapters.engines.azureml import plugin
from adapters.engines.azureml.discovery import MAX_BYTES, Entry, can_score, endpoint_of, entries_of
from adapters.engines.azureml.sdk import ListedDeployment, ListedEndpoint
from adapters.engines.azureml.settings import AzureEndpointSettings, AzureSettings, LimitSettings
from adapters.testing.azureml import AzureMLEmulator, EmulatedDeployment
from adapters.testing.azureml.workspace import endpoint_document
from adapters.testing.emulator import Fault
from schemas.deployment import Asset
from schemas.errors import EngineRefusedError, EngineUnavailableError
from tests.unit.adapters.engines.azureml.calls import REQUEST, by_url, context, settings_for

NO_SETTINGS = AzureEndpointSettings()
BLUE = ListedDeployment(name="blue", model="azureml:credit:7", timeout_seconds=5.0, n_parallel=2)
GREEN = ListedDeployment(name="green", model="/w/models/other/versions/1", timeout_seconds=60.0, n_parallel=9)


def listed(**changes) -> ListedEndpoint:
    members = {
        "name": "credit",
        "id": "/workspace/onlineEndpoints/credit",
        "state": "Succeeded",
        "auth_mode": "key",
        "kubernetes": False,
        "scoring_uri": "https://credit/score",
        "swagger_uri": "https://credit/swagger.json",
        "description": "Credit risk",
        "created_at": "2024-03-01T10:00:00.123456+0200",
        "modified_at": "2024-03-02T10:30:00Z",
        "traffic": {"blue": 100},
        "deployments": (BLUE, GREEN),
    }
    return ListedEndpoint(**(members | changes))


def entry(settings=NO_SETTINGS, **changes) -> Entry:
    return Entry(name="credit", listed=listed(**changes), settings=settings, chosen=settings.deployment)


@pytest.mark.parametrize("state", ["Succeeded", "Updating", None])
def test_a_provisioned_endpoint_with_traffic_can_score(state):
    assert can_score(entry(state=state))


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
    assert not can_score(entry(**changes))


def test_a_chosen_deployment_needs_no_traffic():
    assert can_score(entry(AzureEndpointSettings(deployment="green"), traffic={}))


@pytest.mark.parametrize(
    ("deployments", "scores"),
    [((BLUE,), False), ((BLUE, msgspec.structs.replace(GREEN, state="Failed")), False), (None, True)],
    ids=["there is none", "failed", "can't be listed"],
)
def test_a_chosen_deployment_has_to_be_there(deployments, scores):
    assert can_score(entry(AzureEndpointSettings(deployment="green"), deployments=deployments)) is scores


def settings(**options) -> AzureSettings:
    workspace = {"type": "azureml", "subscription_id": "s", "resource_group": "g", "workspace": "w"}
    return msgspec.convert(workspace | options, AzureSettings)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"credit": None}),
        ({"endpoints": {"credit": {"deployment": "green"}}}, {"credit": "green"}),
        ({"endpoints": {"credit/green": {}, "fraud/blue": {}}}, {"credit": None, "credit/green": "green"}),
        ({"list_by": "deployment"}, {"credit/blue": "blue", "credit/green": "green"}),
        (
            {"list_by": "deployment", "endpoints": {"credit": {}}},
            {"credit/blue": "blue", "credit/green": "green", "credit": None},
        ),
        ({"list_by": "deployment", "discover": {"exclude": ["*/blue"]}}, {"credit/green": "green"}),
        ({"list_by": "deployment", "discover": {"exclude": ["credit"]}}, {}),
        ({"discover": {"include": ["x"]}, "endpoints": {"credit": {"deployment": "green"}}}, {"credit": "green"}),
        ({"discover": {"exclude": ["*"]}, "endpoints": {"credit/green": {}}}, {"credit/green": "green"}),
        (
            {"list_by": "deployment", "endpoints": {"credit/blue": {"url": "https://credit/score", "key": "k"}}},
            {"credit/green": "green"},
        ),
        (
            {"list_by": "deployment", "discover": {"include": ["credit"]}},
            {"credit/blue": "blue", "credit/green": "green"},
        ),
    ],
)
def test_entries_are_endpoints_or_deployments_as_the_configuration_says(options, expected):
    assert {item.name: item.chosen for item in entries_of(listed(), settings(**options))} == expected


def test_a_deployment_is_known_by_its_own_id():
    (_, green) = entries_of(listed(), settings(list_by="deployment"))
    endpoint = endpoint_of(green, "k")
    assert endpoint.rn == "/workspace/onlineEndpoints/credit/deployments/green"
    assert (endpoint.native["deployment"], endpoint.asset.name, endpoint.timeout_seconds) == ("green", "other", 65.0)


def test_an_endpoint_carries_what_azure_tells():
    endpoint = endpoint_of(entry(), "k")
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
    found = endpoint_of(entry(deployments=(deployment,)), None).asset
    identity, name, revision = asset
    assert found == Asset(id=identity, name=name, rn=identity, revision=revision, url="https://credit/swagger.json")


def test_the_asset_is_that_of_the_deployment_with_most_traffic():
    endpoint = endpoint_of(entry(traffic={"blue": 10, "Green": 90}), None)
    assert endpoint.asset is not None
    assert endpoint.asset.name == "other"


def test_the_time_is_that_of_the_slowest_deployment_that_calls_reach_and_five_seconds():
    assert endpoint_of(entry(), None).timeout_seconds == 10.0
    assert endpoint_of(entry(traffic={"blue": 50, "green": 50}), None).timeout_seconds == 65.0
    assert endpoint_of(entry(AzureEndpointSettings(deployment="green")), None).timeout_seconds == 65.0
    assert endpoint_of(entry(deployments=()), None).timeout_seconds is None
    assert endpoint_of(entry(deployments=None, kubernetes=True), None).timeout_seconds == 305.0


def test_a_split_batch_asks_for_no_more_than_the_deployments_work_on():
    assert endpoint_of(entry(), None).limits.max_parallel == 2
    assert endpoint_of(entry(traffic={"green": 100}), None).limits.max_parallel == 4


def test_details_of_the_configuration_win():
    limits = LimitSettings(max_bytes=10, max_rows=3, max_parallel=6)
    settings = AzureEndpointSettings(key="mine", deployment="green", limits=limits)
    endpoint = endpoint_of(entry(settings, auth_mode="aadtoken"), None)
    assert (endpoint.native["key"], endpoint.native["auth_mode"]) == ("mine", "key")
    assert endpoint.native["deployment"] == "green"
    assert (endpoint.limits.max_bytes, endpoint.limits.max_rows, endpoint.limits.max_parallel) == (10, 3, 6)


@pytest.mark.parametrize("text", [None, "", "5/7/2024 3:18:52 PM +00:00", "0001-01-01T00:00:00+02:00"])
def test_a_date_in_another_form_is_left_out(text):
    assert endpoint_of(entry(created_at=text), None).created_at is None


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


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"list_by": "deployment", "discover": {"include": ["*green"]}}, ["credit/green"]),
        ({"discover": {"include": ["fraud*"]}, "endpoints": {"credit": {"deployment": "green"}}}, ["credit"]),
        ({"discover": {"exclude": ["cred*"]}, "endpoints": {"credit/green": {}}}, ["credit/green"]),
    ],
)
async def test_the_workspace_is_asked_about_all_that_is_wanted(connect, emulator, options, names):
    emulator.add_endpoint("credit", deployments=[EmulatedDeployment(), EmulatedDeployment(name="green")])
    async with connect(**options) as engine:
        assert [endpoint.name for endpoint in await engine.endpoints()] == names


@pytest.mark.parametrize("list_by", ["endpoint", "deployment"])
async def test_an_endpoint_that_the_configuration_gives_by_url_is_not_discovered(connect, emulator, list_by):
    emulator.add_endpoint("credit")
    async with connect(**(by_url(emulator, "credit", key="k") | {"discover": True, "list_by": list_by})) as engine:
        assert list(await engine.endpoints()) == []


async def test_each_deployment_is_listed_and_called_by_itself(connect, emulator):
    deployments = [EmulatedDeployment(), EmulatedDeployment(name="green", model=("other", 2))]
    emulator.add_endpoint("credit", deployments=[*deployments, EmulatedDeployment(name="red", state="Failed")])
    async with connect(list_by="deployment") as engine:
        blue, green = await engine.endpoints()
        assert (blue.name, green.name) == ("credit/blue", "credit/green")
        assert (blue.asset.name, green.asset.name) == ("credit-risk", "other")
        emulator.rotate_keys("credit")
        await engine.invoke(green, REQUEST, context())
        await engine.invoke(blue, REQUEST, context())
    assert [call.deployment for call in emulator.calls] == ["green", "blue"]
    assert emulator.requests["keys"] == 2  # one key for both, and after the first refusal the new one


async def test_an_endpoint_that_can_not_be_read_hides_no_other(connect, emulator):
    emulator.add_endpoint("credit", auth_mode="AADToken")
    async with connect() as engine:
        (credit,) = await engine.endpoints()
        whole = endpoint_document(emulator.endpoints["credit"], emulator.workspace_id, emulator.url)
        properties = whole["properties"]
        odd = [
            {"name": "a"},
            {"name": None, "properties": properties},
            {"name": "b", "properties": properties | {"properties": None, "traffic": None}},
            {"name": "c", "properties": properties | {"traffic": {"blue": "all"}}},
            {"name": "d", "properties": properties | {"properties": None}, "systemData": {"createdAt": None}},
        ]
        page = json.dumps({"value": [*odd, whole]}).encode()
        emulator.play(Fault(route="endpoints", status=200, body=page))
        assert [endpoint.name for endpoint in await engine.endpoints()] == ["d", credit.name]


async def test_deployments_and_keys_that_can_not_be_had_again_are_those_of_the_last_time(connect, emulator):
    emulator.add_endpoint("credit")
    async with connect() as engine:
        first = await engine.endpoints()
        emulator.play(Fault(route="deployments", status=500, body=b"{}"), Fault(route="keys", status=503, body=b"{}"))
        assert await engine.endpoints() == first
    assert first[0].native["key"] == emulator.endpoints["credit"].keys[0]


@pytest.mark.parametrize(("list_by", "names"), [("deployment", ["second/blue"]), ("endpoint", ["first", "second"])])
async def test_deployments_that_are_not_known_yet_delay_the_others_for_a_while_only(connect, emulator, list_by, names):
    emulator.add_endpoint("first")
    emulator.add_endpoint("second")
    async with connect(list_by=list_by) as engine:
        for _ in range(MAX_MISSED):
            emulator.play(Fault(route="deployments", status=500, body=b"{}"))
            with pytest.raises(EngineUnavailableError, match="deployments"):
                await engine.endpoints()
            assert emulator.requests["deployments"] % 2 == 0
        emulator.play(Fault(route="deployments", status=500, body=b"{}"))
        assert [endpoint.name for endpoint in await engine.endpoints()] == names


async def test_the_control_plane_is_asked_in_the_configured_version_of_its_api(transport):
    async with AzureMLEmulator(api_version="2023-10-01", page_size=1) as emulator:
        for name in ("first", "second"):
            emulator.add_endpoint(name)
        async with plugin.connect(settings_for(emulator, api_version="2023-10-01"), transport) as engine:
            endpoints = await engine.endpoints()
        assert [endpoint.native["key"] for endpoint in endpoints] == [
            emulator.endpoints[name].keys[0] for name in ("first", "second")
        ]
        async with plugin.connect(settings_for(emulator), transport) as engine:
            with pytest.raises(EngineRefusedError, match="check api_version"):
                await engine.endpoints()


async def test_an_endpoint_whose_deployments_may_not_be_listed_is_there_at_once(connect, emulator):
    emulator.add_endpoint("first")
    emulator.add_endpoint("second")
    emulator.play(Fault(route="deployments", status=403, body=b"{}"))
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
