"""Bearer tokens over HTTP: IBM Cloud IAM, MCSP, Cloud Pak for Data, Entra. Shared by engines and sinks."""

from adapters.tokens.cloud_pak import PREAUTH_PATH, CloudPakTokens, PreauthTokens
from adapters.tokens.entra import ENTRA_AUTHORITY, EntraTokens
from adapters.tokens.ibm import IAM_URL, IamTokens, McspTokens, check_ibm_credentials, ibm_tokens
from adapters.tokens.refreshing import Clock, RefreshingTokens

__all__ = [
    "ENTRA_AUTHORITY",
    "IAM_URL",
    "PREAUTH_PATH",
    "Clock",
    "CloudPakTokens",
    "EntraTokens",
    "IamTokens",
    "McspTokens",
    "PreauthTokens",
    "RefreshingTokens",
    "check_ibm_credentials",
    "ibm_tokens",
]
