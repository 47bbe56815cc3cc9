import pytest

from adapters.base.patience import MAX_MISSED
from adapters.engines.azureml.describing import document_beside
from adapters.testing.azureml import EmulatedDeployment
from adapters.testing.emulator import Fault
from schemas.errors import EngineUnavailableError

WITH_COLUMNS = EmulatedDeployment(columns=("Job", "Age"))


async def columns(engine):
    return {endpoint.name: endpoint.columns for endpoint in await engine.endpoints()}


@pytest.mark.parametrize("auth_mode", ["Key", "AMLToken", "AADToken"])
async def test_columns_come_from_the_endpoints_own_description_whatever_credential_it_wants(
    emulator, connect, auth_mode
):
    emulator.add_endpoint("credit", auth_mode=auth_mode, deployments=[WITH_COLUMNS])
    emulator.add_endpoint("bare", auth_mode=auth_mode)
    async with connect() as engine:
        assert await columns(engine) == {"credit": ("Job", "Age"), "bare": None}


async def test_where_rows_stand_in_a_request_comes_with_the_columns(emulator, connect):
    emulator.add_endpoint("credit", deployments=[WITH_COLUMNS])
    async with connect() as engine:
        (endpoint,) = await engine.endpoints()
    assert endpoint.request_options == {"rows": {"at": "input"}}


async def test_what_swagger_2_cant_say_is_asked_for_in_openapi_3(emulator, connect):
    table = EmulatedDeployment(columns=("Job", "Age"), declared_as="table")
    endpoint = emulator.add_endpoint("credit", deployments=[table])
    for uri in (None, f"{emulator.url}/endpoints/credit/swagger.json?api=1"):
        endpoint.swagger_uri = uri
        async with connect() as engine:
            (described,) = await engine.endpoints()
        assert described.columns == ("Job", "Age")
        assert described.request_options == {"table": {"at": "input", "columns": "columns", "rows": "data"}}


async def test_the_chosen_deployment_is_asked(emulator, connect):
    green = EmulatedDeployment(name="green", columns=("Loan",))
    emulator.add_endpoint("credit", deployments=[WITH_COLUMNS, green])
    async with connect(endpoints={"credit": {"deployment": "green"}}) as engine:
        assert await columns(engine) == {"credit": ("Loan",)}


@pytest.mark.parametrize(
    "fault",
    [
        Fault(route="swagger", status=403, body=b"{}", times=None),
        Fault(route="swagger", status=404, body=b"{}", times=None),
        Fault(route="swagger", body=b"no json", times=None),
    ],
)
async def test_a_description_that_isnt_given_hides_no_endpoint(emulator, connect, fault):
    emulator.add_endpoint("credit", deployments=[WITH_COLUMNS])
    emulator.play(fault)
    async with connect() as engine:
        assert await columns(engine) == {"credit": None}


@pytest.mark.parametrize(
    "fault",
    [
        Fault(route="swagger", status=503, body=b"{}", times=None),
        Fault(route="swagger", status=429, body=b"{}", times=None),
        Fault(route="swagger", connection="reset", times=None),
        Fault(route="keys", status=503, body=b"{}", times=None),
    ],
)
async def test_a_description_that_an_earlier_process_may_have_had_delays_discovery_for_a_while_only(
    emulator, connect, fault
):
    emulator.add_endpoint("credit", deployments=[WITH_COLUMNS])
    emulator.play(fault)
    async with connect() as engine:
        for _ in range(MAX_MISSED):
            with pytest.raises(EngineUnavailableError):
                await engine.endpoints()
        assert await columns(engine) == {"credit": None}
        emulator.recover()
        assert await columns(engine) == {"credit": ("Job", "Age")}


async def test_what_was_told_once_is_kept_while_the_endpoint_cant_be_asked(emulator, connect):
    emulator.add_endpoint("credit", deployments=[WITH_COLUMNS])
    async with connect() as engine:
        await engine.endpoints()
        emulator.play(Fault(route="swagger", status=503, times=None))
        assert await columns(engine) == {"credit": ("Job", "Age")}
        emulator.recover()
        emulator.play(Fault(route="swagger", status=404, times=None))
        assert await columns(engine) == {"credit": None}


async def test_no_key_leaves_for_another_host(emulator, connect):
    endpoint = emulator.add_endpoint("credit", deployments=[WITH_COLUMNS])
    endpoint.swagger_uri = emulator.url.replace("127.0.0.1", "localhost") + "/endpoints/credit/swagger.json"
    async with connect() as engine:
        assert await columns(engine) == {"credit": None}
    assert "swagger" not in emulator.requests


async def test_endpoints_by_url_are_asked_beside_their_scoring_url(emulator, connect):
    for name in ("credit", "bare"):
        emulator.add_endpoint(
            name, auth_mode="None", deployments=[WITH_COLUMNS if name == "credit" else EmulatedDeployment()]
        )
    by_url = {name: {"url": emulator.scoring_url(name)} for name in ("credit", "bare")}
    nothing = {"subscription_id": None, "resource_group": None, "workspace": None}
    async with connect(endpoints=by_url, **nothing) as engine:
        assert await columns(engine) == {"credit": ("Job", "Age")}
        assert "endpoints" not in emulator.requests
    async with connect(endpoints=by_url) as engine:
        assert await columns(engine) == {"credit": ("Job", "Age")}


@pytest.mark.parametrize(
    ("scoring", "document"),
    [
        ("https://aci.example/score", "https://aci.example/swagger.json"),
        ("http://10.0.0.1/api/v1/service/credit/score", "http://10.0.0.1/api/v1/service/credit/swagger.json"),
        ("https://credit.example/predict", None),
        ("https://score", None),
    ],
)
def test_the_document_of_a_service_stands_beside_its_scoring_url(scoring, document):
    assert document_beside(scoring) == document
