"""Microsoft Entra: client credentials of an application (identity platform, client credentials flow)."""

import time
from urllib.parse import quote

from adapters.base import Transport
from adapters.tokens.http import HttpTokens, form_request
from adapters.tokens.refreshing import Clock

ENTRA_AUTHORITY = "https://login.microsoftonline.com"


class EntraTokens(HttpTokens):
    """Tokens of an application for one scope."""

    def __init__(
        self,
        transport: Transport,
        *,
        tenant: str,
        client_id: str,
        client_secret: str,
        scope: str,
        authority: str = ENTRA_AUTHORITY,
        clock: Clock = time.time,
    ) -> None:
        form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret,
            "scope": scope,
        }
        url = f"{authority.rstrip('/')}/{quote(tenant, safe='')}/oauth2/v2.0/token"
        super().__init__(transport, "Microsoft Entra", form_request(url, form), clock=clock)
