"""Emulated token services of IBM: IAM, MCSP, and Cloud Pak for Data with or without IAM integration.

Source: IBM Cloud IAM API, "Create an IAM access token for an API key"; IBM/python-sdk-core, `cp4d_token_manager.py` and
`mcsp_token_manager.py`; for IAM integration `ibm_watson_openscale` 3.1.11, `utils/client_utils.py`; for users of API v1
`ibm_ai_openscale` 2.2.1, `client_4_icp.py`.
"""

import base64
import json
import secrets
import time
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from adapters.testing.azureml.workspace import Tokens

_IDENTITY = "identity"


class IbmTokenServices:
    """Issues tokens for a service, and knows those that still count.

    Its routes are `iam_token`, `mcsp_token`, `authorize`, `identity_token` and `validate_auth`.

    Args:
        apikey: see the attributes; None: made up.
        username: see the attributes.
        password: see the attributes; None: made up.
        seconds: life of a token.

    Attributes:
        apikey: that IAM and MCSP take, and the cluster for `username`.
        username: of the cluster, with `password` or `apikey`.
        password: of `username`.
        is_integrated: whether the cluster leaves its users to an IAM: it doesn't know them itself then.
    """

    def __init__(
        self,
        *,
        apikey: str | None = None,
        username: str = "scorer",
        password: str | None = None,
        seconds: float = 3600.0,
    ) -> None:
        self.apikey = apikey or secrets.token_urlsafe(24)
        self.username = username
        self.password = password or secrets.token_urlsafe(24)
        self.is_integrated = False
        self._seconds = seconds
        self._issued: dict[str, float] = {}
        self._identities = Tokens()

    @property
    def routes(self) -> Sequence[web.RouteDef]:
        """Routes of all services."""
        return [
            web.post("/identity/token", self._iam_token, name="iam_token"),
            web.post("/siusermgr/api/1.0/apikeys/token", self._mcsp_token, name="mcsp_token"),
            web.post("/icp4d-api/v1/authorize", self._authorize, name="authorize"),
            web.post("/idprovider/v1/auth/identitytoken", self._identity_token, name="identity_token"),
            web.get("/v1/preauth/validateAuth", self._validate_auth, name="validate_auth"),
        ]

    def admits(self, request: web.Request) -> bool:
        """Whether a request carries a token that counts."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return scheme == "Bearer" and time.time() < self._issued.get(token, 0.0)

    def revoke(self) -> None:
        """Let none of the tokens count that were issued so far."""
        self._issued.clear()

    def _issue(self) -> tuple[str, int]:
        """Return a JSON Web Token, which clients read the life of, and when it expires."""
        now = time.time()
        claims = {"iat": int(now), "exp": int(now + self._seconds), "jti": secrets.token_hex(8)}
        parts = (json.dumps({"alg": "none", "typ": "JWT"}), json.dumps(claims), "signature")
        token = ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)
        self._issued[token] = now + self._seconds
        return token, int(now + self._seconds)

    async def _iam_token(self, request: web.Request) -> web.Response:
        form = await request.post()
        if form.get("grant_type") != "urn:ibm:params:oauth:grant-type:apikey":
            return web.json_response({"errorCode": "unsupported_grant_type", "errorMessage": "Unknown."}, status=400)
        if form.get("apikey") != self.apikey:
            return web.json_response({"errorCode": "BXNIM0415E", "errorMessage": "Unknown API key."}, status=400)
        token, expires_at = self._issue()
        life = {"expires_in": int(self._seconds), "expiration": expires_at}
        return web.json_response({"access_token": token, "token_type": "Bearer", **life})

    async def _mcsp_token(self, request: web.Request) -> web.Response:
        if await _members(request) != {"apikey": self.apikey}:
            return web.json_response({"errorCode": "unauthorized", "message": "Unknown API key."}, status=401)
        token, expires_at = self._issue()
        life = {"expires_in": int(self._seconds), "expiration": expires_at}
        return web.json_response({"token": token, "token_type": "Bearer", **life})

    async def _authorize(self, request: web.Request) -> web.Response:
        # IBM's SDK sends the secret that it does not have as null (`client_utils.py`).
        given = {name: value for name, value in (await _members(request)).items() if value is not None}
        known = [{"username": self.username, "password": self.password}] * (not self.is_integrated)
        if given not in [*known, {"username": self.username, "api_key": self.apikey}]:
            return _unauthorized()
        token, _ = self._issue()
        return web.json_response({"_messageCode_": "200", "message": "Success", "token": token})

    async def _identity_token(self, request: web.Request) -> web.Response:
        if not self.is_integrated:
            raise web.HTTPNotFound
        form = await request.post()
        user = {"username": self.username, "password": self.password}
        if dict(form) != {"grant_type": "password", "scope": "openid", **user}:
            return web.json_response({"error": "invalid_grant"}, status=400)
        token, _ = self._identities.issue(_IDENTITY, seconds=self._seconds)
        life = {"expires_in": int(self._seconds), "scope": "openid", "token_type": "Bearer"}
        return web.json_response({"access_token": token, **life})

    async def _validate_auth(self, request: web.Request) -> web.Response:
        pair = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        is_user = not self.is_integrated and request.headers.get("Authorization") == f"Basic {pair}"
        is_of_iam = (
            self.is_integrated
            and request.headers.get("username") == self.username
            and self._identities.valid(request.headers.get("iam-token", ""), _IDENTITY)
        )
        if not is_user and not is_of_iam:
            return _unauthorized()
        token, _ = self._issue()
        return web.json_response({"username": self.username, "messageCode": "success", "accessToken": token})


async def _members(request: web.Request) -> dict[str, Any]:
    """Return the members of a JSON object; none of anything else."""
    try:
        document = json.loads(await request.read())
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _unauthorized() -> web.Response:
    return web.json_response({"_messageCode_": "401", "message": "Unauthorized"}, status=401)
