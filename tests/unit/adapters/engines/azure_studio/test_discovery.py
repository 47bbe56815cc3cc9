import msgspec
import pytest

from adapters.base.patience import MAX_MISSED
from adapters.engines.azure_studio.arm import Properties, WebService
from adapters.engines.azure_studio.discovery import can_score
from adapters.testing.emulator import Fault
from schemas.errors import EngineError, EngineUnavailableError
from tests.unit.adapters.engines.azure_studio.calls import MODEL, REQUEST, TABLE_QUERY, context


async def test_a_service_is_described_as_azure_describes_it(emulator, connect):
    service = emulator.add_service("credit", MODEL)
    async with connect() as engine:
        (endpoint,) = await engine.endpoints()
    assert (endpoint.name, endpoint.title) == ("credit/credit", "credit [Predictive Exp.]")
    assert endpoint.rn.endswith("/resourceGroups/credit/providers/Microsoft.MachineLearning/webServices/credit")
    assert (endpoint.created_at, endpoint.modified_at) == ("2017-03-01T08:00:00.123Z", "2017-03-02T10:30:00.000Z")
    assert endpoint.asset.url.endswith("/swagger.json")
    assert endpoint.columns == ("Age",)
    assert endpoint.limits.max_parallel == 4
    assert endpoint.native["url"] == f"{emulator.scoring_url(service)}?{TABLE_QUERY}"
    assert endpoint.native["key"] == service.keys[0]


async def test_only_provisioned_services_are_listed(emulator, connect):
    for state in ("Succeeded", "Provisioning", "Failed", "Unknown"):
        emulator.add_service(state.lower(), MODEL).state = state
    async with connect() as engine:
        assert [endpoint.name for endpoint in await engine.endpoints()] == ["credit/succeeded"]


@pytest.mark.parametrize(
    ("location", "can"),
    [
        ("https://region.services.azureml.net/subscriptions/s/services/i/swagger.json", True),
        ("https://region.services.azureml.net/subscriptions/s/services/i/swagger.json?v=1", True),
        ("http://region.services.azureml.net/subscriptions/s/services/i/swagger.json", False),
        ("https://region.services.azureml.net/help", False),
        (None, False),
    ],
)
def test_a_service_needs_a_url_that_its_key_may_be_sent_to(location, can):
    assert can_score(WebService("/subscriptions/s/webServices/c", Properties(swagger_location=location))) is can


async def test_a_resource_group_narrows_the_list_and_is_no_part_of_the_names(emulator, connect):
    emulator.add_service("credit", MODEL)
    emulator.add_service("fraud", MODEL, resource_group="other")
    async with connect(resource_group="other") as engine:
        assert [endpoint.name for endpoint in await engine.endpoints()] == ["fraud"]


async def test_the_name_of_a_service_does_not_depend_on_others(emulator, connect):
    first = emulator.add_service("credit", MODEL)
    async with connect() as engine:
        assert [endpoint.name for endpoint in await engine.endpoints()] == ["credit/credit"]
        emulator.add_service("credit", MODEL, resource_group="other")
        endpoints = await engine.endpoints()
        assert [endpoint.name for endpoint in endpoints] == ["credit/credit", "other/credit"]
        for endpoint in endpoints:
            await engine.invoke(endpoint, REQUEST, context())
        emulator.services.remove(first)
        assert [endpoint.name for endpoint in await engine.endpoints()] == ["other/credit"]


async def test_patterns_and_services_by_url_spare_requests(emulator, connect):
    for name in ("credit-1", "credit-2", "fraud"):
        emulator.add_service(name, MODEL)
    endpoints = {"credit-1": {"url": "https://host/execute", "key": "k"}}
    wanted = {"discover": {"include": ["credit-*"]}, "endpoints": endpoints, "resource_group": emulator.resource_group}
    async with connect(**wanted) as engine:
        assert [endpoint.name for endpoint in await engine.endpoints()] == ["credit-2"]
    assert (emulator.requests["service"], emulator.requests["keys"]) == (1, 1)


