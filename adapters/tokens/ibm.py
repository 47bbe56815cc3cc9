"""IBM's token services, and which of them a configuration means.

Source: IBM Cloud API, "IAM Identity Services"; IBM/python-sdk-core, `token_managers`.
"""

import re
import time
from typing import Annotated, Protocol
from urllib.parse import urlsplit

from adapters.base import TokenSource, Transport
from adapters.base.http_access import check_token_urls
from adapters.tokens.cloud_pak import PREAUTH_PATH, CloudPakTokens, PreauthTokens
from adapters.tokens.http import HttpTokens, form_request, json_request
from adapters.tokens.refreshing import Clock
from schemas.configuration import Doc, HttpUrl, Secret

# The options of a credential, for the settings of all that sign in to IBM's services.
ApikeyOption = Annotated[Secret | None, Doc("API key: of IBM Cloud, or with `username` of Cloud Pak for Data.")]
UsernameOption = Annotated[str | None, Doc("User of Cloud Pak for Data; null: IBM Cloud.")]
PasswordOption = Annotated[Secret | None, Doc("Password of `username`, instead of `apikey`.")]
TokenUrlOption = Annotated[
    HttpUrl | None,
    Doc(
        "Where tokens come from. Default: IBM Cloud IAM; with `username` the cluster that `url` names. A cluster's "
        "URL without a path is completed; one that ends with `/apikeys/token` is MCSP's (IBM's services on AWS)."
    ),
]
IdentityUrlOption = Annotated[
    HttpUrl | None,
    Doc(
        "Base of the IAM that a cluster is integrated with (its `cp-console`), asked with `password` after the "
        "cluster has answered 401; null: the cluster itself."
    ),
]

IAM_URL = "https://iam.cloud.ibm.com/identity/token"

_MCSP_PATH = "/apikeys/token"


class IamTokens(HttpTokens):
    """IBM Cloud IAM: an API key is exchanged for a token."""

    def __init__(self, transport: Transport, *, apikey: str, url: str = IAM_URL, clock: Clock = time.time) -> None:
        form = {"grant_type": "urn:ibm:params:oauth:grant-type:apikey", "apikey": apikey}
        super().__init__(transport, "IBM Cloud IAM", form_request(url, form), clock=clock)


class McspTokens(HttpTokens):
    """Multi-Cloud SaaS Platform, for IBM's services on AWS: an API key is exchanged for a token."""

    def __init__(self, transport: Transport, *, apikey: str, url: str, clock: Clock = time.time) -> None:
        super().__init__(transport, "IBM's MCSP", json_request(url, {"apikey": apikey}), clock=clock)


class IbmCredentials(Protocol):
    """What settings with the options above say of a credential, and of the service that takes the tokens."""

    @property
    def url(self) -> str:
        """Of the service that takes the tokens."""

    @property
    def apikey(self) -> str | None:
        """Of IBM Cloud; with `username` of a cluster."""

    @property
    def username(self) -> str | None:
        """Of a cluster; None: IBM Cloud."""

    @property
    def password(self) -> str | None:
        """Of `username`."""

    @property
    def token_url(self) -> str | None:
        """Where tokens come from; None: IBM Cloud IAM, or the cluster that `url` names."""

    @property
    def identity_url(self) -> str | None:
        """Base of the IAM that a cluster is integrated with; None: the cluster itself."""


def check_ibm_credentials(given: IbmCredentials) -> None:
    """Check that the options make one credential, and that none of it goes in clear text.

    Raises:
        ValueError: with a sentence that says what is needed.
    """
    check_token_urls(url=given.url, token_url=given.token_url, identity_url=given.identity_url)
    if given.username is None and (given.apikey is None or given.password is not None):
        raise ValueError("IBM Cloud needs `apikey`; Cloud Pak for Data `username` and one of `password`, `apikey`.")
    if given.username is not None and (given.apikey is None) == (given.password is None):
        raise ValueError("`username` needs exactly one of `password` and `apikey`.")
    if given.username is not None and re.fullmatch(r"[^\x00-\x1f\x7f]+", given.username) is None:
        raise ValueError("`username` is empty, or has line ends or other control characters: no header can carry it.")
    if given.identity_url is not None and given.password is None:
        raise ValueError("`identity_url` needs `username` and `password`: API keys don't pass an integrated IAM.")


def ibm_tokens(transport: Transport, given: IbmCredentials) -> TokenSource:
    """Return the tokens that checked options mean.

    The path of `token_url` tells MCSP (`.../apikeys/token`) from IAM, and `PreauthTokens`
    (`.../v1/preauth/validateAuth`) from `CloudPakTokens`.
    """
    token_url, username, password = given.token_url, given.username, given.password
    path = urlsplit(token_url or "").path.rstrip("/")
    if username is None:
        if token_url is not None and path.endswith(_MCSP_PATH):
            return McspTokens(transport, apikey=given.apikey or "", url=token_url)
        return IamTokens(transport, apikey=given.apikey or "", url=token_url or IAM_URL)
    if token_url is not None and password is not None and path.endswith(PREAUTH_PATH):
        return PreauthTokens(transport, url=token_url, username=username, password=password)
    return CloudPakTokens(
        transport,
        url=token_url or urlsplit(given.url)._replace(path="", query="").geturl(),
        username=username,
        password=password,
        apikey=given.apikey,
        identity_url=given.identity_url,
    )
