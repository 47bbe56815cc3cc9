import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from adapters.base.http_access import basic_authorization
from adapters.testing.emulator import Emulator
from adapters.testing.ibm_tokens import IbmTokenServices

GRANT = "urn:ibm:params:oauth:grant-type:apikey"
IDENTITY = "/idprovider/v1/auth/identitytoken"
PREAUTH = "/v1/preauth/validateAuth"


class Service(Emulator):
    """What the tokens are for."""

    def __init__(self) -> None:
        self.tokens = IbmTokenServices()
        super().__init__([*self.tokens.routes, web.get("/admitted", self._admitted, name="admitted")])

    async def _admitted(self, request: web.Request) -> web.Response:
        return web.json_response(self.tokens.admits(request))


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with Service() as service:
        yield service


@pytest.fixture
async def ask(service: Service):
    async with aiohttp.ClientSession(service.url) as session:

        async def ask(method: str, path: str, **sent: Any) -> tuple[int, dict[str, Any]]:
            async with session.request(method, path, **sent) as response:
                text = await response.text()
                return response.status, json.loads(text) if text.startswith(("{", "t", "f")) else {}

        yield ask


@pytest.fixture
def user(service: Service) -> dict[str, str]:
    return {"username": service.tokens.username, "password": service.tokens.password}


async def admitted(ask, token: str) -> bool:
    return (await ask("GET", "/admitted", headers={"Authorization": f"Bearer {token}"}))[1]


async def test_iam_and_mcsp_give_tokens_for_the_api_key(service, ask):
    key = service.tokens.apikey
    _, iam = await ask("POST", "/identity/token", data={"grant_type": GRANT, "apikey": key})
    _, mcsp = await ask("POST", "/siusermgr/api/1.0/apikeys/token", json={"apikey": key})
    assert await admitted(ask, iam["access_token"])
    assert await admitted(ask, mcsp["token"])
    service.tokens.revoke()
    assert not await admitted(ask, iam["access_token"])


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": GRANT, "apikey": "another"}, "BXNIM0415E"),
    ],
)
async def test_iam_refuses_with_a_code(ask, form, code):
    status, answer = await ask("POST", "/identity/token", data=form)
    assert (status, answer["errorCode"]) == (400, code)


async def test_mcsp_refuses_another_key(ask):
    assert (await ask("POST", "/siusermgr/api/1.0/apikeys/token", json={"apikey": "another"}))[0] == 401


async def test_a_cluster_takes_password_or_api_key_and_nothing_else(service, ask, user):
    name = {"username": service.tokens.username}
    for given, status in (
        (user, 200),
        (name | {"api_key": service.tokens.apikey}, 200),
        (name | {"password": service.tokens.apikey}, 401),
        (name, 401),
    ):
        answered, answer = await ask("POST", "/icp4d-api/v1/authorize", json=given)
        assert answered == status
        assert ("token" in answer) is (status == 200)


async def test_a_cluster_without_integration_takes_its_users_as_basic_authentication(ask, user):
    right, wrong = (
        {"Authorization": basic_authorization(user["username"], password)} for password in (user["password"], "another")
    )
    _, answer = await ask("GET", PREAUTH, headers=right)
    assert await admitted(ask, answer["accessToken"])
    assert (await ask("GET", PREAUTH, headers=wrong))[0] == 401
    assert (await ask("POST", IDENTITY, data=user))[0] == 404


async def test_an_integrated_cluster_wants_a_token_of_its_iam(service, ask, user):
    service.tokens.is_integrated = True
    assert (await ask("POST", "/icp4d-api/v1/authorize", json=user))[0] == 401
    form = {"grant_type": "password", "scope": "openid", **user}
    _, identity = await ask("POST", IDENTITY, data=form)
    of_iam = identity["access_token"]
    assert not await admitted(ask, of_iam)
    headers = {"username": user["username"], "iam-token": of_iam}
    _, answer = await ask("GET", PREAUTH, headers=headers)
    assert await admitted(ask, answer["accessToken"])
    assert (await ask("GET", PREAUTH, headers=headers | {"username": "another"}))[0] == 401
    assert (await ask("GET", PREAUTH, headers=headers | {"iam-token": "another"}))[0] == 401


@pytest.mark.parametrize("changed", [{"scope": "all"}, {"grant_type": "apikey"}, {"password": "another"}])
async def test_an_integrated_iam_wants_the_whole_form(service, ask, user, changed):
    service.tokens.is_integrated = True
    form = {"grant_type": "password", "scope": "openid", **user} | changed
    assert await ask("POST", IDENTITY, data=form) == (400, {"error": "invalid_grant"})


async def test_a_secret_that_is_null_is_none(service, ask, user):
    given = {**user, "api_key": None}
    assert (await ask("POST", "/icp4d-api/v1/authorize", json=given))[0] == 200
    assert (await ask("POST", "/icp4d-api/v1/authorize", json={**given, "password": None}))[0] == 401


@pytest.mark.parametrize("path", ["/icp4d-api/v1/authorize", "/siusermgr/api/1.0/apikeys/token"])
@pytest.mark.parametrize("body", [b"", b"[]", b"{"])
async def test_what_names_no_credentials_is_answered_with_401(ask, path, body):
    assert (await ask("POST", path, data=body))[0] == 401


async def test_a_token_states_its_own_life(service, ask, user):
    _, answer = await ask("POST", "/icp4d-api/v1/authorize", json=user)
    claims = json.loads(base64.urlsafe_b64decode(answer["token"].split(".")[1] + "=="))
    assert claims["exp"] - claims["iat"] == 3600
