import aiohttp
import pytest

from adapters.testing.azure_studio import AzureStudioEmulator, Model, Scored, credit_risk_binary, studio_error

MODEL = Model(["Age"], lambda rows: Scored(["Scored Labels"], ["Int32"], [["1"] for _ in rows]))
TABLE = {"Inputs": {"input1": {"ColumnNames": ["Age"], "Values": [["33"]]}}, "GlobalParameters": {}}
ROWS = {"Inputs": {"input1": [{"Age": "33"}]}, "GlobalParameters": {}}


@pytest.fixture
async def emulator():
    async with AzureStudioEmulator(page_size=2) as emulator:
        yield emulator


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as session:
        yield session


async def answered(session, method, url, token, **options):
    headers = {"Authorization": f"Bearer {token}"}
    async with session.request(method, url, headers=headers, **options) as response:
        return response.status, await response.json()


@pytest.mark.parametrize(
    ("query", "body", "output"),
    [
        ("api-version=2.0&format=swagger", ROWS, [{"Scored Labels": "1"}]),
        ("api-version=2.0", TABLE, {"type": "table", "value": {"ColumnNames": ["Scored Labels"], "Values": [["1"]]}}),
    ],
)
async def test_the_query_chooses_the_style(emulator, session, query, body, output):
    service = emulator.add_service("credit", MODEL)
    url = f"{emulator.scoring_url(service)}?{query}"
    for key in service.keys:
        assert await answered(session, "POST", url, key, json=body) == (200, {"Results": {"output1": output}})
    assert emulator.calls[-1].query == query


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"token": "another"}, 401, "ScoreRequestUnauthorized"),
        ({"query": ""}, 400, "BadArgument"),
        ({"json": ROWS}, 400, "BadArgument"),
        ({"path": "gone/execute"}, 404, "NotFound"),
    ],
)
async def test_errors_have_studios_form(emulator, session, change, status, code):
    service = emulator.add_service("credit", MODEL)
    url = emulator.scoring_url(service)
    if "path" in change:
        url = url.replace(f"{service.service_id}/execute", change["path"])
    url += change.get("query", "?api-version=2.0")
    body = change.get("json", TABLE)
    got, answer = await answered(session, "POST", url, change.get("token", service.keys[0]), json=body)
    assert (got, answer["error"]["code"]) == (status, code)


async def test_a_model_that_fails_is_an_error_of_its_module(emulator, session):
    service = emulator.add_service("credit", Model(["x"], credit_risk_binary().score))
    body = {"Inputs": {"input1": {"ColumnNames": ["x"], "Values": [["1"]]}}}
    url = f"{emulator.scoring_url(service)}?api-version=2.0"
    status, answer = await answered(session, "POST", url, service.keys[0], json=body)
    assert (status, answer["error"]["code"]) == (400, "ModuleExecutionError")


async def test_the_control_plane_lists_pages_and_keys(emulator, session):
    for n in range(3):
        emulator.add_service(f"credit-{n}", MODEL)
    base = f"{emulator.url}/subscriptions/{emulator.subscription_id}"
    url = f"{base}/resourceGroups/credit/providers/Microsoft.MachineLearning/webServices"
    token = emulator.issue_token()
    _, page = await answered(session, "GET", f"{url}?api-version=2017-01-01", token)
    _, last = await answered(session, "GET", page["nextLink"], token)
    _, keys = await answered(session, "GET", f"{url}/credit-1/listKeys?api-version=2017-01-01", token)
    assert [item["name"] for item in [*page["value"], *last["value"]]] == ["credit-0", "credit-1", "credit-2"]
    assert "nextLink" not in last
    assert "input" not in page["value"][0]["properties"]
    assert keys == dict(zip(("primary", "secondary"), emulator.services[1].keys, strict=True))


async def test_the_control_plane_wants_a_token_and_a_version(emulator, session):
    url = f"{emulator.url}/subscriptions/{emulator.subscription_id}/providers/Microsoft.MachineLearning/webServices"
    assert (await answered(session, "GET", f"{url}?api-version=1", "another"))[0] == 401
    token = emulator.issue_token()
    assert (await answered(session, "GET", url, token))[0] == 400
    emulator.revoke_tokens()
    assert (await answered(session, "GET", f"{url}?api-version=1", token))[0] == 401


async def test_entra_gives_tokens_to_its_application_alone(emulator, session):
    form = {
        "client_id": emulator.client_id,
        "client_secret": emulator.client_secret,
        "scope": "https://management.azure.com/.default",
    }
    url = f"{emulator.url}/{emulator.tenant}/oauth2/v2.0/token"
    assert (await answered(session, "POST", url, "", data=form))[0] == 200
    assert (await answered(session, "POST", url, "", data=form | {"client_secret": "x"}))[0] == 401


async def test_a_scripted_error_has_studios_form(emulator, session):
    service = emulator.add_service("credit", MODEL)
    emulator.play(studio_error(503, "RequestThrottled", "words", headers={"Retry-After": "1"}))
    url = f"{emulator.scoring_url(service)}?api-version=2.0"
    status, answer = await answered(session, "POST", url, service.keys[0], json=TABLE)
    assert (status, answer["error"]["code"], answer["error"]["message"]) == (503, "RequestThrottled", "words")
