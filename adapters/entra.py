"""Credentials for Microsoft Entra, as the configuration gives them: shared by engines and sinks of Azure."""

from typing import Annotated

from msgspec import Meta

from adapters.base import Token, TokenSource, Transport
from adapters.base.http_access import check_header_token
from adapters.tokens import EntraTokens
from schemas.configuration import Doc, Secret, Settings
from schemas.errors import EngineRefusedError

Text = Annotated[str, Meta(min_length=1)]


class EntraCredentials(Settings, frozen=True, kw_only=True):
    """An application of Entra, or a token that somebody else renews."""

    tenant: Annotated[Text | None, Doc("Directory (tenant) id.")] = None
    client_id: Annotated[Text | None, Doc("Application (client) id.")] = None
    client_secret: Annotated[Secret | None, Doc("Client secret of the application.")] = None
    token: Annotated[
        Secret | None, Doc("Bearer token, instead of the three others: used for all that needs one, never renewed.")
    ] = None

    def __post_init__(self) -> None:
        """Refuse what is neither an application nor a token."""
        parts = {"tenant": self.tenant, "client_id": self.client_id, "client_secret": self.client_secret}
        missing = [name for name, value in parts.items() if value is None]
        if self.token is not None and len(missing) < len(parts):
            raise ValueError("`token` stands alone: remove it, or tenant, client_id and client_secret.")
        if self.token is None and missing:
            raise ValueError(f"{', '.join(missing)} missing: give all of tenant, client_id, client_secret, or `token`.")
        check_header_token("token", self.token)

    def tokens(self, transport: Transport, *, scope: str, authority: str) -> TokenSource:
        """Return the tokens that these credentials give for a scope.

        Args:
            transport: to Entra.
            scope: as `https://management.azure.com/.default`.
            authority: base URL of Entra.
        """
        if self.token is not None:
            return FixedToken(self.token)
        return EntraTokens(
            transport,
            tenant=self.tenant or "",
            client_id=self.client_id or "",
            client_secret=self.client_secret or "",
            scope=scope,
            authority=authority,
        )


class FixedToken:
    """A token of the configuration, for whatever needs one."""

    def __init__(self, value: str) -> None:
        self._token = Token(value, float("inf"))

    async def token(self, *, deadline: float, rejected: Token | None = None) -> Token:
        """Return the token: see `adapters.base.TokenSource`."""
        if rejected is not None:
            raise EngineRefusedError("Azure refused `credentials.token`: it may have expired. Configure another.")
        return self._token
