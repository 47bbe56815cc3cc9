"""Cloud Pak for Data: the ways to a cluster's token.

Source: IBM/python-sdk-core, `cp4d_token_manager.py`; for clusters with IAM integration `ibm_watson_openscale` 3.1.11,
`utils/client_utils.py`. Where no URL of the IAM is given, that SDK guesses a host of the same domain;
here the cluster itself is asked, as IBM's watsonx.ai SDK for Java does: a password goes to no host that nobody named.
"""

import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from adapters.base import Response, Token, Transport
from adapters.base.http_access import basic_authorization
from adapters.tokens.http import HttpTokens, TokenRequest, form_request, is_success, json_request, read_token
from adapters.tokens.refreshing import Clock
from schemas.errors import EngineRefusedError

PREAUTH_PATH = "/v1/preauth/validateAuth"

_AUTHORIZE_PATH = "/icp4d-api/v1/authorize"
_IDENTITY_PATH = "/idprovider/v1/auth/identitytoken"
_LIFE_SECONDS = 1800.0
"""A cluster states no life; IBM's SDK takes a token for expired after this time."""
_UNAUTHORIZED = 401
_REFUSALS = frozenset((400, 401, 403))


class PreauthTokens(HttpTokens):
    """Cloud Pak for Data, as clients of OpenScale's API v1 sign in: `GET <cluster>/v1/preauth/validateAuth`.

    The user goes as Basic authentication. Source: `ibm_ai_openscale` 2.2.1, `client_4_icp.py`.
    """

    def __init__(
        self, transport: Transport, *, url: str, username: str, password: str, clock: Clock = time.time
    ) -> None:
        headers = {"Authorization": basic_authorization(username, password)}
        super().__init__(transport, "Cloud Pak for Data", _preauth_request(url, headers), clock=clock)


class CloudPakTokens(HttpTokens):
    """Cloud Pak for Data: a user's token, from the cluster itself or through the IAM that it is integrated with.

    A cluster with IAM integration answers 401 to a user of that IAM. Then the user's password is exchanged for a token
    of IAM, and that for one of the cluster. Next time this way is taken at once: each refusal may count against the
    user.

    Args:
        transport: to the cluster.
        url: `<cluster>/icp4d-api/v1/authorize`; the path may be left out.
        username: of the user.
        password: of the user; exactly one of `password` and `apikey` is given.
        apikey: of the user, which IAM integration doesn't take.
        identity_url: base of the IAM, its `cp-console`; None: the cluster itself.
        clock: seconds of the Unix epoch.
    """

    advice = (
        "Check the credentials and the token URL in the configuration, and whether the cluster leaves its users to an "
        "IAM of another host."
    )

    def __init__(
        self,
        transport: Transport,
        *,
        url: str,
        username: str,
        password: str | None = None,
        apikey: str | None = None,
        identity_url: str | None = None,
        clock: Clock = time.time,
    ) -> None:
        secret = {"api_key": apikey} if password is None else {"password": password}
        parts = urlsplit(url)
        authorize = parts._replace(path=parts.path.rstrip("/") or _AUTHORIZE_PATH).geturl()
        request = json_request(authorize, {"username": username, **secret}, life=_LIFE_SECONDS)
        super().__init__(transport, "Cloud Pak for Data", request, clock=clock)
        cluster = authorize.removesuffix(_AUTHORIZE_PATH)
        self._exchange_url = cluster + PREAUTH_PATH
        self._username = username
        self._identity: TokenRequest | None = None
        if password is not None:
            form = {"grant_type": "password", "scope": "openid", "username": username, "password": password}
            self._identity = form_request((identity_url or cluster).rstrip("/") + _IDENTITY_PATH, form)
        self._is_integrated = False

    async def fetch(self, deadline: float) -> Token:
        """Ask the cluster, and its IAM where there is one: see `RefreshingTokens.fetch`."""
        if self._identity is None:
            return await super().fetch(deadline)
        if not self._is_integrated:
            response = await self._exchange(self._request, deadline)
            if response.status != _UNAUTHORIZED:
                return self._issued(self._request, response)
            identity = await self._exchange(self._identity, deadline)
            if not self._is_of_iam(self._identity, identity):
                return self._issued(self._request, response)
        else:
            identity = await self._exchange(self._identity, deadline)
        try:
            token = await self._exchanged(self._issued(self._identity, identity), deadline)
        except EngineRefusedError:
            self._is_integrated = False
            raise
        self._is_integrated = True
        return token

    def _is_of_iam(self, request: TokenRequest, response: Response) -> bool:
        """Tell an answer of IAM from that of a cluster without it, which has no such route or shows a page."""
        if is_success(response):
            return read_token(request, response.body, self._clock()) is not None
        return response.status in _REFUSALS

    async def _exchanged(self, identity: Token, deadline: float) -> Token:
        """Return the cluster's token for one of IAM."""
        headers = {"username": self._username, "iam-token": identity.value}
        request = _preauth_request(self._exchange_url, headers)
        return self._issued(request, await self._exchange(request, deadline))


def _preauth_request(url: str, headers: Mapping[str, str]) -> TokenRequest:
    return TokenRequest(url=url, method="GET", headers=headers, member="accessToken", life=_LIFE_SECONDS)
