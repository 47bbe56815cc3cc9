"""IBM's token services, and which of them a configuration means.

Source: IBM Cloud API, "IAM Identity Services"; IBM/python-sdk-core, `token_managers`.
"""

import re
import time
from typing import Annotated
from urllib.parse import urlsplit

from adapters.base import TokenSource, Transport
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


def check_ibm_credentials(
    *, apikey: str | None, username: str | None, password: str | None, identity_url: str | None
) -> None:
    """Check that the options make one credential.

    Raises:
        ValueError: with a sentence that says what is needed.
    """
    if username is None and (apikey is None or password is not None):
        raise ValueError("IBM Cloud needs `apikey`; Cloud Pak for Data `username` and one of `password`, `apikey`.")
    if username is not None and (apikey is None) == (password is None):
        raise ValueError("`username` needs exactly one of `password` and `apikey`.")
    if username is not None and re.fullmatch(r"[^\x00-\x1f\x7f]+", username) is None:
        raise ValueError("`username` is empty, or has line ends or other control characters: no header can carry it.")
    if identity_url is not None and password is None:
        raise ValueError("`identity_url` needs `username` and `password`: API keys don't pass an integrated IAM.")


def ibm_tokens(
    transport: Transport,
    *,
    url: str,
    apikey: str | None,
    username: str | None,
    password: str | None,
    token_url: str | None,
    identity_url: str | None = None,
) -> TokenSource:
    """Return the tokens that checked options mean.

    Args:
        transport: to the token service.
        url: of the service that takes the tokens.
        apikey: of IBM Cloud; with `username` of a cluster.
        username: of a cluster; None: IBM Cloud.
        password: of `username`.
        token_url: where tokens come from; None: IBM Cloud IAM, or the cluster that `url` names. Its path tells MCSP
            (`.../apikeys/token`) from IAM, and `PreauthTokens` (`.../v1/preauth/validateAuth`) from `CloudPakTokens`.
        identity_url: base of the IAM that a cluster is integrated with; None: the cluster itself.
    """
    path = urlsplit(token_url or "").path.rstrip("/")
    if username is None:
        if token_url is not None and path.endswith(_MCSP_PATH):
            return McspTokens(transport, apikey=apikey or "", url=token_url)
        return IamTokens(transport, apikey=apikey or "", url=token_url or IAM_URL)
    if token_url is not None and password is not None and path.endswith(PREAUTH_PATH):
        return PreauthTokens(transport, url=token_url, username=username, password=password)
    return CloudPakTokens(
        transport,
        url=token_url or urlsplit(url)._replace(path="", query="").geturl(),
        username=username,
        password=password,
        apikey=apikey,
        identity_url=identity_url,
    )