async def test_what_the_configuration_describes_is_found_whatever_the_patterns_say(emulator, connect):
    for name in ("credit", "fraud"):
        emulator.add_service(name, MODEL)
    async with connect(discover={"include": ["fraud"]}, endpoints={"credit/credit": {}}) as engine:
        assert [endpoint.name for endpoint in await engine.endpoints()] == ["credit/credit"]


async def test_details_of_the_configuration_are_merged_in(emulator, connect):
    service = emulator.add_service("credit", MODEL)
    service.max_parallel = 4
    details = {"key": service.keys[1], "style": "rows", "limits": {"max_rows": 50, "max_parallel": 9}}
    async with connect(endpoints={"credit/credit": details}) as engine:
        (endpoint,) = await engine.endpoints()
    assert endpoint.native == {"url": f"{emulator.scoring_url(service)}?api-version=2.0&format=swagger"}
    assert (endpoint.limits.max_rows, endpoint.limits.max_parallel) == (50, 4)
    assert "keys" not in emulator.requests


async def test_a_service_is_described_again_only_after_it_changed(emulator, connect):
    service = emulator.add_service("credit", MODEL)
    async with connect() as engine:
        first = await engine.endpoints()
        assert await engine.endpoints() == first
        assert emulator.requests["service"] == 1
        service.modified_on = "2018-01-01T00:00:00Z"
        await engine.endpoints()
    assert emulator.requests["service"] == 2


async def test_columns_that_an_earlier_process_may_have_known_delay_the_others_for_a_while_only(emulator, connect):
    emulator.add_service("credit", MODEL)
    async with connect() as engine:
        await engine.endpoints()
        emulator.add_service("fraud", MODEL)
        emulator.play(Fault(route="service", status=429, body=b"{}", times=None))
        for _ in range(MAX_MISSED):
            with pytest.raises(EngineUnavailableError, match="service fraud can't be described now"):
                await engine.endpoints()
        assert [endpoint.name for endpoint in await engine.endpoints()] == ["credit/credit"]
        emulator.recover()
        assert len(await engine.endpoints()) == 2


async def test_a_service_that_may_not_be_described_hides_no_other(emulator, connect):
    emulator.add_service("credit", MODEL)
    async with connect() as engine:
        await engine.endpoints()
        emulator.add_service("fraud", MODEL)
        emulator.play(Fault(route="service", status=403, body=b"{}"))
        assert [endpoint.name for endpoint in await engine.endpoints()] == ["credit/credit"]


async def test_a_changed_service_keeps_its_columns_until_it_can_be_described_again(emulator, connect):
    service = emulator.add_service("credit", MODEL)
    async with connect() as engine:
        await engine.endpoints()
        service.modified_on = "2018-01-01T00:00:00Z"
        emulator.play(Fault(route="service", status=503, body=b"{}"))
        (endpoint,) = await engine.endpoints()
        assert (endpoint.columns, endpoint.modified_at) == (("Age",), "2018-01-01T00:00:00.000Z")
        await engine.endpoints()
    assert emulator.requests["service"] == 3


async def test_discovery_fails_where_no_service_can_be_described(emulator, connect):
    emulator.add_service("credit", MODEL)
    emulator.play(Fault(route="service", status=500, body=b"{}", times=None))
    async with connect() as engine:
        with pytest.raises(EngineError, match="can't be described"):
            await engine.endpoints()


async def test_a_service_without_its_key_asks_for_it_when_called(emulator, connect):
    emulator.add_service("credit", MODEL)
    emulator.play(Fault(route="keys", status=500, body=b"{}"))
    async with connect() as engine:
        (endpoint,) = await engine.endpoints()
        assert "key" not in endpoint.native
        assert (await engine.invoke(endpoint, REQUEST, context())).status == 200
    assert msgspec.json.encode(endpoint)
