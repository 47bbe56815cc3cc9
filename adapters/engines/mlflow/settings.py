"""The configuration of MLflow scoring servers."""

from typing import Annotated

from msgspec import field

from adapters.base.http_access import HttpCredentials, check_access, check_base_url
from adapters.base.limits import LimitSettings
from schemas.configuration import DiscoverySettings, Doc, EngineSettings, HttpUrl, Secret, Settings


class MlflowEndpointSettings(Settings, frozen=True, kw_only=True):
    """One server."""

    url: Annotated[HttpUrl, Doc("Base of the server: what stands before `/invocations`.")]
    credentials: Annotated[
        HttpCredentials | None,
        Doc("Basic authentication or a bearer token, for a proxy in front: MLflow itself has none. null: neither."),
    ] = None
    headers: Annotated[dict[str, Secret], Doc("Headers for each request, such as an API key.")] = field(
        default_factory=dict
    )
    limits: Annotated[LimitSettings, Doc("What one native request may hold.")] = LimitSettings()

    def __post_init__(self) -> None:
        """Refuse what can't be sent."""
        check_base_url("url", self.url, without="/invocations")
        check_access(self.credentials, self.headers)

    @property
    def base_url(self) -> str:
        """Base of the server, without a slash at its end."""
        return self.url.rstrip("/")


class MlflowSettings(EngineSettings, frozen=True, kw_only=True):
    """Servers by their URLs."""

    discover: Annotated[
        DiscoverySettings | bool,
        Doc("MLflow lists nothing. true: ask the servers of `endpoints` whether they are up (GET /ping)."),
    ] = False
    endpoints: Annotated[dict[str, MlflowEndpointSettings], Doc("The servers, by the names of their endpoints.")] = (
        field(default_factory=dict)
    )
