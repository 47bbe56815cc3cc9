import json
from collections.abc import AsyncIterator

import aiohttp
import pytest

from adapters.testing.azureml import AzureMLEmulator, EmulatedDeployment, model_failure
from adapters.testing.azureml.workspace import CONTROL_SCOPE, SCORING_SCOPE

BODY = json.dumps({"input": [{"Age": 33}]})


@pytest.fixture
async def emulator() -> AsyncIterator[AzureMLEmulator]:
    async with AzureMLEmulator(page_size=2) as emulator:
        yield emulator


@pytest.fixture
async def client(emulator) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(emulator.url) as client:
        yield client


def bearer(credential: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {credential}"}


async def ask(client, method, path, credential=None, **options):
    headers = bearer(credential) if credential else {}
    async with client.request(method, path, headers=headers | options.pop("headers", {}), **options) as answer:
        return answer.status, await answer.json(), answer.headers


async def test_both_keys_score_and_nothing_else(emulator, client):
    keys = emulator.add_endpoint("credit").keys
    for key in keys:
        status, answer, _ = await ask(client, "POST", "/endpoints/credit/score", key, data=BODY)
        assert status == 200
        assert answer["output"][0]["Scored Labels"] in ("No Risk", "Risk")
    for wrong in (None, "another", emulator.issue_token()):
        status, _, _ = await ask(client, "POST", "/endpoints/credit/score", wrong, data=BODY)
        assert status == 401
    emulator.rotate_keys("credit")
    status, _, _ = await ask(client, "POST", "/endpoints/credit/score", keys[0], data=BODY)
    assert status == 401


async def test_swagger_needs_what_scoring_needs(emulator, client):
    key = emulator.add_endpoint("credit").keys[0]
    assert (await ask(client, "GET", "/endpoints/credit/swagger.json"))[0] == 401
    status, swagger, _ = await ask(client, "GET", "/endpoints/credit/swagger.json", key)
    assert status == 200
    assert "/score" in swagger["paths"]


async def test_a_declared_table_has_a_document_in_openapi_3_alone(emulator, client):
    table = EmulatedDeployment(columns=("Job", "Age"), declared_as="table")
    key = emulator.add_endpoint("credit", deployments=[table]).keys[0]
    assert (await ask(client, "GET", "/endpoints/credit/swagger.json", key))[0] == 404
    status, document, _ = await ask(client, "GET", "/endpoints/credit/swagger.json?version=3", key)
    assert status == 200
    example = document["components"]["schemas"]["ServiceInput"]["example"]
    assert example == {"input": {"columns": ["Job", "Age"], "index": [0], "data": [[None, None]]}}


async def test_an_entra_token_scores_for_its_scope_until_it_is_revoked(emulator, client):
    emulator.add_endpoint("credit", auth_mode="AADToken")
    form = {
        "grant_type": "client_credentials",
        "client_id": emulator.client_id,
        "client_secret": emulator.client_secret,
        "scope": SCORING_SCOPE,
    }
    token_path = f"/{emulator.tenant}/oauth2/v2.0/token"
    _, granted, _ = await ask(client, "POST", token_path, data=form)
    token = granted["access_token"]
    _, granted, _ = await ask(client, "POST", token_path, data=form | {"scope": CONTROL_SCOPE})
    assert (await ask(client, "POST", "/endpoints/credit/score", token, data=BODY))[0] == 200
    assert (await ask(client, "POST", "/endpoints/credit/score", granted["access_token"], data=BODY))[0] == 401
    emulator.revoke_tokens(SCORING_SCOPE)
    assert (await ask(client, "POST", "/endpoints/credit/score", token, data=BODY))[0] == 401


@pytest.mark.parametrize(
    ("tenant", "changes", "status"),
    [
        (None, {"client_secret": "another"}, 401),
        (None, {"client_id": "another"}, 401),
        (None, {"grant_type": "password"}, 401),
        ("another", {}, 400),
    ],
)
async def test_wrong_applications_get_no_token(emulator, client, tenant, changes, status):
    form = {
        "grant_type": "client_credentials",
        "client_id": emulator.client_id,
        "client_secret": emulator.client_secret,
        "scope": SCORING_SCOPE,
    }
    path = f"/{tenant or emulator.tenant}/oauth2/v2.0/token"
    assert (await ask(client, "POST", path, data=form | changes))[0] == status


async def test_the_control_plane_wants_a_token_for_itself_and_a_version(emulator, client):
    emulator.add_endpoint("credit")
    path = f"{emulator.workspace_id}/onlineEndpoints"
    version = {"api-version": "2025-12-01"}
    assert (await ask(client, "GET", path, params=version))[0] == 401
    assert (await ask(client, "GET", path, emulator.issue_token(SCORING_SCOPE), params=version))[0] == 401
    assert (await ask(client, "GET", path, emulator.issue_token(CONTROL_SCOPE)))[0] == 400
    assert (await ask(client, "GET", path, emulator.issue_token(CONTROL_SCOPE), params=version))[0] == 200
    assert (await ask(client, "GET", emulator.workspace_id, emulator.issue_token(), params=version))[0] == 200


async def test_listings_come_in_pages(emulator, client):
    for name in ("a", "b", "c"):
        emulator.add_endpoint(name)
    emulator.add_endpoint("aci", auth_mode="None")
    token = emulator.issue_token()
    _, first, _ = await ask(
        client, "GET", f"{emulator.workspace_id}/onlineEndpoints", token, params={"api-version": "1"}
    )
    _, second, _ = await ask(client, "GET", first["nextLink"].removeprefix(emulator.url), token)
    assert [item["name"] for item in first["value"] + second["value"]] == ["a", "b", "c"]
    assert "nextLink" not in second


@pytest.mark.parametrize(
    ("auth_mode", "action", "status"),
    [
        ("Key", "listKeys", 200),
        ("Key", "token", 400),
        ("AMLToken", "token", 200),
        ("AMLToken", "listKeys", 400),
        ("AADToken", "listKeys", 400),
    ],
)
async def test_an_endpoint_gives_the_credential_of_its_own_mode(emulator, client, auth_mode, action, status):
    emulator.add_endpoint("credit", auth_mode=auth_mode)
    path = f"{emulator.workspace_id}/onlineEndpoints/credit/{action}"
    assert (await ask(client, "POST", path, emulator.issue_token(), params={"api-version": "1"}))[0] == status


async def test_an_endpoint_token_scores_at_its_endpoint_alone(emulator, client):
    for name in ("credit", "fraud"):
        emulator.add_endpoint(name, auth_mode="AMLToken")
    path = f"{emulator.workspace_id}/onlineEndpoints/credit/token"
    _, granted, _ = await ask(client, "POST", path, emulator.issue_token(), params={"api-version": "1"})
    assert granted["refreshAfterTimeUtc"] < granted["expiryTimeUtc"]
    assert (await ask(client, "POST", "/endpoints/credit/score", granted["accessToken"], data=BODY))[0] == 200
    assert (await ask(client, "POST", "/endpoints/fraud/score", granted["accessToken"], data=BODY))[0] == 401


async def test_traffic_and_header_choose_the_deployment(emulator, client):
    deployments = [EmulatedDeployment(name=name, handler=lambda _, name=name: name) for name in ("blue", "green")]
    key = emulator.add_endpoint("credit", deployments=deployments, traffic={"blue": 10, "green": 90}).keys[0]
    path = "/endpoints/credit/score"
    assert (await ask(client, "POST", path, key, data=BODY))[1] == "green"
    chosen = {"azureml-model-deployment": "blue"}
    assert (await ask(client, "POST", path, key, data=BODY, headers=chosen))[1] == "blue"
    missing = {"azureml-model-deployment": "red"}
    assert (await ask(client, "POST", path, key, data=BODY, headers=missing))[0] == 404
    emulator.endpoints["credit"].traffic = {"blue": 0, "green": 0}
    assert (await ask(client, "POST", path, key, data=BODY))[0] == 404


async def test_double_encoding_wraps_the_answer_in_a_string(emulator, client):
    key = emulator.add_endpoint("credit", deployments=[EmulatedDeployment(double_encoded=True)]).keys[0]
    _, answer, _ = await ask(client, "POST", "/endpoints/credit/score", key, data=BODY)
    assert "output" in json.loads(answer)


@pytest.mark.parametrize("body", ["no JSON", "[]", '{"input": [1]}', '{"input": [{"Age": "old"}]}', '{"input": [{}]}'])
async def test_a_model_that_fails_is_reported_as_azure_does(emulator, client, body):
    key = emulator.add_endpoint("credit").keys[0]
    status, _, headers = await ask(client, "POST", "/endpoints/credit/score", key, data=body)
    assert status == 424
    assert headers["ms-azureml-model-error-statuscode"] == "500"
    assert headers["ms-azureml-model-error-reason"]


async def test_a_model_failure_can_be_played(emulator, client):
    key = emulator.add_endpoint("credit").keys[0]
    emulator.play(model_failure(429, "busy"))
    status, answer, headers = await ask(client, "POST", "/endpoints/credit/score", key, data=BODY)
    assert (status, answer["message"], headers["ms-azureml-model-error-statuscode"]) == (424, "busy", "429")
    assert (await ask(client, "POST", "/endpoints/credit/score", key, data=BODY))[0] == 200


async def test_calls_are_remembered_as_they_came(emulator, client):
    key = emulator.add_endpoint("credit").keys[0]
    await ask(client, "POST", "/endpoints/credit/score", key, data=BODY, headers={"X-Extra": "1"})
    call = emulator.calls[-1]
    assert (call.endpoint, call.deployment, call.body.decode()) == ("credit", "blue", BODY)
    assert call.headers["x-extra"] == "1"
